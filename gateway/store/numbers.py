"""Statements for the numbers that customs gives to inventories (invtNo), kept beside our own keys.

What comes unasked from customs, as a tax bill does, names this number and nothing of ours. It may
come before the receipt that tells us the number: until then it is an entry without a document.
"""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import Connection, bindparam, insert, select, update

from gateway.store.documents import keys_of
from gateway.store.tables import keys, receipt_entries
from gateway.telemetry import new_id

INVENTORY_NUMBER = "invtNo"
"""The field, and the type under which the table of keys holds its values."""


def note(connection: Connection, given: Mapping[str, str]) -> list[str]:
    """Keep new numbers, as key text to document id; the entries that had waited for them.

    A number that is known keeps its document.
    """
    known = {row["key_text"] for row in keys_of(connection, INVENTORY_NUMBER, given)}
    new = {text: document_id for text, document_id in given.items() if text not in known}
    if not new:
        return []
    connection.execute(
        insert(keys),
        [
            {
                "id": new_id(),
                "type": INVENTORY_NUMBER,
                "key_text": text,
                "generation": 1,
                "document_id": document_id,
                "version": 1,
            }
            for text, document_id in new.items()
        ],
    )
    return _adopt(connection, new)


def _adopt(connection: Connection, given: Mapping[str, str]) -> list[str]:
    waiting = connection.execute(
        select(receipt_entries.c.id, receipt_entries.c.key_text).where(
            receipt_entries.c.key_text.in_(list(given)),
            receipt_entries.c.document_id.is_(None),
            receipt_entries.c.answers.is_(None),
        )
    ).all()
    if waiting:
        connection.execute(
            update(receipt_entries)
            .where(receipt_entries.c.id == bindparam("entry"))
            .values(document_id=bindparam("document")),
            [{"entry": one.id, "document": given[one.key_text]} for one in waiting],
        )
    return [one.id for one in waiting]
