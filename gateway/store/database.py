"""Connections to the store: one held writer, a few held readers, each in a thread of its own.

Statements are plain functions of a `Connection`, so a transaction costs one hop between
threads however many statements it has, and the same functions serve every engine.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import NullPool

from gateway.errors import Misconfigured

READERS = 2
"""Held connections for reading beside the one writer."""
BUSY_TIMEOUT_MILLISECONDS = 10_000

P = ParamSpec("P")
T = TypeVar("T")


class Database:
    """The store of one process. `write` is one transaction; `read` sees committed rows only."""

    def __init__(self, url: str, *, lock_file: Path | None = None) -> None:
        self._lock = _lock(lock_file) if lock_file else None
        self.engine = make_engine(url)
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="store-write")
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="store-read")
        self._write_connection: Connection | None = None
        self._read_connections: SimpleQueue[Connection] = SimpleQueue()

    async def write(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(connection, …)` in one transaction on the held writer connection."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, lambda: self._write(work, args, kwargs))

    async def read(
        self, work: Callable[Concatenate[Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(connection, …)` on a held reader connection."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, lambda: self._read(work, args, kwargs))

    def _write(self, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        if self._write_connection is None or self._write_connection.closed:
            self._write_connection = self.engine.connect()
        with self._write_connection.begin():
            return work(self._write_connection, *args, **kwargs)

    def _read(self, work: Callable[..., T], args: Any, kwargs: Any) -> T:
        connection = (
            self.engine.connect()
            if self._read_connections.empty()
            else self._read_connections.get()
        )
        try:
            with connection.begin():
                return work(connection, *args, **kwargs)
        finally:
            self._read_connections.put(connection)

    def close(self) -> None:
        """Finish what is under way, then let go of the connections and the lock."""
        self._writer.shutdown(wait=True)
        self._readers.shutdown(wait=True)
        if self._write_connection is not None:
            self._write_connection.close()
        while not self._read_connections.empty():
            self._read_connections.get().close()
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


def make_engine(url: str) -> Engine:
    """An engine whose SQLite connections are durable (WAL, synchronous=FULL)."""
    if not url.startswith("sqlite"):
        return create_engine(url, poolclass=NullPool, hide_parameters=True)
    engine = create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,  # an error text with parameters would carry what was handed in
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: DBAPIConnection, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_TIMEOUT_MILLISECONDS}",
        "temp_store=MEMORY",
        "cache_size=-65536",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    """A plain BEGIN: in the writer the lock is ours alone, in readers it gives one snapshot."""
    connection.exec_driver_sql("BEGIN")
