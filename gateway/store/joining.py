"""Documents that name no order belong to the consignment of the waybill that they name."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, select

from gateway.messages.keys import key_text, key_values
from gateway.store.prepared import Prepared
from gateway.store.tables import consignments, keys


def joined(connection: Connection, group: Sequence[Prepared]) -> dict[str, str]:
    """Document id to consignment id, for those documents whose waybill is here."""
    texts: dict[str, dict[str, str]] = {}
    for one in group:
        through = one.type.row.through
        if through:
            fields = one.type.parts[through].row.key
            # The codes in a key text are already those that stand for their enterprises.
            text = key_text(fields, key_values(one.type.row.key, one.key_text), str)
            texts.setdefault(through, {})[one.document_id] = text
    found = {
        through: _homes(connection, through, wanted.values()) for through, wanted in texts.items()
    }
    return {
        document_id: found[through][text]
        for through, wanted in texts.items()
        for document_id, text in wanted.items()
        if text in found[through]
    }


def _homes(connection: Connection, type_: str, texts: Iterable[str]) -> dict[str, str]:
    rows = connection.execute(
        select(keys.c.key_text, consignments.c.id)
        .join(consignments, consignments.c.waybill_key == keys.c.id)
        .where(keys.c.type == type_, keys.c.key_text.in_(list(texts)))
    )
    return {row.key_text: row.id for row in rows}
