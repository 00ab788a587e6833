"""What follows from new entries: states, discrepancies, consignments, answered messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from gateway.lifecycle import CONSIGNMENT, AuthorityState, Entry, authority_state
from gateway.messages import Catalogue
from gateway.messages.versions import TURNED_DOWN
from gateway.ports import OutboxRow
from gateway.reconciliation.matched import Matched
from gateway.store import consignments as consignments_store
from gateway.store import discrepancies
from gateway.store import documents as documents_store
from gateway.store import messages as messages_store
from gateway.store import receipts as statements
from gateway.store.queues import post

MATCHING = "matching"
PARTNERS = ("order", "payment", "waybill")
INVENTORY_EVENTS = {"released": "release", "closed": "close", "sent_back": "send_back"}
"""Authority state of the living inventory to the event of its consignment."""


@dataclass(slots=True)
class Outcome:
    """What the caller must do after the commit, and which keys were answered."""

    announced: list[OutboxRow] = field(default_factory=list)
    paused: list[str] = field(default_factory=list)
    answered_keys: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Moved:
    """A document whose computed state differs from the stored one."""

    row: RowMapping
    state: AuthorityState
    codes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """Draws the consequences of a batch of entries inside its transaction."""

    catalogue: Catalogue
    pause: Callable[[str], Awaitable[None]]
    """Pauses a key profile whose signature or certificate was refused."""

    def draw(self, connection: Connection, matched: Sequence[Matched], now: datetime) -> Outcome:
        """Compute the states of all documents concerned and write what follows."""
        outcome = Outcome()
        ids = {one.document["id"] for one in matched if one.document}
        rows = documents_store.documents_by_id(connection, ids)
        entries = statements.entries_of(connection, ids)
        moved = [one for row in rows if (one := self._compute(row, entries[row["id"]]))]
        documents_store.set_authority_state(
            connection,
            [
                {
                    "row": one.row["id"],
                    "state": one.state.state,
                    "status": one.state.status,
                    "final": one.state.final,
                    "at": now,
                }
                for one in moved
            ],
        )
        self._record(connection, moved, now)
        self._discrepancies(connection, moved, now)
        self._settle_messages(connection, rows, now)
        outcome.paused = self._refused_keys(moved)
        outcome.answered_keys = [one.row["key_id"] for one in moved]
        outcome.announced = self._consignments(connection, moved, now)
        return outcome

    def _compute(self, row: RowMapping, entries: Sequence[RowMapping]) -> _Moved | None:
        type_row = self.catalogue.type(row["type"]).row
        known = []
        for entry in entries:
            status = type_row.status(entry["status"])
            known_there = entry["status"] in (*type_row.duplicates, *type_row.older)
            again = known_there and entry["attempts_before"] > 1
            if status.state:
                known.append(
                    Entry(
                        status=entry["status"],
                        at=entry["return_time"],
                        outcome=type_row.status("2") if again else status,
                        repeated=again,
                    )
                )
        state = authority_state(known)
        if state is None:
            return None
        same = (row["authority_state"], row["authority_status"]) == (state.state, state.status)
        newest = max(entries, key=lambda entry: entry["return_time"])
        return None if same else _Moved(row, state, tuple(newest["codes"]))

    def _record(self, connection: Connection, moved: Sequence[_Moved], now: datetime) -> None:
        documents_store.add(
            connection,
            {
                "events": [
                    {
                        "at": now,
                        "name": "receipt",
                        "document_id": one.row["id"],
                        "consignment_id": one.row["consignment_id"],
                        "state": one.state.state,
                        "detail": {"status": one.state.status, "codes": list(one.codes)},
                        "correlation": one.row["correlation"],
                    }
                    for one in moved
                ]
            },
        )

    def _discrepancies(
        self, connection: Connection, moved: Sequence[_Moved], now: datetime
    ) -> None:
        """Open what a state calls for; what an earlier state or version called for is over."""
        openings = []
        for one in moved:
            codes = [one.state.discrepancy] if one.state.discrepancy else []
            codes += ["contradiction"] if one.state.contradicted else []
            openings += [
                discrepancies.Opening(
                    code=code,
                    subject_kind="document",
                    subject_id=one.row["id"],
                    consignment_id=one.row["consignment_id"],
                    document_id=one.row["id"],
                    parties=one.row["parties"],
                    detail={
                        "status": one.state.status,
                        "codes": list(one.codes),
                        "kind": one.row["kind"],
                    },
                )
                for code in codes
            ]
        versions = documents_store.versions_of(connection, {one.row["key_id"] for one in moved})
        subjects = [row["id"] for rows in versions.values() for row in rows]
        keep = [(one.subject_id, one.code) for one in openings]
        discrepancies.close(connection, subjects, now, resolution="receipt", keep=keep)
        discrepancies.open_all(connection, openings, now)

    def _settle_messages(
        self, connection: Connection, rows: Sequence[RowMapping], now: datetime
    ) -> None:
        """A message whose documents are all answered is not sent again."""
        ids = {row["message_id"] for row in rows if row["message_id"]}
        settled = sorted(ids - messages_store.unanswered(connection, ids))
        messages_store.schedule(connection, [{"row": one, "at": None} for one in settled])
        discrepancies.close(connection, settled, now, resolution="receipt")

    def _refused_keys(self, moved: Sequence[_Moved]) -> list[str]:
        return list(
            dict.fromkeys(
                one.row["key_profile"]
                for one in moved
                if one.state.status in self.catalogue.type(one.row["type"]).row.signature_codes
            )
        )

    def _consignments(
        self, connection: Connection, moved: Sequence[_Moved], now: datetime
    ) -> list[OutboxRow]:
        """Move the consignments of inventories; wake matching for those of partners."""
        wake = dict.fromkeys(
            one.row["consignment_id"]
            for one in moved
            if one.row["kind"] in PARTNERS and one.row["consignment_id"]
        )
        declared = {one.row["id"]: one for one in moved if one.row["kind"] == "inventory"}
        homes = consignments_store.consignments_by_id(
            connection, {one.row["consignment_id"] for one in declared.values()}
        )
        for home in homes:
            one = declared.get(home["living_inventory"] or "")
            if one is not None:
                _move_home(connection, home, one.state, now)
                if one.state.state in TURNED_DOWN:
                    wake[home["id"]] = None
        return post(connection, [(MATCHING, list(wake))], now)


def _move_home(
    connection: Connection, home: RowMapping, state: AuthorityState, now: datetime
) -> None:
    """The consignment follows its living inventory; turned down, the inventory lives no more.

    What the table does not know (a return after release) moves nothing: the document's own
    discrepancy shows it to a person.
    """
    down = state.state in TURNED_DOWN
    happened = "hold" if down else INVENTORY_EVENTS.get(state.state, "")
    following = CONSIGNMENT[home["state"]].get(happened)
    if following is None:
        return
    if down:
        changes: dict[str, object] = {"row": home["id"], "living_inventory": None, "due_at": None}
        consignments_store.set_consignment(connection, [changes])
    elif state.final:
        consignments_store.set_consignment(connection, [{"row": home["id"], "due_at": None}])
    consignments_store.move_consignment(
        connection, home["id"], old=home["state"], new=following, at=now
    )
