"""Reconsidering: a register changed, so what was held for lack of it is looked at again."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from gateway.ports import Announce, OutboxRow
from gateway.store.database import Database
from gateway.store.queues import post
from gateway.store.tables import consignments
from gateway.telemetry import Clock

MATCHING = "matching"
HELD_MAX = 10_000
"""Held consignments that one change of a register wakes."""


class Reconsidering:
    """The handler of the reconsidering queue; its ids name the registers that changed."""

    def __init__(self, database: Database, announce: Announce, clock: Clock) -> None:
        self._database = database
        self._announce = announce
        self._clock = clock

    async def handle(self, registers: Sequence[str]) -> None:
        """Returns when matching was told of every held consignment."""
        del registers  # Whatever changed may be what a consignment lacks.
        self._announce(await self._database.write(self._wake))

    def _wake(self, connection: Connection) -> list[OutboxRow]:
        held = list(
            connection.execute(
                select(consignments.c.id).where(consignments.c.state == "held").limit(HELD_MAX)
            ).scalars()
        )
        return post(connection, [(MATCHING, held)], self._clock())
