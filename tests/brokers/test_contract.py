"""What both brokers promise, under the real relay and a real outbox."""

from __future__ import annotations

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from gateway.ports import Postponed
from tests.brokers.desk import BATCHES, IDS, Opener, emptied, until


async def test_every_batch_is_handled_and_leaves_the_outbox(open_desk: Opener) -> None:
    """Each committed batch reaches its handler, whole and in its own queue."""
    desk = open_desk()
    other: list[list[str]] = []

    async def keep(ids: Sequence[str]) -> None:
        other.append(list(ids))

    desk.takes("submission")
    desk.takes("matching", keep)
    await desk.open()
    await desk.post("submission", *BATCHES)
    await desk.post("matching", ["Z-1", "Z-2"])
    await until(lambda: set(desk.done) == IDS | {"Z-1", "Z-2"}, "all handled")
    assert other == [["Z-1", "Z-2"]]
    assert set(desk.done.values()) == {1}
    await emptied(desk)


@pytest.mark.parametrize("fault", [RuntimeError("broken"), Postponed("key profile is paused")])
async def test_what_fails_or_is_postponed_comes_again(open_desk: Opener, fault: Exception) -> None:
    """A handler that raises gets the same batch later, and others are not held up."""
    desk = open_desk()

    async def twice(ids: Sequence[str]) -> None:
        if "BAD" in ids and desk.begun["BAD"] < 2:
            raise fault

    desk.takes("matching", twice)
    await desk.open()
    await desk.post("matching", ["BAD"], ["GOOD"])
    await until(lambda: desk.done["GOOD"] == 1, "the good batch")
    assert desk.done["BAD"] == 0
    await until(lambda: desk.done["BAD"] == 1, "the bad batch at its second try")
    await emptied(desk)


@pytest.mark.parametrize(("queue", "most"), [("matching", 1), ("submission", 64)])
async def test_no_more_batches_at_once_than_the_topology_says(
    open_desk: Opener, queue: str, most: int
) -> None:
    """One batch of matching at a time; of submission many together, 64 and never more."""
    desk = open_desk()
    gate = asyncio.Event()

    async def work(_: Sequence[str]) -> None:
        await asyncio.sleep(0) if most == 1 else await gate.wait()

    desk.takes(queue, work)
    await desk.open()
    await desk.post(queue, *([f"N-{number}"] for number in range(100)))
    if most > 1:
        await until(lambda: desk.at_once == most, "as many at once as allowed")
        await asyncio.sleep(0.2)
        gate.set()
    await until(lambda: len(desk.done) == 100, "all handled")
    assert desk.at_once_most == most == desk.topology.at_once[queue]


async def test_stop_waits_for_handlers_and_takes_nothing_more(open_desk: Opener) -> None:
    """A stop returns when the handler under way is done; the batch is not handled once more."""
    desk = open_desk()
    slow = asyncio.Event()

    async def work(_: Sequence[str]) -> None:
        await slow.wait()

    desk.takes("matching", work)
    await desk.open()
    await desk.post("matching", ["SLOW"])
    await until(lambda: desk.begun["SLOW"] == 1, "the handler has begun")
    stopping = asyncio.create_task(desk.broker.stop())
    await asyncio.sleep(0.3)
    assert not stopping.done()
    slow.set()
    await stopping
    assert desk.done["SLOW"] == 1
    with pytest.raises(asyncio.CancelledError):
        await desk.broker.publish("matching", ["LATE"])
    await desk.close()
    again = open_desk()
    again.takes("matching")
    await again.open()
    await again.post("matching", ["NEXT"])
    await until(lambda: again.done["NEXT"] == 1, "the next process works")
    assert again.done["SLOW"] == 0


async def test_a_process_that_is_killed_loses_nothing(
    open_desk: Opener, tmp_path: Path, root: Path
) -> None:
    """What was published or begun at the kill -9 is handled by the next process."""
    desk = open_desk()
    command = [sys.executable, "-m", "tests.brokers.victim", str(tmp_path), desk.url]
    with subprocess.Popen(  # noqa: ASYNC220 - it starts at once, and is waited for in a thread
        [*command, desk.topology.prefix], cwd=root, stdout=subprocess.PIPE, text=True
    ) as victim:
        assert victim.stdout is not None
        left = json.loads(await asyncio.to_thread(victim.stdout.readline))
        victim.send_signal(signal.SIGKILL)
    # The local broker leaves the rows until the handlers are done; RabbitMQ has them all by now.
    assert left == (0 if desk.url else len(BATCHES))
    desk.takes("matching")
    await desk.open()
    await until(lambda: set(desk.done) == IDS, "all handled by the second")
    await emptied(desk)
