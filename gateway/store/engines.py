"""Engines: how a connection to PostgreSQL or SQLite is made and prepared."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import NullPool

SQLITE = "sqlite"
BUSY_TIMEOUT_MILLISECONDS = 10_000
CONNECT_TIMEOUT_SECONDS = 5
APPLICATION_NAME = "single-window-gateway"
"""How the connections are called in pg_stat_activity."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Bounds of a server engine, each in seconds; all are settings."""

    statement_seconds: float = 30
    """The server ends a statement that takes longer."""
    lock_seconds: float = 5
    """The server ends a statement that waits longer for a row; the transaction is run again."""
    idle_seconds: float = 60
    """The server ends a transaction in which nothing happens for so long."""
    reconnect_seconds: float = 10
    """How long a transaction waits for a server that is away."""


def make_engine(url: str, waits: Waits | None = None) -> Engine:
    """An engine whose connections are durable and bounded in time."""
    # An error text with parameters would carry what was handed in.
    if not url.startswith(SQLITE):
        return create_engine(
            url,
            poolclass=NullPool,
            hide_parameters=True,
            connect_args=_server_arguments(waits or Waits()),
        )
    engine = create_engine(
        url,
        poolclass=NullPool,
        hide_parameters=True,
        connect_args={"check_same_thread": False, "isolation_level": None},
    )
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _server_arguments(waits: Waits) -> dict[str, object]:
    bounds = {
        "statement_timeout": waits.statement_seconds,
        "lock_timeout": waits.lock_seconds,
        "idle_in_transaction_session_timeout": waits.idle_seconds,
    }
    options = [f"-c {name}={round(seconds * 1000)}" for name, seconds in bounds.items()]
    return {
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        "application_name": APPLICATION_NAME,
        "options": " ".join([*options, "-c timezone=UTC"]),
    }


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
