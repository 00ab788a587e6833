"""A broker under the real relay, with handlers that keep a ledger of what they were given."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.adapters.brokers.local import LocalBroker
from gateway.adapters.brokers.rabbitmq import RabbitBroker
from gateway.adapters.brokers.topology import Topology, load_topology
from gateway.ports import Broker
from gateway.relay import Relay
from gateway.store import queues
from gateway.store.database import Database
from gateway.store.migrate import upgrade
from gateway.telemetry import now

BATCHES = [[f"ID-{number}-{place}" for place in range(3)] for number in range(40)]
IDS = {one for batch in BATCHES for one in batch}
WAIT_SECONDS = 30
POLL_SECONDS = 0.02


def open_store(folder: Path) -> Database:
    """The store in this folder, at the newest revision."""
    made = Database(f"sqlite:///{folder / 'store.sqlite'}", lock_file=folder / "lock")
    upgrade(made.engine)
    return made


def make_broker(url: str, topology: Topology) -> Broker:
    """RabbitMQ at this address, or the local broker."""
    return RabbitBroker(url, topology) if url else LocalBroker(topology.at_once)


def quick() -> Topology:
    """The shipped topology with the delays of a test."""
    return replace(load_topology(), try_delays=(0.1, 0.2), postponed_delay=0.1, tries_max=4)


@dataclass(slots=True)
class Desk:
    """One process: outbox, relay, broker. `done` is the ledger: id to how often it was handled."""

    open_store: Callable[[], Database]
    broker: Broker
    topology: Topology
    url: str = ""
    """Empty: the local broker."""
    done: Counter[str] = field(default_factory=Counter)
    begun: Counter[str] = field(default_factory=Counter)
    at_once: int = 0
    at_once_most: int = 0
    relay: Relay | None = None

    @property
    def database(self) -> Database:
        """The store with the outbox."""
        return self.open_store()

    def takes(
        self, queue: str, work: Callable[[Sequence[str]], Awaitable[None]] | None = None
    ) -> None:
        """Subscribe: `work` may fail; what it finishes stands in the ledger."""

        async def handle(ids: Sequence[str]) -> None:
            self.begun.update(ids)
            self.at_once += 1
            self.at_once_most = max(self.at_once_most, self.at_once)
            try:
                if work is not None:
                    await work(ids)
                self.done.update(ids)
            finally:
                self.at_once -= 1

        self.broker.subscribe(queue, handle)

    async def open(self) -> None:
        """Start delivering."""
        self.relay = Relay(self.database, self.broker, now, sweep_seconds=0.05)
        await self.broker.start()
        await self.relay.start()

    async def close(self) -> None:
        """Stop in the order of the gateway."""
        if self.relay is not None:
            await self.relay.stop()
        await self.broker.stop()

    async def post(self, queue: str, *batches: Sequence[str]) -> None:
        """Commit outbox rows and announce them, as the door does."""
        rows = await self.database.write(
            queues.post, [(queue, list(one)) for one in batches], now(), lease=timedelta(seconds=2)
        )
        assert self.relay is not None, "open the desk first"
        self.relay.announce(rows)

    async def waiting(self) -> int:
        """Rows in the outbox."""
        return await self.database.read(queues.count)


Opener = Callable[[], Desk]


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition, within a bound."""
    for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
        if true():
            return
        await asyncio.sleep(POLL_SECONDS)
    pytest.fail(f"not within {WAIT_SECONDS} s: {what}")


async def emptied(desk: Desk) -> None:
    """Wait until the outbox is empty."""
    for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
        if not await desk.waiting():
            return
        await asyncio.sleep(POLL_SECONDS)
    pytest.fail("the outbox did not become empty")
