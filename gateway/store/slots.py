"""The three places of a consignment: its order, its payment and its waybill, one key each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, bindparam, select, update

from gateway.messages.versions import TURNED_DOWN
from gateway.store import discrepancies
from gateway.store.tables import consignments, document_state, keys

SLOTS = ("order", "payment", "waybill")
GIVEN_UP = frozenset({"replaced", "refused"})
"""Local states of a document that nobody waits for any more."""

Home = Mapping[str, Any]
"""A consignment; `filled` and `left` say by slot which keys come and go."""


def fill_slots(connection: Connection, homes: Sequence[Home], at: datetime) -> None:
    """Put new documents in their places.

    A place that another living document has is not taken from it, or any firm that knows an order
    number could put its own waybill there: a discrepancy shows the second one instead.
    """
    taken = _taken(connection, homes)
    openings = []
    for slot in SLOTS:
        changes = []
        for home in homes:
            filled, present = home.get("filled", {}).get(slot), home.get(f"{slot}_key")
            if filled is None or filled[0] == present:
                continue
            if present in taken:
                # Without a platform they may well be of two orders with one number.
                if home["ebp_code"]:
                    openings.append(_second(home, slot, filled[0]))
            else:
                changes.append({"row": home["id"], "value": filled[0]})
        _set(connection, f"{slot}_key", changes)
        _leave(connection, slot, homes)
    discrepancies.open_all(connection, openings, at)
    modes = [
        {"row": home["id"], "value": home["filled"]["order"][1]}
        for home in homes
        if "order" in home.get("filled", {})
    ]
    _set(connection, "mode", modes)


def _taken(connection: Connection, homes: Sequence[Home]) -> set[str | None]:
    """Of the keys that have a place now, those whose newest document is not given up."""
    present = [home[f"{slot}_key"] for home in homes for slot in SLOTS if home.get(f"{slot}_key")]
    if not present:
        return set()
    found = connection.execute(
        select(keys.c.id, document_state.c.local_state, document_state.c.authority_state)
        .join(document_state, document_state.c.document_id == keys.c.document_id)
        .where(keys.c.id.in_(present))
    )
    return {
        row.id
        for row in found
        if row.local_state not in GIVEN_UP and row.authority_state not in TURNED_DOWN
    }


def _second(home: Home, slot: str, key_id: str) -> discrepancies.Opening:
    return discrepancies.Opening(
        code="second_document",
        subject_kind="key",
        subject_id=key_id,
        consignment_id=home["id"],
        parties="||",
        detail={"kind": slot},
    )


def _leave(connection: Connection, slot: str, homes: Sequence[Home]) -> None:
    """A document that names another order now leaves its place in the old one."""
    column = consignments.c[f"{slot}_key"]
    for home in homes:
        left = home.get("left", {}).get(slot)
        if left is not None:
            connection.execute(
                update(consignments)
                .where(consignments.c.id == home["id"], column == left)
                .values({column: None})
            )


def _set(connection: Connection, column: str, changes: list[dict[str, Any]]) -> None:
    if changes:
        connection.execute(
            update(consignments)
            .where(consignments.c.id == bindparam("row"))
            .values({column: bindparam("value")}),
            changes,
        )
