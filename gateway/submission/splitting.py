"""Splitting: a refused message of many documents goes again in halves, until one is to blame.

A half is a new message (own CopMsgId and guid) of the same fragments. The rounds are bounded by
the number of documents: 100 documents take 7. A single refused document becomes a discrepancy.
A refusal of signature or certificate pauses the key profile instead; nothing is split then.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import structlog
from sqlalchemy import Connection, RowMapping

from gateway.ports import Postponed
from gateway.store import discrepancies
from gateway.store import documents as documents_store
from gateway.store import messages as statements
from gateway.store.database import Database
from gateway.store.registry import Registers
from gateway.submission.writing import Writing
from gateway.telemetry import Clock

SPLITS_MAX = 8
"""Rounds of halving; more than 2**8 documents never stand in one message."""

log = structlog.get_logger(__name__)


class Splitting:
    """The handler of the splitting queue: ids of refused messages."""

    def __init__(
        self,
        writing: Writing,
        registry: Registers,
        database: Database,
        clock: Clock,
        *,
        committed: asyncio.Event,
    ) -> None:
        self._writing = writing
        self._registry = registry
        self._database = database
        self._clock = clock
        self._committed = committed

    async def handle(self, ids: Sequence[str]) -> None:
        """Returns when every document of the messages stands in a new one or is a discrepancy."""
        for message_id in ids:
            message = await self._database.read(statements.message, message_id)
            rows = await self._database.read(statements.of_message, message_id)
            if message is None or not rows:
                continue
            if len(rows) == 1 or message["splits"] >= SPLITS_MAX:
                await self._database.write(self._blame, rows)
                continue
            await self._halve(message, rows)

    async def _halve(self, message: RowMapping, rows: Sequence[RowMapping]) -> None:
        choice = self._registry.signing([rows[0]["responsible"]], message["type"], self._clock())
        if choice.paused:
            raise Postponed(f"key profile {choice.profile} is paused")
        middle = (len(rows) + 1) // 2
        for half in (rows[:middle], rows[middle:]):
            await self._writing.write(half, choice, happened="split", split_from=message)
        log.info("message_split", message=message["id"], documents=len(rows))
        self._committed.set()

    def _blame(self, connection: Connection, rows: Sequence[RowMapping]) -> None:
        now = self._clock()
        ids = [row["id"] for row in rows]
        moved = documents_store.move(connection, "refuse", ids, at=now)
        documents_store.add(
            connection,
            {
                "events": [
                    {
                        "at": now,
                        "name": "refused",
                        "document_id": row["id"],
                        "consignment_id": row["consignment_id"],
                        "state": "refused",
                        "correlation": row["correlation"],
                    }
                    for row in rows
                    if row["id"] in moved
                ]
            },
        )
        discrepancies.open_all(
            connection,
            [
                discrepancies.Opening(
                    code="refused_message",
                    subject_kind="document",
                    subject_id=row["id"],
                    consignment_id=row["consignment_id"],
                    document_id=row["id"],
                    parties=row["parties"],
                    detail={"type": row["type"]},
                )
                for row in rows
                if row["id"] in moved
            ],
            now,
        )
