"""Resuming: a key profile may sign again, after a pause or with other files.

What waited for it goes at once, and documents that were refused for their signature alone go
again: the authority never took them, and nothing in them was wrong.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog
from sqlalchemy import Connection

from gateway.messages import Catalogue
from gateway.ports import Announce, OutboxRow
from gateway.store import documents as documents_store
from gateway.store import queues
from gateway.store.database import Database
from gateway.store.prepared import SUBMISSION
from gateway.telemetry import Clock

log = structlog.get_logger(__name__)


class Resuming:
    """The handler of the resumption queue: names of key profiles."""

    def __init__(
        self, database: Database, catalogue: Catalogue, announce: Announce, clock: Clock
    ) -> None:
        self._database = database
        self._announce = announce
        self._clock = clock
        self._codes = sorted(
            {code for one in catalogue.types.values() for code in one.row.signature_codes}
        )

    async def handle(self, profiles: Sequence[str]) -> None:
        """Returns when what waited for these profiles is on its way."""
        self._announce(await self._database.write(self._resume, profiles))

    def _resume(self, connection: Connection, profiles: Sequence[str]) -> list[OutboxRow]:
        now = self._clock()
        refused = documents_store.refused_for(connection, profiles, self._codes)
        moved = documents_store.move(
            connection, "resubmit", refused, at=now, authority_state=None, authority_status=None
        )
        queues.hasten(connection, now, SUBMISSION)
        log.info("key_profiles_resumed", profiles=list(profiles), documents=len(moved))
        return queues.post(connection, [(SUBMISSION, sorted(moved))], now)
