"""topology.toml as frozen records: every exchange and queue that RabbitMQ must have.

Valid for RabbitMQ 3.10 and 4: all queues are quorum queues, and a dead-lettered message is removed
from its queue only when the next one has confirmed it (at-least-once).
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from gateway.errors import Misconfigured

FILE = Path(__file__).with_name("topology.toml")
PREFIX = "gateway"

PARKED_DELIVERIES_MAX = 1_000_000
"""RabbitMQ 4 drops what was put back 20 times unless told otherwise; 3.10 knows no "never"."""

Argument = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    """A durable exchange; `kind` is direct (by queue) or fanout (to its one queue)."""

    name: str
    kind: str
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Queue:
    """A durable quorum queue, bound once to `exchange` with `key` ("" for a fanout)."""

    name: str
    exchange: str
    key: str
    arguments: Mapping[str, Argument]
    purpose: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Topology:
    """What the broker must offer. Delays in seconds; `prefix` begins every name."""

    at_once: Mapping[str, int]
    """Queue of the gateway to the batches that one process works on at once."""
    batch_ids_max: int
    tries_max: int
    deliveries_max: int
    messages_max: int
    try_delays: tuple[float, ...]
    postponed_delay: float
    prefix: str = PREFIX

    @property
    def work(self) -> str:
        """The exchange of batches that are to be worked on; the key is the gateway's queue."""
        return f"{self.prefix}.work"

    @property
    def parked(self) -> str:
        """Exchange and queue of what a person must look at."""
        return f"{self.prefix}.parked"

    @property
    def postponed(self) -> str:
        """Exchange and queue of what cannot be done now."""
        return f"{self.prefix}.postponed"

    def retry(self, tries: int) -> str:
        """Exchange and queue where a batch waits after so many failed tries, from 1."""
        return self._tier(self.try_delays[min(tries, len(self.try_delays)) - 1])

    def queue(self, name: str) -> str:
        """RabbitMQ's name of a queue of the gateway."""
        return f"{self.prefix}.{name}"

    def exchanges(self) -> Iterator[Exchange]:
        """Every exchange."""
        yield Exchange(name=self.work, kind="direct", purpose="batches by queue")
        for delay in self.try_delays:
            yield Exchange(name=self._tier(delay), kind="fanout", purpose="failed, comes again")
        yield Exchange(name=self.postponed, kind="fanout", purpose="not now, comes again")
        yield Exchange(name=self.parked, kind="fanout", purpose="given up")

    def queues(self) -> Iterator[Queue]:
        """Every queue, with the arguments that it is declared with."""
        for name in self.at_once:
            yield Queue(
                name=self.queue(name),
                exchange=self.work,
                key=name,
                arguments=self._arguments(self.parked) | {"x-delivery-limit": self.deliveries_max},
                purpose=f"batches for {name}",
            )
        for delay in self.try_delays:
            yield self._waiting(self._tier(delay), delay, "failed batches")
        yield self._waiting(self.postponed, self.postponed_delay, "postponed batches")
        yield Queue(
            name=self.parked,
            exchange=self.parked,
            key="",
            arguments=self._arguments(None) | {"x-delivery-limit": PARKED_DELIVERIES_MAX},
            purpose="batches that a person must look at",
        )

    def _tier(self, delay: float) -> str:
        return f"{self.prefix}.retry.{delay:g}s"

    def _waiting(self, name: str, delay: float, what: str) -> Queue:
        return Queue(
            name=name,
            exchange=name,
            key="",
            arguments=self._arguments(self.work) | {"x-message-ttl": round(delay * 1000)},
            purpose=f"{what} wait {delay:g} s",
        )

    def _arguments(self, dead_letters: str | None) -> dict[str, Argument]:
        kept: dict[str, Argument] = {
            "x-queue-type": "quorum",
            "x-max-length": self.messages_max,
            "x-overflow": "reject-publish",
        }
        if dead_letters is None:
            return kept
        return kept | {
            "x-dead-letter-exchange": dead_letters,
            "x-dead-letter-strategy": "at-least-once",
        }


@cache
def load_topology() -> Topology:
    """The topology shipped with the gateway. Raises Misconfigured."""
    return topology_of(tomllib.loads(FILE.read_text(encoding="utf-8")))


def topology_of(data: Mapping[str, Any]) -> Topology:
    """A topology from the tables of the file; unknown and missing keys are refused."""
    try:
        limits, delays = dict(data["limits"]), dict(data["delays"])
        made = Topology(
            at_once=dict(data["at_once"]),
            batch_ids_max=limits.pop("batch_ids"),
            tries_max=limits.pop("tries"),
            deliveries_max=limits.pop("deliveries"),
            messages_max=limits.pop("messages"),
            try_delays=tuple(delays.pop("tries")),
            postponed_delay=delays.pop("postponed"),
        )
    except (KeyError, TypeError) as error:
        raise _wrong(f"{error} is missing or no table") from error
    unknown = [*limits, *delays, *(set(data) - {"at_once", "limits", "delays"})]
    if unknown:
        raise _wrong(f"unknown: {', '.join(unknown)}")
    numbers = (
        *made.at_once.values(),
        made.batch_ids_max,
        made.tries_max,
        made.deliveries_max,
        made.messages_max,
        *made.try_delays,
        made.postponed_delay,
    )
    if not made.at_once or not made.try_delays or min(numbers) <= 0:
        raise _wrong("every queue, limit and delay needs a number above 0")
    return made


def topology_page(topology: Topology) -> str:
    """The tables of docs/amqp.md, as they must stand there."""
    lines = ["| exchange | type | carries |", "| --- | --- | --- |"]
    lines += [f"| `{one.name}` | {one.kind} | {one.purpose} |" for one in topology.exchanges()]
    lines += [
        "",
        "| queue | bound to | key | arguments | holds |",
        "| --- | --- | --- | --- | --- |",
    ]
    for one in topology.queues():
        told = ", ".join(
            f"`{name}={value}`" for name, value in one.arguments.items() if name != "x-queue-type"
        )
        key = f"`{one.key}`" if one.key else ""
        lines.append(f"| `{one.name}` | `{one.exchange}` | {key} | {told} | {one.purpose} |")
    return "\n".join(lines) + "\n"


def _wrong(what: str) -> Misconfigured:
    return Misconfigured("C-topology", f"队列拓扑数据有误：{what}", f"topology.toml: {what}")
