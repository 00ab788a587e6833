"""Group commit: concurrent callers share a transaction, and none of them poisons another.

A commit costs a flush to disk, whatever it holds. Callers' parts are gathered for a moment and
committed together; when that fails, each caller's part is tried alone, so that the one part that
the database refuses answers for itself only.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import structlog
from sqlalchemy import Connection

from gateway.errors import Refused
from gateway.store.database import Database, OutcomeUnknown

T = TypeVar("T")
R = TypeVar("R")

GROUP_ITEMS_MAX = 200
"""Items of one transaction; a single caller's part may be larger and then goes alone."""
WAITING_PARTS_MAX = 2_000
"""Callers that may wait at once; more are turned away before anything is accepted."""
DRAIN_SECONDS = 20
"""How long a stop waits for the transactions under way."""

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Part(Generic[T, R]):
    items: Sequence[T]
    done: asyncio.Future[Sequence[R]]


class GroupCommit(Generic[T, R]):
    """Commits parts in order of arrival through `work(connection, items) -> one result each`."""

    def __init__(
        self, database: Database, work: Callable[[Connection, Sequence[T]], Sequence[R]]
    ) -> None:
        self._database = database
        self._work = work
        self._waiting: asyncio.Queue[_Part[T, R]] = asyncio.Queue(WAITING_PARTS_MAX)
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin to commit, with as many transactions at once as the store has writers."""
        loop = asyncio.get_running_loop()
        self._tasks = [loop.create_task(self._run()) for _ in range(self._database.writers)]

    async def stop(self) -> None:
        """Commit what waits, within a bound, then end."""
        if not self._tasks:
            return
        async with asyncio.timeout(DRAIN_SECONDS):
            await self._waiting.join()
        for task in self._tasks:
            task.cancel()

    @property
    def full(self) -> bool:
        """No further caller can be taken now."""
        return self._waiting.full()

    async def commit(self, items: Sequence[T]) -> Sequence[R]:
        """The results of these items, after they are durable. Raises Refused when overloaded."""
        part = _Part[T, R](items, asyncio.get_running_loop().create_future())
        try:
            self._waiting.put_nowait(part)
        except asyncio.QueueFull:
            raise overloaded() from None
        return await part.done

    async def _run(self) -> None:
        while True:
            parts = [await self._waiting.get()]
            size = len(parts[0].items)
            while size < GROUP_ITEMS_MAX and not self._waiting.empty():
                parts.append(self._waiting.get_nowait())
                size += len(parts[-1].items)
            try:
                await self._commit(parts)
            finally:
                for _ in parts:
                    self._waiting.task_done()

    async def _commit(self, parts: Sequence[_Part[T, R]]) -> None:
        """All parts in one transaction; each alone when that fails."""
        together = [item for part in parts for item in part.items]
        try:
            results = await self._write(together)
        except Exception as error:  # noqa: BLE001 - whatever one part provokes, the committer lives on
            if len(parts) == 1:
                _fail(parts[0], error)
                return
            log.warning("group_commit_retried_alone", parts=len(parts))
            for part in parts:
                await self._commit([part])
            return
        place = 0
        for part in parts:
            if not part.done.done():
                part.done.set_result(results[place : place + len(part.items)])
            place += len(part.items)

    async def _write(self, items: Sequence[T]) -> Sequence[R]:
        """One transaction; once more when nobody can tell whether it committed.

        What is accepted is known by its key or digest, so a second time finds it there.
        """
        try:
            return await self._database.write(self._work, items)
        except OutcomeUnknown:
            log.warning("commit_outcome_unknown", items=len(items))
            return await self._database.write(self._work, items)


def _fail(part: _Part[T, R], error: Exception) -> None:
    log.error("commit_failed", fault=type(error).__name__)
    if not part.done.done():
        part.done.set_exception(unavailable())


def overloaded() -> Refused:
    """Turned away before accepting: too many callers wait already."""
    return Refused(
        503,
        "O-overload",
        "系统繁忙，请稍后重试。",
        "The gateway is overloaded; nothing was accepted. Try again.",
        retry_after_seconds=1,
    )


def unavailable() -> Refused:
    """The store did not take it; nothing was accepted."""
    return Refused(
        503,
        "O-store",
        "存储暂不可用，未接收。",
        "The store did not take it; nothing was accepted. Try again.",
        retry_after_seconds=5,
    )
