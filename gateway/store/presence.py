"""Presence: the processes that work on one PostgreSQL store know whether they are alone.

Each holds a shared advisory lock for as long as it runs; the server lets go of it when the
connection ends, however the process ended. Who can have the lock exclusively for a moment is alone.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, func, select

from gateway.store.racing import Turn


class Presence:
    """The presence of this process; see `announce`."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._connection: Connection | None = None
        self._alone = False

    def announce(self) -> bool:
        """Make this process known; True when no other one was there. Asks once."""
        if self._connection is None:
            connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            lock = int(Turn.PRESENCE)
            self._alone = bool(connection.execute(select(func.pg_try_advisory_lock(lock))).scalar())
            # The shared lock is taken before the exclusive one is given back: nobody slips between.
            connection.execute(select(func.pg_advisory_lock_shared(lock)))
            if self._alone:
                connection.execute(select(func.pg_advisory_unlock(lock)))
            self._connection = connection
        return self._alone

    def close(self) -> None:
        """This process is gone."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
