"""Applying receipts: the handler of the reconciliation queue.

Reading happens outside the transaction; one transaction then stores the entries of the batch,
computes the states anew and queues what follows. Doing it twice changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, RowMapping

from gateway.errors import Invalid
from gateway.messages.keys import key_text
from gateway.ports import Announce, OutboxRow
from gateway.reconciliation.consequences import Consequences
from gateway.reconciliation.matched import Matched, match
from gateway.reconciliation.reading import Reading, ReadReceipt
from gateway.reconciliation.releasing import Releasing
from gateway.store import discrepancies, numbers, refusals
from gateway.store import messages as messages_store
from gateway.store import receipts as statements
from gateway.store.database import Database
from gateway.store.vault import Vault
from gateway.telemetry import Clock

log = structlog.get_logger(__name__)

INVENTORY = "CEB621"
UNAPPLIED = "unapplied_receipt"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """A stored receipt after reading: what it says, or why it cannot be read."""

    row: RowMapping
    receipt: ReadReceipt | None
    fault: str = ""


class Applying:
    """Reads stored receipts and moves the documents they speak of."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        reading: Reading,
        consequences: Consequences,
        releasing: Releasing,
        announce: Announce,
        *,
        tolerance: timedelta,
    ) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._reading = reading
        self._consequences = consequences
        self._releasing = releasing
        self._announce = announce
        self._tolerance = tolerance

    async def handle(self, ids: Sequence[str]) -> None:
        """Returns when the receipts with these ids are applied.

        When a batch fails, each receipt is tried alone: one that cannot be applied must not hold
        up the others.
        """
        rows = await self._database.read(statements.stored, ids)
        if not rows:
            return
        try:
            await self._handle([self._read(row) for row in rows])
        except Exception:
            if len(ids) == 1:
                await self._database.write(self._show, rows[0])
                raise
            log.exception("receipts_tried_alone", receipts=len(ids))
            await self._each_alone(ids)

    async def _each_alone(self, ids: Sequence[str]) -> None:
        """Every receipt has its turn; the first fault is raised when all had it."""
        faults: list[Exception] = []
        for one in ids:
            try:
                await self.handle([one])
            except Exception as fault:  # noqa: BLE001 - it is raised below
                faults.append(fault)
        if faults:
            raise faults[0]

    def _show(self, connection: Connection, row: RowMapping) -> None:
        """A receipt that can be read and not applied: tried again, and a person sees it."""
        opening = discrepancies.Opening(
            code=UNAPPLIED,
            subject_kind="receipt",
            subject_id=row["id"],
            parties="||",
            detail={"authority": row["authority"]},
        )
        discrepancies.open_all(connection, [opening], self._clock())

    async def _handle(self, done: Sequence[_Read]) -> None:
        announced, paused = await self._database.write(self._apply, done)
        for profile in paused:
            await self._consequences.pause(profile)
        self._announce(announced)

    def _read(self, row: RowMapping) -> _Read:
        data = self._vault.open(row["id"], row["sealed_data"], row["data_key"])
        try:
            return _Read(row=row, receipt=self._reading.read(row["authority"], data))
        except Invalid as error:
            log.warning("receipt_unreadable", receipt=row["id"], code=error.code)
            return _Read(row=row, receipt=None, fault=error.code)

    def _apply(
        self, connection: Connection, done: Sequence[_Read]
    ) -> tuple[list[OutboxRow], list[str]]:
        now = self._clock()
        statements.mark(
            connection,
            [
                {
                    "row": one.row["id"],
                    "to": "read" if one.receipt else "unreadable",
                    "kind": one.receipt.type if one.receipt else None,
                }
                for one in done
            ],
        )
        receipts = [one.row["id"] for one in done]
        discrepancies.close(connection, receipts, now, resolution="applied", codes=[UNAPPLIED])
        discrepancies.open_all(connection, map(_unreadable, _faulty(done)), now)
        announced, paused = self._refuse(connection, done, now)
        matched = match(connection, self._received(done), self._tolerance)
        self._store(connection, matched)
        found = self._note_numbers(connection, matched)
        discrepancies.close(connection, found, now, resolution="receipt")
        homeless = [one for one in _homeless(matched) if one.id not in found]
        discrepancies.open_all(connection, map(_unknown, homeless), now)
        answers = [one for one in matched if one.entry.answers]
        outcome = self._consequences.draw(connection, answers, now)
        announced += self._releasing.release(connection, outcome.answered_keys, now)
        return [*announced, *outcome.announced], [*paused, *outcome.paused]

    def _refuse(
        self, connection: Connection, done: Sequence[_Read], now: datetime
    ) -> tuple[list[OutboxRow], list[str]]:
        """CEB900: whole messages that were refused, by their CopMsgId."""
        wanted = {
            one.message_id.upper(): one
            for read in done
            if read.receipt
            for one in read.receipt.refusals
        }
        announced: list[OutboxRow] = []
        paused: list[str] = []
        for row in messages_store.messages_by_id(connection, wanted):
            code = wanted[row["id"]].status
            announced += refusals.refuse_message(connection, row, code, now)
            if code in self._consequences.signature_codes:
                paused.append(row["key_profile"])
        return announced, paused

    def _received(self, done: Sequence[_Read]) -> list[tuple[RowMapping, str, Any]]:
        """Every entry with its receipt and its digest: the same entry has one in all copies."""
        return [
            (
                read.row,
                self._vault.hash(
                    entry.type,
                    entry.key_text,
                    entry.status,
                    entry.at.isoformat(),
                    entry.info,
                    *entry.numbers.values(),
                ),
                entry,
            )
            for read in done
            if read.receipt
            for entry in read.receipt.entries
        ]

    def _note_numbers(self, connection: Connection, matched: Sequence[Matched]) -> list[str]:
        """Keep the numbers that customs gave; the entries that had waited for one of them."""
        given = {
            one.entry.numbers[numbers.INVENTORY_NUMBER]: one.document
            for one in matched
            if one.document and one.document["type"] == INVENTORY and one.entry.answers
            if one.entry.numbers.get(numbers.INVENTORY_NUMBER)
        }
        new = numbers.note(connection, {text: row["key_id"] for text, row in given.items()})
        texts = {
            key_text((numbers.INVENTORY_NUMBER,), {numbers.INVENTORY_NUMBER: one}, str): one
            for one in new
        }
        return numbers.adopt(connection, {text: given[one]["id"] for text, one in texts.items()})

    def _store(self, connection: Connection, matched: Sequence[Matched]) -> None:
        rows = [self._entry_row(one) for one in matched]
        statements.add_entries(connection, rows)

    def _entry_row(self, one: Matched) -> dict[str, Any]:
        return {
            "id": one.id,
            "receipt_id": one.receipt["id"],
            "digest": one.digest,
            "type": one.entry.type,
            "answers": one.entry.answers,
            "key_text": one.entry.key_text,
            "document_id": one.document["id"] if one.document else None,
            "status": one.entry.status,
            "return_time": one.entry.at,
            "codes": list(one.entry.codes),
            "names_guid": one.entry.names_guid,
            "numbers": dict(one.entry.numbers),
            "attempts_before": one.attempts_before,
            "sealed_info": self._vault.seal(one.id, one.entry.info.encode()),
            "data_key": self._vault.key_id,
            "received_at": one.receipt["received_at"],
        }


def _faulty(done: Sequence[_Read]) -> list[_Read]:
    return [one for one in done if one.receipt is None]


def _homeless(matched: Sequence[Matched]) -> list[Matched]:
    return [one for one in matched if one.document is None]


def _unreadable(one: _Read) -> discrepancies.Opening:
    return discrepancies.Opening(
        code="unreadable_receipt",
        subject_kind="receipt",
        subject_id=one.row["id"],
        parties="||",
        detail={"code": one.fault, "authority": one.row["authority"]},
    )


def _unknown(one: Matched) -> discrepancies.Opening:
    return discrepancies.Opening(
        code="unknown_key",
        subject_kind="entry",
        subject_id=one.id,
        parties="||",
        detail={"type": one.entry.type, "key": one.entry.key_text, "status": one.entry.status},
    )
