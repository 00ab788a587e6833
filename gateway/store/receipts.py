"""Statements for receipts and their entries."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from gateway.ports import OutboxRow
from gateway.store.queues import post
from gateway.store.racing import insert_missing
from gateway.store.tables import receipt_digests, receipt_entries, receipts

RECONCILIATION = "reconciliation"


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrived:
    """Receipt bytes as they came, sealed."""

    id: str
    authority: str
    digest: str
    sealed_data: bytes
    data_key: str
    received_at: datetime


def store(connection: Connection, group: Sequence[Arrived]) -> list[OutboxRow]:
    """Keep the bytes, once for equal bytes; outbox rows to announce after the commit."""
    given = {one.digest: one for one in sorted(group, key=lambda one: one.digest)}
    went_in = insert_missing(
        connection,
        receipt_digests,
        [{"digest": one.digest, "receipt_id": one.id} for one in given.values()],
        receipt_digests.c.digest,
    )
    new = [one for one in group if one.digest in went_in and given[one.digest] is one]
    if not new:
        return []
    connection.execute(
        insert(receipts),
        [
            {
                "id": one.id,
                "authority": one.authority,
                "digest": one.digest,
                "sealed_data": one.sealed_data,
                "data_key": one.data_key,
                "state": "stored",
                "received_at": one.received_at,
            }
            for one in new
        ],
    )
    ids = [one.id for one in new]
    return post(connection, [(RECONCILIATION, ids)], group[0].received_at)


def stored(connection: Connection, ids: Iterable[str]) -> Sequence[RowMapping]:
    """Of these receipts, those that were not read yet."""
    return (
        connection.execute(
            select(receipts)
            .where(receipts.c.id.in_(list(ids)), receipts.c.state == "stored")
            .order_by(receipts.c.id)
        )
        .mappings()
        .all()
    )


def mark(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """How reading went: {row, to, kind} each; `to` is read or unreadable."""
    if rows:
        connection.execute(
            update(receipts)
            .where(receipts.c.id == bindparam("row"), receipts.c.state == "stored")
            .values(state=bindparam("to"), type=bindparam("kind")),
            list(rows),
        )


def known_entries(connection: Connection, digests: Iterable[str]) -> set[str]:
    """Which of these entries came before, in whatever receipt."""
    return set(
        connection.execute(
            select(receipt_entries.c.digest).where(receipt_entries.c.digest.in_(list(digests)))
        ).scalars()
    )


def add_entries(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """New entries."""
    if rows:
        connection.execute(insert(receipt_entries), list(rows))


def entries_of(connection: Connection, document_ids: Iterable[str]) -> dict[str, list[RowMapping]]:
    """All entries that answer these documents, by document; tax bills tell no state of them."""
    wanted = list(document_ids)
    found: dict[str, list[RowMapping]] = {}
    if not wanted:
        return found
    rows = connection.execute(
        select(
            receipt_entries.c.id,
            receipt_entries.c.document_id,
            receipt_entries.c.status,
            receipt_entries.c.return_time,
            receipt_entries.c.codes,
            receipt_entries.c.numbers,
            receipt_entries.c.attempts_before,
        ).where(receipt_entries.c.document_id.in_(wanted), receipt_entries.c.answers.is_not(None))
    ).mappings()
    for row in rows:
        found.setdefault(row["document_id"], []).append(row)
    return found
