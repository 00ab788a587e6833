"""Attaching a waybill to its order: CEB511 names an order number and no platform.

orderNo is unique per platform only. A waybill that was handed in without ebpCode waits in a
consignment without a platform; when an order with its number is there and consignee, telephone
and address agree (M13), it moves over. Two candidates left are for a person to tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, select, update

from gateway.model import Content
from gateway.store import discrepancies
from gateway.store import documents as documents_store
from gateway.store.tables import consignments, documents

SAME = ("consignee", "consigneeTelephone", "consigneeAddress")
AMBIGUOUS = "ambiguous_waybill"

Candidate = tuple[RowMapping, Mapping[str, str]]
"""A waybill without a platform, and the head of its content."""


def fitting(order: Content, candidates: Sequence[Candidate]) -> list[RowMapping]:
    """The waybills that go to the order's consignee."""
    wanted = [order.head.get(name) for name in SAME]
    return [row for row, head in candidates if [head.get(name) for name in SAME] == wanted]


def attach(
    connection: Connection,
    home: RowMapping,
    loose: Sequence[RowMapping],
    parties: str,
    now: datetime,
) -> bool:
    """Move the one fitting waybill to the consignment; True when it moved."""
    if len(loose) != 1:
        if loose:
            opening = discrepancies.Opening(
                code=AMBIGUOUS,
                subject_kind="consignment",
                subject_id=home["id"],
                consignment_id=home["id"],
                parties=parties,
                detail={"candidates": len(loose)},
            )
            discrepancies.open_all(connection, [opening], now)
        return False
    (waybill,) = loose
    placeholder = waybill["consignment_id"]
    if not _claim(connection, home["id"], waybill):
        return False
    connection.execute(
        update(documents)
        .where(documents.c.key_id == waybill["key_id"])
        .values(consignment_id=home["id"])
    )
    _leave(connection, placeholder, waybill["key_id"])
    discrepancies.close(connection, [home["id"], placeholder], now, resolution="attached")
    return True


def _claim(connection: Connection, home_id: str, waybill: RowMapping) -> bool:
    """Give the waybill to the consignment, unless either has found another one since the look."""
    documents_store.lock_keys(connection, [waybill["key_id"]])
    loose = connection.execute(
        select(documents.c.id).where(
            documents.c.id == waybill["id"],
            documents.c.consignment_id == waybill["consignment_id"],
        )
    ).first()
    if loose is None:
        return False
    done = connection.execute(
        update(consignments)
        .where(consignments.c.id == home_id, consignments.c.waybill_key.is_(None))
        .values(waybill_key=waybill["key_id"])
    )
    return done.rowcount == 1


def _leave(connection: Connection, placeholder: str, key_id: str) -> None:
    """The consignment without a platform goes when its last waybill has left it."""
    others = (
        connection.execute(
            select(documents.c.key_id).where(documents.c.consignment_id == placeholder).limit(1)
        )
        .scalars()
        .first()
    )
    if others is None:
        connection.execute(delete(consignments).where(consignments.c.id == placeholder))
    else:
        connection.execute(
            update(consignments)
            .where(consignments.c.id == placeholder, consignments.c.waybill_key == key_id)
            .values(waybill_key=others)
        )
