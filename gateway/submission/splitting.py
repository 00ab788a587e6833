"""Splitting: a refused message of many documents goes again in halves, until one is to blame.

A half is a new message (own CopMsgId and guid) of the same fragments. The rounds are bounded by
the number of documents: 100 documents take 7. A single refused document becomes a discrepancy.
A refusal of signature or certificate pauses the key profile instead: nothing is split then, and
the same documents go in one new message when the key may sign again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import Connection, RowMapping

from gateway.ports import Announce, OutboxRow, Postponed
from gateway.store import consignments as consignments_store
from gateway.store import discrepancies
from gateway.store import documents as documents_store
from gateway.store import messages as statements
from gateway.store.database import Database
from gateway.store.homes import bury
from gateway.store.registry import Registers
from gateway.submission.writing import Writing
from gateway.telemetry import Clock

SPLITS_MAX = 8
"""Rounds of halving; more than 2**8 documents never stand in one message."""

Release = Callable[[Connection, Sequence[str], datetime], list[OutboxRow]]
"""Releases what waited for the outcome of these keys (see reconciliation)."""

log = structlog.get_logger(__name__)


class Splitting:
    """The handler of the splitting queue: ids of refused messages."""

    def __init__(
        self,
        writing: Writing,
        registry: Registers,
        database: Database,
        clock: Clock,
        announce: Announce,
        releasing: Release,
        *,
        signature_codes: frozenset[str],
        committed: asyncio.Event,
    ) -> None:
        self._announce = announce
        self._releasing = releasing
        self._signature_codes = signature_codes
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
            if message["refused_code"] in self._signature_codes:
                # Not the documents were refused but the key, which is paused since then.
                await self._write(message, [rows])
            elif len(rows) == 1 or message["splits"] >= SPLITS_MAX:
                self._announce(await self._database.write(self._blame, rows))
            else:
                middle = (len(rows) + 1) // 2
                await self._write(message, [rows[:middle], rows[middle:]])

    async def _write(self, message: RowMapping, parts: Sequence[Sequence[RowMapping]]) -> None:
        responsible = parts[0][0]["responsible"]
        choice = self._registry.signing([responsible], message["type"], self._clock())
        if choice.paused:
            raise Postponed(f"key profile {choice.profile} is paused")
        for part in parts:
            await self._writing.write(part, choice, happened="split", split_from=message)
        log.info("message_written_anew", message=message["id"], parts=len(parts))
        self._committed.set()

    def _blame(self, connection: Connection, rows: Sequence[RowMapping]) -> list[OutboxRow]:
        """One document is to blame: a discrepancy; what waited for its outcome may go."""
        now = self._clock()
        moved = documents_store.move(connection, "refuse", [row["id"] for row in rows], at=now)
        blamed = [row for row in rows if row["id"] in moved]
        documents_store.add(connection, {"events": [_event(row, now) for row in blamed]})
        discrepancies.open_all(connection, map(_opening, blamed), now)
        homes = {
            home["id"]: home
            for home in consignments_store.consignments_by_id(
                connection, {row["consignment_id"] for row in blamed if row["consignment_id"]}
            )
        }
        discrepancies.close(
            connection, list(homes), now, resolution="refused", codes=["not_accepted"]
        )
        for row in blamed:
            if row["consignment_id"] in homes:
                bury(connection, homes[row["consignment_id"]], row["id"], now)
        return self._releasing(connection, [row["key_id"] for row in blamed], now)


def _event(row: RowMapping, now: datetime) -> dict[str, Any]:
    return {
        "at": now,
        "name": "refused",
        "document_id": row["id"],
        "consignment_id": row["consignment_id"],
        "state": "refused",
        "correlation": row["correlation"],
    }


def _opening(row: RowMapping) -> discrepancies.Opening:
    return discrepancies.Opening(
        code="refused_message",
        subject_kind="document",
        subject_id=row["id"],
        consignment_id=row["consignment_id"],
        document_id=row["id"],
        parties=row["parties"],
        detail={"type": row["type"]},
    )
