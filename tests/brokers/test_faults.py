"""RabbitMQ broken on purpose, on a server of our own; then the ledger of every id is counted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.adapters.brokers.rabbitmq import RabbitBroker
from tests.brokers.desk import Desk, emptied, open_store, quick, until
from tests.brokers.rabbit import OwnRabbit, Wall, prefix

RECOVERY_SECONDS = 10

Fault = Callable[[OwnRabbit], Awaitable[None]]


@pytest.fixture
async def desk(own: OwnRabbit, tmp_path: Path) -> AsyncIterator[Desk]:
    """A desk whose handlers take a little time, so that a fault meets batches under way."""
    topology = replace(quick(), prefix=prefix())
    async with AsyncExitStack() as stack:
        store = open_store(tmp_path)
        stack.callback(store.close)
        made = Desk(lambda: store, RabbitBroker(own.url, topology), topology, own.url)

        async def work(_: Sequence[str]) -> None:
            await asyncio.sleep(0.01)

        made.takes("submission", work)
        made.takes("matching", work)
        await made.open()
        stack.push_async_callback(made.close)
        yield made


async def close_connections(own: OwnRabbit) -> None:
    """As an operator does."""
    await asyncio.to_thread(own.control, "close_all_connections", "test")


async def restart_application(own: OwnRabbit) -> None:
    """RabbitMQ is stopped in order, and started."""
    await asyncio.to_thread(own.control, "stop_app")
    await asyncio.sleep(1)
    await asyncio.to_thread(own.control, "start_app")


async def kill_and_start(own: OwnRabbit) -> None:
    """SIGKILL, away for a while, and back with the same data."""
    own.kill()
    await asyncio.sleep(1)
    await asyncio.to_thread(own.start)


async def memory_alarm(own: OwnRabbit) -> None:
    """RabbitMQ blocks publishers, and frees them."""
    await asyncio.to_thread(own.control, "set_vm_memory_high_watermark", "0.00001")
    await asyncio.sleep(1)
    await asyncio.to_thread(own.control, "set_vm_memory_high_watermark", "0.4")


@pytest.mark.parametrize(
    ("fault", "loses"),
    [
        (close_connections, True),
        (restart_application, True),
        (kill_and_start, True),
        (memory_alarm, False),
    ],
)
async def test_no_batch_is_lost(desk: Desk, own: OwnRabbit, fault: Fault, *, loses: bool) -> None:
    """Batches go on being committed through the fault; all are handled soon after its end."""
    broker = desk.broker
    assert isinstance(broker, RabbitBroker)
    before = openings(broker)
    stop = asyncio.Event()
    posted: list[str] = []

    async def load() -> None:
        while not stop.is_set():
            for queue in ("submission", "matching"):
                ids = [f"{queue}-{len(posted)}-{place}" for place in range(3)]
                await desk.post(queue, ids)
                posted.extend(ids)
            await asyncio.sleep(0.02)

    loading = asyncio.create_task(load())
    await until(lambda: len(desk.done) > 30, "work is under way")
    await fault(own)
    ended = time.monotonic()
    at_end = len(posted)
    await until(lambda: len(posted) > at_end + 30, "the load goes on")
    stop.set()
    await loading
    await until(lambda: set(desk.done) == set(posted), "every id is handled")
    assert time.monotonic() - ended < RECOVERY_SECONDS
    await emptied(desk)
    happened = [now > then for then, now in zip(before, openings(broker), strict=True)]
    assert happened == [loses, loses], "the fault was not felt"


def openings(broker: RabbitBroker) -> list[int]:
    """How often each line was opened: the proof that a fault happened."""
    return [one.openings for one in broker.lines]


async def test_faults_in_a_row_leave_one_consumer_a_queue(desk: Desk, own: OwnRabbit) -> None:
    """After each recovery exactly one consumer listens: none is missing, none is doubled."""
    broker = desk.broker
    assert isinstance(broker, RabbitBroker)
    for number in range(5):
        await close_connections(own)
        await until(lambda past=number + 1: min(openings(broker)) > past, "opened again")  # type: ignore[misc]
        ids = [f"N-{number}"]
        await desk.post("matching", ids)
        await until(lambda ids=ids: desk.done[ids[0]] >= 1, "handled")  # type: ignore[misc]
    consumers = await asyncio.to_thread(own.consumers)
    for queue in ("matching", "submission"):
        assert consumers[desk.topology.queue(queue)] == 1


async def test_a_half_open_connection_is_given_up(own: OwnRabbit, tmp_path: Path) -> None:
    """Bytes vanish without a FIN: two silent heartbeats later the lines are opened anew."""
    topology = replace(quick(), prefix=prefix())
    async with Wall(own.port) as wall:
        store = open_store(tmp_path)
        url = f"amqp://guest:guest@127.0.0.1:{wall.port}/?heartbeat=1"
        broker = RabbitBroker(url, topology)
        desk = Desk(lambda: store, broker, topology, url)
        desk.takes("matching")
        await desk.open()
        wall.freeze()
        await desk.post("matching", ["A"])
        await asyncio.sleep(0.5)
        assert desk.done["A"] == 0, "the wall lets bytes through"
        await until(lambda: desk.done["A"] >= 1, "handled over new connections")
        assert openings(broker) == [2, 2]
        await desk.close()
        store.close()
