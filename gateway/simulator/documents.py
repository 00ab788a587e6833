"""The declarations that were taken: one record a business key, and the statements on them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from gateway.simulator.kinds import Kind
from gateway.simulator.store import Store

PAGE_MAX = 10_000
LIVING = "living"
RETURNED = "returned"
PARTNERS = "partners"
PARCEL = "parcel"
ORDER, PAYMENT, WAYBILL, INVENTORY = "CEB311", "CEB411", "CEB511", "CEB621"
BY_TYPE = {ORDER: "order", PAYMENT: "payment", WAYBILL: "waybill"}
"""The documents that an inventory needs."""


@dataclass(slots=True, kw_only=True)
class Declared:
    """The newest version of one business key that was taken; times in milliseconds since 1970."""

    id: int
    type: str
    key: str
    guid: str
    app_time: str
    state: str
    status: str
    waits_for: str
    receiver: str
    order_key: str | None
    parcel_key: str | None
    echo: dict[str, str]
    facts: dict[str, Any]
    scenarios: tuple[str, ...]
    last_time: int
    message_id: str
    message_digest: str
    digest: str


COLUMNS = tuple(one.name for one in fields(Declared))
_SELECT = f"SELECT {', '.join(COLUMNS)} FROM documents"  # noqa: S608 - names of our own columns
_SAVE = (
    f"INSERT OR REPLACE INTO documents ({', '.join(COLUMNS)})"  # noqa: S608 - likewise
    f" VALUES ({', '.join('?' * len(COLUMNS))})"
)
to_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_ECHO, _FACTS, _SCENARIOS = (COLUMNS.index(name) for name in ("echo", "facts", "scenarios"))
_IN = "(SELECT value FROM json_each(?))"


def key_of(names: Sequence[str], values: Mapping[str, str], identity: Any) -> str:
    """Values of a document as one text; enterprise codes by the enterprise that they name."""
    parts = [values.get(name, "") for name in names]
    return listed(
        identity(part) if name.endswith("Code") else part
        for name, part in zip(names, parts, strict=True)
    )


def listed(values: Iterable[Any]) -> str:
    """A compact JSON array: a key, or the right side of an IN."""
    return to_json(list(values))


class Documents:
    """Statements on the declarations; all of them inside the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def by_keys(self, type_: str, keys: Iterable[str]) -> dict[str, Declared]:
        """The declarations of these business keys."""
        rows = self._store.rows(f"{_SELECT} WHERE type = ? AND key IN {_IN}", (type_, listed(keys)))
        return {one.key: one for one in map(_declared, rows)}

    def by_ids(self, ids: Iterable[int]) -> list[Declared]:
        """The declarations with these ids."""
        return self._find(f"id IN {_IN}", listed(ids))

    def partners(self, inventories: Sequence[Declared]) -> list[dict[str, Declared]]:
        """For each inventory its living order, payment and waybill, by kind."""
        orders = self._by(inventories, "order_key", (ORDER, PAYMENT))
        parcels = self._by(inventories, "parcel_key", (WAYBILL,))
        return [
            {**orders.get(one.order_key, {}), **parcels.get(one.parcel_key, {})}
            for one in inventories
        ]

    def living_inventories(
        self, column: str, keys: Iterable[str | None]
    ) -> dict[str | None, Declared]:
        """The living inventories of orders (`order_key`) or parcels (`parcel_key`), by that key."""
        where = f"{column} IN {_IN} AND type = ? AND state = ?"
        found = self._find(where, listed(keys), INVENTORY, LIVING)
        return {getattr(one, column): one for one in found}

    def waiting_for_partners(self, partners: Sequence[Declared]) -> list[Declared]:
        """The inventories that wait for partners and belong to the orders or parcels of these."""
        orders = listed({one.order_key for one in partners if one.order_key})
        parcels = listed({one.parcel_key for one in partners if one.parcel_key})
        where = f"(order_key IN {_IN} OR parcel_key IN {_IN}) AND type = ? AND waits_for = ?"
        return self._find(where, orders, parcels, INVENTORY, PARTNERS)

    def waiting_for_parcels(self, arrivals: Iterable[int]) -> list[Declared]:
        """Inventories that wait for a parcel of these arrivals, with the same bill."""
        return self._find(
            "waits_for = ? AND (parcel_key, json_extract(facts, '$.billNo')) IN"
            " (SELECT parcel_key, bill_no FROM parcels"
            " WHERE arrival IN (SELECT value FROM json_each(?)))",
            PARCEL,
            listed(arrivals),
        )

    def arrived(self, inventories: Sequence[Declared]) -> set[str]:
        """Parcel keys of those inventories whose parcel stands in an accepted arrival."""
        rows = self._store.rows(
            "SELECT parcels.parcel_key, parcels.bill_no FROM parcels"
            " JOIN documents ON documents.id = parcels.arrival AND documents.status = '399'"
            " WHERE parcels.parcel_key IN (SELECT value FROM json_each(?))",
            (listed(one.parcel_key for one in inventories),),
        )
        there = set(rows)
        return {
            one.parcel_key
            for one in inventories
            if one.parcel_key and (one.parcel_key, one.facts["billNo"]) in there
        }

    def save(self, documents: Iterable[Declared]) -> None:
        """Write new declarations and changed ones."""
        self._store.run_many(_SAVE, map(_row, documents))

    def set_parcels(self, arrivals: Mapping[int, tuple[str, Sequence[str]]]) -> None:
        """Write the rows of arrivals anew: id → (bill, parcel keys)."""
        self._store.run_many("DELETE FROM parcels WHERE arrival = ?", [(one,) for one in arrivals])
        self._store.run_many(
            "INSERT OR IGNORE INTO parcels (parcel_key, bill_no, arrival) VALUES (?, ?, ?)",
            [(key, bill, one) for one, (bill, keys) in arrivals.items() for key in keys],
        )

    def page(self, after: int, limit: int) -> dict[str, Any]:
        """The newest versions of keys with ids after that: {"documents": […], "next": id}."""
        found = self._find("id > ? ORDER BY id LIMIT ?", after, min(limit, PAGE_MAX))
        shown = [
            {
                "id": one.id,
                "type": one.type,
                "guid": one.guid,
                "state": one.state,
                "status": one.status,
                "waitsFor": one.waits_for,
                "receipt": one.echo,
                "scenarios": one.scenarios,
            }
            for one in found
        ]
        return {"documents": shown, "next": found[-1].id if found else after}

    def next_id(self) -> int:
        """The id that the next new declaration gets."""
        return int(self._store.rows("SELECT coalesce(max(id), 0) + 1 FROM documents")[0][0])

    def schedule(self, steps: Iterable[tuple[int, int, str]]) -> None:
        """Write (due, document id, name of the step)."""
        self._store.run_many("INSERT INTO steps (due, document, name) VALUES (?, ?, ?)", steps)

    def cancel_steps(self, documents: Iterable[int]) -> None:
        """Drop what was to happen to declarations that another version replaces."""
        self._store.run_many("DELETE FROM steps WHERE document = ?", [(one,) for one in documents])

    def _by(
        self, inventories: Sequence[Declared], column: str, types: Sequence[str]
    ) -> dict[str | None, dict[str, Declared]]:
        keys = {getattr(one, column) for one in inventories}
        where = f"{column} IN {_IN} AND type IN {_IN} AND state = ? ORDER BY id"
        found: dict[str | None, dict[str, Declared]] = {}
        for one in self._find(where, listed(sorted(keys)), listed(types), LIVING):
            # The match takes one payment only: the one that was declared last.
            found.setdefault(getattr(one, column), {})[BY_TYPE[one.type]] = one
        return found

    def _find(self, where: str, *values: Any) -> list[Declared]:
        return [_declared(row) for row in self._store.rows(f"{_SELECT} WHERE {where}", values)]


def business_key(kind: Kind, head: Mapping[str, str]) -> dict[str, str]:
    """The business key as the ledger shows it: official names and the texts as declared."""
    return {name: head.get(name, "") for name in kind.key}


def _declared(row: Sequence[Any]) -> Declared:
    values = list(row)
    values[_ECHO] = json.loads(values[_ECHO])
    values[_FACTS] = json.loads(values[_FACTS])
    values[_SCENARIOS] = tuple(values[_SCENARIOS].split())
    return Declared(**dict(zip(COLUMNS, values, strict=True)))


def _row(one: Declared) -> list[Any]:
    values = [getattr(one, name) for name in COLUMNS]
    values[_ECHO] = to_json(one.echo)
    values[_FACTS] = to_json(one.facts)
    values[_SCENARIOS] = " ".join(one.scenarios)
    return values
