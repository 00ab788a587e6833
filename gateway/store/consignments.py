"""Statements for consignments: all documents of one order."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select, tuple_, update

from gateway.store.tables import consignments


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class ConsignmentKey:
    """direction, ebp code, ebc code (export only) and order number name a consignment."""

    direction: str
    ebp_code: str
    ebc_code: str
    order_no: str


def take_consignments(
    connection: Connection, wanted: Iterable[ConsignmentKey]
) -> dict[ConsignmentKey, RowMapping]:
    """The consignments with these keys that exist, locked."""
    names = [(k.direction, k.ebp_code, k.ebc_code, k.order_no) for k in wanted]
    if not names:
        return {}
    columns = consignments.c
    rows = connection.execute(
        select(consignments)
        .where(
            tuple_(columns.direction, columns.ebp_code, columns.ebc_code, columns.order_no).in_(
                names
            )
        )
        .order_by(columns.id)
        .with_for_update()
    ).mappings()
    return {
        ConsignmentKey(
            direction=row["direction"],
            ebp_code=row["ebp_code"],
            ebc_code=row["ebc_code"],
            order_no=row["order_no"],
        ): row
        for row in rows
    }


def consignments_by_id(connection: Connection, ids: Iterable[str]) -> Sequence[RowMapping]:
    """These consignments."""
    wanted = list(ids)
    if not wanted:
        return []
    return (
        connection.execute(select(consignments).where(consignments.c.id.in_(wanted)))
        .mappings()
        .all()
    )


def consignments_by_order(
    connection: Connection, direction: str, numbers: Iterable[str]
) -> Sequence[RowMapping]:
    """Every consignment that carries one of these order numbers, of whatever platform."""
    wanted = list(numbers)
    if not wanted:
        return []
    return (
        connection.execute(
            select(consignments).where(
                consignments.c.direction == direction, consignments.c.order_no.in_(wanted)
            )
        )
        .mappings()
        .all()
    )


def set_consignment(connection: Connection, changes: Sequence[dict[str, Any]]) -> None:
    """Update consignments by id; all changes carry the same columns beside `row`."""
    if not changes:
        return
    columns = [name for name in changes[0] if name != "row"]
    connection.execute(
        update(consignments)
        .where(consignments.c.id == bindparam("row"))
        .values({name: bindparam(name) for name in columns}),
        list(changes),
    )


def move_consignment(
    connection: Connection, consignment_id: str, *, old: str, new: str, at: datetime
) -> bool:
    """Move one consignment; False when another worker moved it first."""
    done = connection.execute(
        update(consignments)
        .where(consignments.c.id == consignment_id, consignments.c.state == old)
        .values(state=new, updated_at=at)
    )
    return done.rowcount == 1


def consignments_of_waybills(connection: Connection, key_ids: Iterable[str]) -> list[str]:
    """The consignments whose waybill has one of these keys."""
    wanted = list(key_ids)
    if not wanted:
        return []
    return list(
        connection.execute(
            select(consignments.c.id).where(consignments.c.waybill_key.in_(wanted))
        ).scalars()
    )
