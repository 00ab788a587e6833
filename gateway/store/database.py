"""Connections to the store: a few held writers, a few held readers, each in a thread of its own.

Statements are plain functions of a `Connection`, so a transaction costs one hop between
threads however many statements it has, and the same functions serve every engine.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection

from gateway.errors import Misconfigured
from gateway.store.engines import SQLITE, Waits, make_engine
from gateway.store.lanes import Lane, OutcomeUnknown
from gateway.store.presence import Presence

__all__ = ["Database", "OutcomeUnknown", "Waits", "make_engine"]

READERS = 2
"""Held connections for reading beside the writers."""
WRITERS = 4
"""Held connections for writing, of a server engine; SQLite has one."""

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """The store of one process. `write` is one transaction; `read` sees committed rows only."""

    def __init__(
        self,
        url: str,
        *,
        lock_file: Path | None = None,
        writers: int | None = None,
        waits: Waits | None = None,
    ) -> None:
        """`writers` None: as many as suit the engine. SQLite never has more than one."""
        waits = waits or Waits()
        self._lock = _lock(lock_file) if lock_file else None
        self.engine = make_engine(url, waits)
        embedded = self.engine.dialect.name == SQLITE
        self.writers = 1 if embedded else writers or WRITERS
        """How many transactions may write at once."""
        self._write = Lane(
            self.engine,
            self.writers,
            name="store-write",
            reconnect_seconds=waits.reconnect_seconds,
            options={} if embedded else {"isolation_level": "READ COMMITTED"},
        )
        self._read = Lane(
            self.engine,
            READERS,
            name="store-read",
            reconnect_seconds=waits.reconnect_seconds,
            # One snapshot for all statements of a read, which SQLite's readers have anyway.
            options={}
            if embedded
            else {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True},
            repeatable=True,
        )
        self._presence = None if embedded else Presence(self.engine)

    async def alone(self) -> bool:
        """Whether no other process works on this store, so that what is claimed was left behind.

        Asked at the start; from then on other processes know of this one.
        """
        if self._presence is None:
            return True
        return await asyncio.to_thread(self._presence.announce)

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(connection, …)` in one transaction on a held writer connection.

        Work whose transaction did not commit is run again, so it keeps nothing outside the
        connection. Raises OutcomeUnknown when nobody can tell whether it committed.
        """
        return await self._write.run(lambda connection: work(connection, *args, **kwargs))

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(connection, …)` on a held reader connection."""
        return await self._read.run(lambda connection: work(connection, *args, **kwargs))

    def close(self) -> None:
        """Finish what is under way, then let go of the connections and the lock."""
        self._write.close()
        self._read.close()
        if self._presence is not None:
            self._presence.close()
        self.engine.dispose()
        if self._lock is not None:
            os.close(self._lock)


def _lock(file: Path) -> int:
    """Hold the data folder for this process; the kernel lets go when the process ends."""
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        with suppress(OSError):
            os.close(descriptor)
        raise Misconfigured(
            "K-locked",
            "数据目录正被另一进程使用。",
            f"Another process holds the data folder {file.parent}.",
        ) from error
    return descriptor
