"""What only RabbitMQ has: waiting queues, the parked queue, refusals, the check at start."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import aio_pika
import pytest

from gateway.adapters.brokers.rabbitmq import RabbitBroker
from gateway.adapters.brokers.topology import Topology
from gateway.errors import Invalid, Misconfigured, Problem
from gateway.ports import Postponed
from tests.brokers.desk import quick, until
from tests.brokers.rabbit import parked, prefix, remove

Make = Callable[..., RabbitBroker]


@pytest.fixture
async def make(rabbitmq_url: str) -> AsyncIterator[Make]:
    """Makes brokers with names of their own; `changes` are limits of the topology."""
    async with AsyncExitStack() as stack:

        def made(topology: Topology | None = None, **changes: object) -> RabbitBroker:
            used = topology or replace(quick(), prefix=prefix(), **changes)  # type: ignore[arg-type]
            broker = RabbitBroker(rabbitmq_url, used)
            if topology is None:
                stack.push_async_callback(remove, rabbitmq_url, used)
            stack.push_async_callback(broker.stop)
            return broker

        yield made


async def put(url: str, topology: Topology, body: bytes, queue: str = "matching") -> None:
    """Publish as a foreign client."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        exchange = await channel.get_exchange(topology.work)
        await exchange.publish(aio_pika.Message(body), queue)


async def fill(broker: RabbitBroker, sent: list[str]) -> None:
    """Publish until it is refused; the limit of a quorum queue is exceeded by a few."""
    for number in range(1000):
        await broker.publish("matching", [f"N-{number}"])
        sent.append(f"N-{number}")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"\xff\x00", "no JSON"),
        (b"[" * 5000, "no JSON"),
        (b'{"ids": []}', "no array of texts"),
        (b"[]", "not 1 to 100 ids"),
        (json.dumps(["A"] * 101).encode(), "not 1 to 100 ids"),
        (json.dumps(["A" * 65]).encode(), "an id is empty or longer than 64"),
        (b" " * 30_000, "too long"),
    ],
)
async def test_an_unreadable_message_is_parked_with_its_reason(
    make: Make, rabbitmq_url: str, body: bytes, reason: str
) -> None:
    """It reaches no handler, holds up nothing, and lies in the parked queue byte for byte."""
    broker = make()
    seen: list[list[str]] = []

    async def handle(ids: Sequence[str]) -> None:
        seen.append(list(ids))

    broker.subscribe("matching", handle)
    await broker.start()
    await put(rabbitmq_url, broker.topology, body)
    await broker.publish("matching", ["GOOD"])
    (message,) = await parked(rabbitmq_url, broker.topology)
    assert message.body == body
    assert message.headers["gateway-reason"] == f"unreadable: {reason}"
    assert message.headers["gateway-queue"] == "matching"
    await until(lambda: seen == [["GOOD"]], "the good one")


async def test_what_fails_too_often_is_parked_without_personal_data(
    make: Make, rabbitmq_url: str
) -> None:
    """After the last try the batch is parked: class and code of the fault, never its sentence."""
    broker = make(tries_max=3)
    tries = 0

    async def fail(_: Sequence[str]) -> None:
        nonlocal tries
        tries += 1
        raise Invalid([Problem(path="$", code="S-x", zh="王小明", en="Wang Xiaoming")])

    broker.subscribe("matching", fail)
    await broker.start()
    await broker.publish("matching", ["A", "B"])
    (message,) = await parked(rabbitmq_url, broker.topology)
    assert tries == 3
    assert message.body == b'["A","B"]'
    assert message.delivery_mode == aio_pika.DeliveryMode.PERSISTENT
    assert message.headers == {
        "gateway-queue": "matching",
        "gateway-reason": "failed: Invalid S-x",
        "gateway-tries": 3,
    }


async def test_postponing_counts_no_try(make: Make) -> None:
    """A batch may be postponed more often than it may fail."""
    broker = make(tries_max=1)
    tries = 0

    async def wait(_: Sequence[str]) -> None:
        nonlocal tries
        tries += 1
        if tries < 4:
            raise Postponed("paused")

    broker.subscribe("matching", wait)
    await broker.start()
    await broker.publish("matching", ["A"])
    await until(lambda: tries == 4, "done at the fourth time")


async def test_a_full_queue_refuses_so_that_the_outbox_keeps_the_batch(make: Make) -> None:
    """Beyond its limit RabbitMQ takes nothing and drops nothing; publish says so."""
    broker = make(messages_max=2)
    await broker.start()
    sent: list[str] = []
    with pytest.raises(Postponed, match="takes no more of matching"):
        await fill(broker, sent)
    assert len(sent) >= 2
    taken: list[str] = []

    async def handle(ids: Sequence[str]) -> None:
        taken.extend(ids)

    await broker.stop()
    reader = make(broker.topology)
    reader.subscribe("matching", handle)
    await reader.start()
    await until(lambda: taken == sent, "what it took is all there, in order")


async def test_the_start_refuses_a_topology_that_differs(make: Make) -> None:
    """A queue that exists with other arguments stops the start with a sentence."""
    first = make()
    await first.start()
    other = make(replace(first.topology, deliveries_max=7))
    with pytest.raises(Misconfigured, match="x-delivery-limit"):
        await other.start()
    await make(first.topology).start()


async def test_the_start_refuses_wrong_credentials(rabbitmq_url: str) -> None:
    """At once, and without the password in the sentence."""
    url = rabbitmq_url.replace("guest:guest", "nobody:secret1")
    with pytest.raises(Misconfigured, match="refused") as caught:
        await RabbitBroker(url, quick()).start()
    assert "secret1" not in str(caught.value)


async def test_batches_are_bounded(make: Make) -> None:
    """More than 100 ids, or none, are refused before anything leaves."""
    broker = make()
    await broker.start()
    for ids in ([], ["A"] * 101):
        with pytest.raises(ValueError, match="1 to 100"):
            await broker.publish("matching", ids)


async def test_a_foreign_client_gets_copies_of_the_batches(
    make: Make, rabbitmq_url: str, amqp_consume: Path
) -> None:
    """amqp-tools, with a queue of its own bound to the exchange of work, as docs/amqp.md says."""
    broker = make()
    seen: list[str] = []

    async def handle(ids: Sequence[str]) -> None:
        seen.extend(ids)

    broker.subscribe("matching", handle)
    await broker.start()
    topology = broker.topology
    foreign = await asyncio.create_subprocess_exec(
        amqp_consume,
        f"--url={rabbitmq_url.rstrip('/')}",
        f"--exchange={topology.work}",
        "--routing-key=matching",
        "--count=1",
        "cat",
        stdout=asyncio.subprocess.PIPE,
    )
    assert foreign.stdout is not None
    got = asyncio.ensure_future(foreign.stdout.read())
    sent = 0
    while not got.done():  # until its queue is bound there is nothing that it could get
        await broker.publish("matching", [f"N-{sent}"])
        sent += 1
        await asyncio.sleep(0.05)
    (one,) = json.loads(await got)
    assert await foreign.wait() == 0
    await until(lambda: len(seen) == sent, "the gateway gets all of them too")
    assert one in seen
