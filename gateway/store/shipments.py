"""Statements for shipments: master waybills with the parcels under them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, tuple_, update

from gateway.store import racing
from gateway.store.tables import shipment_rows, shipments


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentKey:
    """Key direction, billNo and trafMode name a shipment."""

    direction: str
    bill_no: str
    traf_mode: str


def take_turn(connection: Connection) -> None:
    """One at a time: who changes a shipment, and who looks whether an arrival must wait for it.

    Or an arrival would be read before the shipment is in, and be unknown to the one who puts it in.
    """
    racing.take_turn(connection, racing.Turn.SHIPMENTS)


def shipment(connection: Connection, key: ShipmentKey) -> RowMapping | None:
    """The shipment with this key, locked."""
    return (
        connection.execute(
            select(shipments)
            .where(
                shipments.c.direction == key.direction,
                shipments.c.bill_no == key.bill_no,
                shipments.c.traf_mode == key.traf_mode,
            )
            .with_for_update()
        )
        .mappings()
        .first()
    )


def numbers_of(connection: Connection, shipment_id: str) -> set[str]:
    """The waybill numbers that stand in a shipment."""
    return set(
        connection.execute(
            select(shipment_rows.c.logistics_no).where(shipment_rows.c.shipment_id == shipment_id)
        ).scalars()
    )


def add_shipment(connection: Connection, row: dict[str, Any]) -> None:
    """A new shipment without rows."""
    connection.execute(insert(shipments), row)


def set_head(connection: Connection, shipment_id: str, head: Any, at: datetime) -> None:
    """Replace the head; whoever calls has checked that used values stay."""
    connection.execute(
        update(shipments).where(shipments.c.id == shipment_id).values(head=head, updated_at=at)
    )


def add_rows(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Further parcels of a shipment."""
    if rows:
        connection.execute(insert(shipment_rows), list(rows))


def mark_used(connection: Connection, ids: Iterable[str]) -> None:
    """From now on the head values stand in a declaration and are frozen."""
    rows = [{"row": one} for one in dict.fromkeys(ids)]
    if rows:
        connection.execute(
            update(shipments).where(shipments.c.id == bindparam("row")).values(used=True), rows
        )


def heads_of(connection: Connection, ids: Iterable[str]) -> dict[str, Any]:
    """The heads of these shipments, by id; they stay as they are until the caller commits."""
    wanted = sorted(ids)
    racing.lock(connection, shipments.c.id, wanted)
    rows = connection.execute(
        select(shipments.c.id, shipments.c.head).where(shipments.c.id.in_(wanted))
    )
    return {row.id: row.head for row in rows}


def of_parcels(
    connection: Connection, parcels: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], list[RowMapping]]:
    """The shipments in which each parcel (logistics identity, logisticsNo) stands."""
    wanted = list(parcels)
    found: dict[tuple[str, str], list[RowMapping]] = {}
    if not wanted:
        return found
    rows = connection.execute(
        select(
            shipment_rows.c.logistics_code.label("parcel_code"),
            shipment_rows.c.logistics_no.label("parcel_no"),
            shipments,
        )
        .join(shipments, shipments.c.id == shipment_rows.c.shipment_id)
        .where(tuple_(shipment_rows.c.logistics_code, shipment_rows.c.logistics_no).in_(wanted))
    ).mappings()
    for row in rows:
        found.setdefault((row["parcel_code"], row["parcel_no"]), []).append(row)
    return found
