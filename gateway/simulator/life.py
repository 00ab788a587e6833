"""The life of what was taken; all that is to happen later stands in the store with its time.

Order, payment and waybill: 2, 120. Inventory: 2, 120, 800, 899. Arrival: 2, 399. The status of a
waybill: 2, 120 by itself. The inventory drives the match: it waits until its partners are there
(M01-M03), is compared with them, and gives them their 120; a parcel of direct purchase is released
only when it stands in an accepted arrival of the same bill.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime

from gateway.simulator.documents import (
    LIVING,
    PARCEL,
    PARTNERS,
    RETURNED,
    Declared,
    Documents,
    listed,
)
from gateway.simulator.entries import Entries
from gateway.simulator.kinds import RETURN_INFO_MAX, Kinds
from gateway.simulator.ledger import Ledger
from gateway.simulator.rules import DIRECT, disagreements, missing
from gateway.simulator.store import Store
from gateway.telemetry import SHANGHAI

STEPS_MAX = 2000
"""Steps of one transaction."""
PASSED = "[Code:1800;Desc:逻辑校验通过]"
RELEASED = "[Code:2600;Desc:放行]"
ACCEPTED = "[Code:2300;Desc:审核通过]"
CLOSED = "结关"
LETTERS: Mapping[str, str] = {"inventory": "B", "arrival": "R"}
"""The letter of preNo."""

Later = list[tuple[int, int, str]]


class Life:
    """Moves declarations; every call is inside the caller's transaction."""

    def __init__(
        self,
        store: Store,
        documents: Documents,
        entries: Entries,
        ledger: Ledger,
        kinds: Kinds,
        pace_ms: int,
    ) -> None:
        self._store = store
        self._documents = documents
        self._entries = entries
        self._ledger = ledger
        self._kinds = kinds
        self._pace_ms = pace_ms

    def begin(self, documents: Sequence[Declared], changed: set[int], now: int) -> None:
        """The first receipt of declarations of one type that were just taken.

        `changed` holds the ids of those that change a living one (appType 2).
        """
        kind = self._kinds.types[documents[0].type].kind
        self._documents.cancel_steps([one.id for one in documents])
        lacking: Sequence[Sequence[str]] = [()] * len(documents)
        later: Later = []
        if kind == "inventory":
            found = self._documents.partners(documents)
            lacking = [
                missing(one.facts, there) for one, there in zip(documents, found, strict=True)
            ]
        for one, texts in zip(documents, lacking, strict=True):
            one.status, one.waits_for = "2", PARTNERS if texts else ""
            if kind in LETTERS and "preNo" not in one.echo:
                one.echo["preNo"] = f"{LETTERS[kind]}{now:013d}{one.id % 10_000:04d}"
            done = "变更" if one.id in changed else "新增"
            info = "，".join([f"{done}申报成功[{one.guid}]", *texts])
            self._entries.give(one, "2", info, now)
            if kind == "arrival":
                later.append((now + self._pace_ms, one.id, "accept"))
            elif kind == "waybill-status":
                later.append((now + self._pace_ms, one.id, "keep"))
            elif kind == "inventory" and not texts:
                later.append((now + self._pace_ms, one.id, "check"))
        self._documents.schedule(later)
        self._documents.save(documents)
        if kind in {"order", "payment", "waybill"}:
            self._wake(documents, now)

    def send_back(self, documents: Sequence[Declared], info: str, now: int) -> None:
        """Return declarations (100); their keys may be declared again."""
        self._documents.cancel_steps([one.id for one in documents])
        for one in documents:
            self._return(one, info, now)
        self._documents.save(documents)

    def run(self, now: int) -> None:
        """Do what is due."""
        rows = self._store.rows(
            "SELECT id, document, name FROM steps WHERE due <= ? ORDER BY due, id LIMIT ?",
            (now, STEPS_MAX),
        )
        if not rows:
            return
        steps: list[tuple[str, Callable[[Sequence[Declared], int], None]]] = [
            ("check", self._check),
            ("accept", self._accept),
            ("keep", self._keep),
            ("release", self._release),
            ("close", self._close),
        ]
        for name, do in steps:
            # Each group is read after the one before was written.
            ids = [row[1] for row in rows if row[2] == name]
            if ids:
                living = [one for one in self._documents.by_ids(ids) if one.state == LIVING]
                do(living, now)
        self._store.run(
            "DELETE FROM steps WHERE id IN (SELECT value FROM json_each(?))",
            (listed(row[0] for row in rows),),
        )

    def next_due(self) -> int | None:
        """When the next step or entry is due; None when nothing is under way."""
        row = self._store.rows(
            "SELECT min(due) FROM (SELECT min(due) AS due FROM steps UNION ALL"
            " SELECT min(due) FROM entries WHERE due IS NOT NULL)"
        )[0]
        return None if row[0] is None else int(row[0])

    def _wake(self, partners: Sequence[Declared], now: int) -> None:
        """Inventories that waited for one of these partners, and lack none any more."""
        waiting = self._documents.waiting_for_partners(partners)
        if not waiting:
            return
        found = self._documents.partners(waiting)
        ready = [
            one for one, there in zip(waiting, found, strict=True) if not missing(one.facts, there)
        ]
        self._go_on(ready, "check", now)

    def _check(self, inventories: Sequence[Declared], now: int) -> None:
        """Compare with the partners: 120 for all four, or 100 for the inventory."""
        found = self._documents.partners(inventories)
        passed: list[Declared] = []
        moved: dict[int, Declared] = {one.id: one for one in inventories}
        for one, there in zip(inventories, found, strict=True):
            if missing(one.facts, there):
                one.waits_for = PARTNERS
                continue
            facts = {kind: partner.facts for kind, partner in there.items()}
            blocks = disagreements(one.facts, facts)
            if blocks:
                self._return(one, "".join(blocks)[:RETURN_INFO_MAX], now)
                continue
            passed.append(one)
            one.echo["invtNo"] = _number(one, "I", now)
            for document in (*there.values(), one):
                if document.status == "2":
                    document.status = "120"
                    moved[document.id] = document
                    self._entries.give(document, "120", PASSED, now)
        arrived = self._documents.arrived(passed)
        later: Later = []
        for one in passed:
            if one.facts["mode"] == DIRECT and one.parcel_key not in arrived:
                one.waits_for = PARCEL
            else:
                later.append((now + self._pace_ms, one.id, "release"))
        self._documents.schedule(later)
        self._documents.save(moved.values())

    def _accept(self, arrivals: Sequence[Declared], now: int) -> None:
        """399, and what waited for a parcel of these arrivals goes on."""
        for one in arrivals:
            one.status = "399"
            one.echo["rkdNo"] = _number(one, "0", now)
            self._entries.give(one, "399", ACCEPTED, now)
        self._documents.save(arrivals)
        waiting = self._documents.waiting_for_parcels(one.id for one in arrivals)
        self._go_on(waiting, "release", now)

    def _keep(self, statuses: Sequence[Declared], now: int) -> None:
        """120: customs needs nothing else for the status of a waybill."""
        for one in statuses:
            one.status = "120"
            self._entries.give(one, "120", PASSED, now)
        self._documents.save(statuses)

    def _release(self, inventories: Sequence[Declared], now: int) -> None:
        for one in inventories:
            one.status = "800"
            self._entries.give(one, "800", RELEASED, now)
        self._documents.save(inventories)
        self._documents.schedule([(now + self._pace_ms, one.id, "close") for one in inventories])

    def _close(self, inventories: Sequence[Declared], now: int) -> None:
        for one in inventories:
            one.status = "899"
            self._entries.give(one, "899", CLOSED, now)
        self._documents.save(inventories)

    def _go_on(self, inventories: Sequence[Declared], step: str, now: int) -> None:
        for one in inventories:
            one.waits_for = ""
        self._documents.save(inventories)
        self._documents.schedule([(now + self._pace_ms, one.id, step) for one in inventories])

    def _return(self, document: Declared, info: str, now: int) -> None:
        document.state, document.status, document.waits_for = RETURNED, "100", ""
        self._entries.give(document, "100", info, now)
        key = {name: document.echo[name] for name in self._kinds.types[document.type].key}
        self._ledger.add_later(document, key, now)


def _number(document: Declared, letter: str, now: int) -> str:
    """18 characters: customs office, year, letter, running number (invtNo, rkdNo)."""
    year = datetime.fromtimestamp(now / 1000, SHANGHAI).year
    return f"{document.echo['customsCode']}{year}{letter}{document.id:09d}"
