"""Attaching a waybill to its order: CEB511 names an order number and no platform.

orderNo is unique per platform only. A waybill that was handed in without ebpCode waits in a
consignment without a platform; when an order with its number is there and consignee, telephone
and address agree (M13), it moves over. Two candidates left are for a person to tell apart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, update

from gateway.model import Content
from gateway.store import consignments as consignments_store
from gateway.store import discrepancies
from gateway.store.tables import consignments, documents

SAME = ("consignee", "consigneeTelephone", "consigneeAddress")
AMBIGUOUS = "ambiguous_waybill"

Candidate = tuple[RowMapping, Mapping[str, str]]
"""A consignment without a platform, and the head of its waybill."""


def fitting(order: Content, candidates: Sequence[Candidate]) -> list[RowMapping]:
    """The consignments whose waybill goes to the order's consignee."""
    wanted = [order.head.get(name) for name in SAME]
    return [home for home, waybill in candidates if [waybill.get(name) for name in SAME] == wanted]


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
    placeholder = loose[0]
    connection.execute(
        update(documents)
        .where(documents.c.consignment_id == placeholder["id"])
        .values(consignment_id=home["id"])
    )
    consignments_store.set_consignment(
        connection, [{"row": home["id"], "waybill_key": placeholder["waybill_key"]}]
    )
    connection.execute(delete(consignments).where(consignments.c.id == placeholder["id"]))
    discrepancies.close(connection, [home["id"], placeholder["id"]], now, resolution="attached")
    return True
