"""Loading what matching looks at: consignments with their documents, in bulk."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, select

from gateway.store import consignments as consignments_store
from gateway.store import documents as documents_store
from gateway.store import receipts as receipts_store
from gateway.store import shipments as shipments_store
from gateway.store.tables import consignments, document_state, documents, keys

SLOTS = ("order", "payment", "waybill")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loaded:
    """A consignment, the newest version of each partner document, and its receipts' codes."""

    home: RowMapping
    documents: Mapping[str, RowMapping]
    codes: Mapping[str, tuple[str, ...]]
    shipments: Sequence[RowMapping]
    inventory: Sequence[RowMapping]
    """All versions of its inventory, oldest first."""
    unattached: Sequence[RowMapping]
    """Waybills of the same order number that name no platform."""

    @property
    def versions(self) -> str:
        """Which versions these are: a declaration that failed is not repeated with the same."""
        ids = [self.documents[slot]["id"] for slot in SLOTS if slot in self.documents]
        return ",".join(ids)


def load(connection: Connection, ids: Iterable[str]) -> list[Loaded]:
    """Everything about these consignments that needs no decryption."""
    homes = consignments_store.consignments_by_id(connection, ids)
    current = _current(connection, homes)
    rows = documents_store.documents_by_id(connection, current.values())
    by_key = {row["key_id"]: row for row in rows}
    entries = receipts_store.entries_of(connection, [row["id"] for row in rows])
    inventories = documents_store.versions_of(
        connection, [home["inventory_key"] for home in homes if home["inventory_key"]]
    )
    loose = _unattached(connection, homes)
    parcels = shipments_store.of_parcels(connection, map(_parcel, _waybills(rows)))
    return [_loaded(home, by_key, entries, inventories, loose, parcels) for home in homes]


def _loaded(
    home: RowMapping,
    by_key: Mapping[str, RowMapping],
    entries: Mapping[str, Sequence[RowMapping]],
    inventories: Mapping[str, Sequence[RowMapping]],
    loose: Mapping[str, Sequence[RowMapping]],
    parcels: Mapping[tuple[str, str], Sequence[RowMapping]],
) -> Loaded:
    own = {slot: by_key[home[f"{slot}_key"]] for slot in SLOTS if home[f"{slot}_key"] in by_key}
    return Loaded(
        home=home,
        documents=own,
        codes={slot: _newest_codes(entries.get(row["id"], ())) for slot, row in own.items()},
        shipments=parcels.get(_parcel(own["waybill"]), ()) if "waybill" in own else (),
        inventory=inventories.get(home["inventory_key"] or "", ()),
        unattached=loose.get(home["order_no"], ()) if home["ebp_code"] else (),
    )


def _current(connection: Connection, homes: Sequence[RowMapping]) -> dict[str, str]:
    """The newest document of every partner key."""
    wanted = [home[f"{slot}_key"] for home in homes for slot in SLOTS if home[f"{slot}_key"]]
    if not wanted:
        return {}
    rows = connection.execute(select(keys.c.id, keys.c.document_id).where(keys.c.id.in_(wanted)))
    return {row.id: row.document_id for row in rows}


def _unattached(connection: Connection, homes: Sequence[RowMapping]) -> dict[str, list[RowMapping]]:
    """Waybills without a platform, by order number; several may share a consignment."""
    numbers = [home["order_no"] for home in homes if home["ebp_code"] and not home["waybill_key"]]
    if not numbers:
        return {}
    found: dict[str, list[RowMapping]] = {}
    rows = connection.execute(
        select(documents, document_state, consignments.c.order_no)
        .join(document_state, document_state.c.document_id == documents.c.id)
        .join(keys, keys.c.document_id == documents.c.id)
        .join(consignments, consignments.c.id == documents.c.consignment_id)
        .where(
            consignments.c.order_no.in_(numbers),
            consignments.c.ebp_code == "",
            documents.c.kind == "waybill",
        )
    ).mappings()
    for row in rows:
        found.setdefault(row["order_no"], []).append(row)
    return found


def _waybills(rows: Sequence[RowMapping]) -> list[RowMapping]:
    return [row for row in rows if row["kind"] == "waybill"]


def _parcel(row: RowMapping) -> tuple[str, str]:
    """(logistics identity, logisticsNo) of a waybill, from its key text."""
    code, number = documents_store.key_parts(row["key_text"])
    return code, number


def _newest_codes(entries: Sequence[RowMapping]) -> tuple[str, ...]:
    if not entries:
        return ()
    return tuple(max(entries, key=lambda entry: entry["return_time"])["codes"])
