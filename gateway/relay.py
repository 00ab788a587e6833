"""The relay: committed outbox rows reach the broker, at once or by the sweeper.

A row is removed when the broker is responsible for its batch. The committing process announces
its rows; whatever is not confirmed (crash, fault, overload) the sweeper finds by `next_at`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog

from gateway.ports import Broker, Postponed
from gateway.store import queues as statements
from gateway.store.database import Database
from gateway.telemetry import Clock

IN_FLIGHT_MAX = 1_000
"""Batches handed to the broker at once; further ones are left to the sweeper."""
SWEEP_ROWS_MAX = 200
RETRY_SECONDS = (1, 5, 30, 120, 600)
"""Waiting times after a failed hand-over, by number of tries; the last one repeats."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Row:
    id: str
    queue: str
    ids: Sequence[str]
    tries: int = 0


class Relay:
    """Hands outbox rows to the broker; see the module."""

    def __init__(
        self, database: Database, broker: Broker, clock: Clock, *, sweep_seconds: float
    ) -> None:
        self._database = database
        self._broker = broker
        self._clock = clock
        self._sweep_seconds = sweep_seconds
        self._in_flight: dict[str, asyncio.Task[None]] = {}
        self._done: list[str] = []
        self._sweeper: asyncio.Task[None] | None = None
        self.backlog = 0
        """Batches that wait, as of the last sweep."""

    async def start(self) -> None:
        """Take up what an earlier process left, then sweep."""
        if await self._database.alone():
            await self._database.write(statements.hasten, self._clock())
        self._sweeper = asyncio.get_running_loop().create_task(self._sweep_forever())

    async def stop(self) -> None:
        """Stop sweeping and hand over nothing more."""
        tasks = [*self._in_flight.values(), *([self._sweeper] if self._sweeper else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._remove_done()

    def announce(self, rows: Sequence[tuple[str, str, list[str]]]) -> None:
        """Hand over rows that were just committed; never blocks."""
        for row_id, queue, ids in rows:
            self._take(_Row(row_id, queue, ids))

    def _take(self, row: _Row) -> None:
        if row.id in self._in_flight or len(self._in_flight) >= IN_FLIGHT_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._hand_over(row))
        self._in_flight[row.id] = task
        task.add_done_callback(lambda _: self._in_flight.pop(row.id, None))

    async def _hand_over(self, row: _Row) -> None:
        try:
            await self._broker.publish(row.queue, row.ids)
        except Postponed as reason:
            log.info("batch_postponed", queue=row.queue, reason=str(reason))
            await self._postpone(row)
        except Exception:  # a batch that fails must come again, whatever the fault
            log.exception("batch_failed", queue=row.queue, tries=row.tries)
            await self._postpone(row)
        else:
            self._done.append(row.id)

    async def _postpone(self, row: _Row) -> None:
        wait = RETRY_SECONDS[min(row.tries, len(RETRY_SECONDS) - 1)]
        until = self._clock() + timedelta(seconds=wait)
        await self._database.write(statements.postpone, row.id, until)

    async def _sweep_forever(self) -> None:
        while True:
            try:
                await self._sweep()
            except Exception:  # the sweeper outlives a fault of the store
                log.exception("sweep_failed")
            await asyncio.sleep(self._sweep_seconds)

    async def _sweep(self) -> None:
        await self._remove_done()
        room = min(SWEEP_ROWS_MAX, IN_FLIGHT_MAX - len(self._in_flight))
        # Looked at first, so that an idle gateway writes nothing.
        if room > 0 and await self._database.read(statements.is_due, self._clock()):
            rows = await self._database.write(statements.take_due, self._clock(), room)
        else:
            rows = ()
        for row in rows:
            self._take(_Row(row["id"], row["queue"], row["ids"], row["tries"]))
        self.backlog = await self._database.read(statements.count)

    async def _remove_done(self) -> None:
        done, self._done = self._done, []
        if done:
            await self._database.write(statements.remove, done)
