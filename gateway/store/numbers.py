"""Statements for the numbers that customs gives to inventories (invtNo).

What comes unasked from customs, as a tax bill does, names this number and nothing of ours. It may
come before the receipt that tells us the number: then it makes the row, and waits among the entries
without a document until the row knows its inventory. Whoever speaks of a number holds its row.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select, update

from gateway.store.racing import insert_missing
from gateway.store.tables import inventory_numbers, receipt_entries

INVENTORY_NUMBER = "invtNo"


def keys_by_number(connection: Connection, wanted: Iterable[str]) -> dict[str, str]:
    """Number to the id of the business key of its inventory, for those that are known."""
    rows = _hold(connection, wanted)
    return {number: row["key_id"] for number, row in rows.items() if row["key_id"]}


def note(connection: Connection, given: Mapping[str, str]) -> set[str]:
    """Keep what customs gave: number to id of the business key. Which of them are new.

    A number that is known keeps its inventory.
    """
    rows = _hold(connection, given)
    new = [number for number, row in rows.items() if not row["key_id"]]
    if new:
        connection.execute(
            update(inventory_numbers)
            .where(inventory_numbers.c.number == bindparam("given"))
            .values(key_id=bindparam("key")),
            [{"given": number, "key": given[number]} for number in new],
        )
    return set(new)


def adopt(connection: Connection, documents: Mapping[str, str]) -> list[str]:
    """Give entries that waited for their inventory its document: key text to document id.

    Returns the ids of those entries.
    """
    if not documents:
        return []
    waiting = connection.execute(
        select(receipt_entries.c.id, receipt_entries.c.key_text).where(
            receipt_entries.c.key_text.in_(list(documents)),
            receipt_entries.c.document_id.is_(None),
            receipt_entries.c.answers.is_(None),
        )
    ).all()
    if waiting:
        connection.execute(
            update(receipt_entries)
            .where(receipt_entries.c.id == bindparam("entry"))
            .values(document_id=bindparam("document")),
            [{"entry": one.id, "document": documents[one.key_text]} for one in waiting],
        )
    return [one.id for one in waiting]


def _hold(connection: Connection, wanted: Iterable[str]) -> Mapping[str, RowMapping]:
    """The rows of these numbers for this transaction alone, the missing ones made."""
    numbers = sorted(set(wanted))
    if not numbers:
        return {}
    rows: list[dict[str, Any]] = [{"number": one, "key_id": None} for one in numbers]
    insert_missing(connection, inventory_numbers, rows, inventory_numbers.c.number)
    held = connection.execute(
        select(inventory_numbers)
        .where(inventory_numbers.c.number.in_(numbers))
        .order_by(inventory_numbers.c.number)
        .with_for_update()
    ).mappings()
    return {row["number"]: row for row in held}
