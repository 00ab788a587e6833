"""Resuming: a key profile may sign again, after a pause or with other files.

What waited for it goes at once, and documents that were refused for their signature alone go
again: the authority never took them, and nothing in them was wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection

from gateway.ports import Announce, OutboxRow
from gateway.store import documents as documents_store
from gateway.store import queues
from gateway.store.database import Database
from gateway.store.prepared import SUBMISSION
from gateway.store.refusals import SPLITTING
from gateway.store.unsigned import unsigned_for
from gateway.telemetry import Clock

log = structlog.get_logger(__name__)


class Resuming:
    """The handler of the resumption queue: names of key profiles."""

    def __init__(
        self, database: Database, announce: Announce, clock: Clock, codes: frozenset[str]
    ) -> None:
        """`codes` are those of a refused signature or certificate."""
        self._database = database
        self._announce = announce
        self._clock = clock
        self._codes = sorted(codes)

    async def handle(self, profiles: Sequence[str]) -> None:
        """Returns when what waited for these profiles is on its way."""
        self._announce(await self._database.write(self._resume, profiles))

    def _resume(self, connection: Connection, profiles: Sequence[str]) -> list[OutboxRow]:
        now = self._clock()
        refused = documents_store.refused_for(connection, profiles, self._codes)
        moved = documents_store.move(
            connection, "resubmit", refused, at=now, authority_state=None, authority_status=None
        )
        for queue in (SUBMISSION, SPLITTING):
            queues.hasten(connection, now, queue)
        log.info("key_profiles_resumed", profiles=list(profiles), documents=len(moved))
        waiting = unsigned_for(connection, profiles)
        return queues.post(connection, [(SUBMISSION, sorted({*moved, *waiting}))], now)
