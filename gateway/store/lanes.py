"""Held connections with a thread each, and what happens when a transaction fails.

A transaction is run again when it is known not to have committed: the server rolled it back for
the sake of another one (serialization failure, deadlock, lock time-out), or the connection broke
before COMMIT was sent. When the connection breaks while COMMIT is under way, nobody here can tell
the outcome, and running it again might do the work twice. So that error goes up: every caller can
repeat itself as a whole, because what it does is known by a key (the business key of a document,
the digest of a receipt, the state that an UPDATE expects), and then finds its first try done.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

import structlog
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

T = TypeVar("T")

CONFLICT_TRIES_MAX = 8
"""How often a transaction is run that the server rolls back for the sake of others."""
CONFLICT_PAUSE_SECONDS = 0.02
RECONNECT_PAUSE_SECONDS = 0.1

ROLLED_BACK = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATE of serialization failure, deadlock, and a lock that was not free in time."""

log = structlog.get_logger(__name__)


class OutcomeUnknown(Exception):
    """The connection broke during COMMIT: the transaction happened as a whole, or not at all."""


class Lane:
    """Runs work on held connections, each in one thread at a time."""

    def __init__(
        self,
        engine: Engine,
        threads: int,
        *,
        name: str,
        reconnect_seconds: float,
        options: Mapping[str, Any],
        repeatable: bool = False,
    ) -> None:
        """`repeatable`: the work only reads, so nothing about its outcome can be unknown."""
        self._engine = engine
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix=name)
        self._idle: SimpleQueue[Connection] = SimpleQueue()
        self._reconnect_seconds = reconnect_seconds
        self._options = options
        self._repeatable = repeatable

    async def run(self, work: Callable[[Connection], T]) -> T:
        """The result of `work`, once its transaction is committed."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads, self._run, work)

    def close(self) -> None:
        """Finish what is under way and let go of the connections."""
        self._threads.shutdown(wait=True)
        while not self._idle.empty():
            self._idle.get().close()

    def _run(self, work: Callable[[Connection], T]) -> T:
        give_up = time.monotonic() + self._reconnect_seconds
        conflicts = 0
        while True:
            try:
                return self._once(work)
            except _Broken as broken:
                if time.monotonic() >= give_up:
                    raise broken.error from None
                log.warning("store_reconnects", fault=type(broken.error.orig).__name__)
                time.sleep(RECONNECT_PAUSE_SECONDS)
            except DBAPIError as error:
                conflicts += 1
                if _state(error) not in ROLLED_BACK or conflicts >= CONFLICT_TRIES_MAX:
                    raise
                log.info("transaction_again", sqlstate=_state(error), tries=conflicts)
                time.sleep(random.uniform(0, CONFLICT_PAUSE_SECONDS * conflicts))  # noqa: S311

    def _once(self, work: Callable[[Connection], T]) -> T:
        connection = self._take()
        try:
            with connection.begin() as transaction:
                result = work(connection)
                try:
                    transaction.commit()
                except DBAPIError as error:
                    if error.connection_invalidated and not self._repeatable:
                        raise OutcomeUnknown from error
                    raise
        except DBAPIError as error:
            if error.connection_invalidated:
                raise _Broken(error) from error
            raise
        finally:
            self._put_back(connection)
        return result

    def _take(self) -> Connection:
        try:
            return self._idle.get_nowait()
        except Empty:
            pass
        try:
            return self._engine.connect().execution_options(**self._options)
        except DBAPIError as error:
            raise _Broken(error) from error

    def _put_back(self, connection: Connection) -> None:
        if not (connection.closed or connection.invalidated):
            self._idle.put(connection)
            return
        with suppress(DBAPIError):  # it is broken; only the memory is to be freed
            connection.close()


class _Broken(Exception):
    """There was no connection, or it broke before COMMIT: nothing of the work happened."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__()
        self.error = error


def _state(error: DBAPIError) -> str | None:
    return getattr(error.orig, "sqlstate", None)
