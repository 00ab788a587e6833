"""What follows from new entries: states, discrepancies, consignments, answered messages."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from gateway.lifecycle import AuthorityState, Entry, authority_state
from gateway.messages import Catalogue, Row
from gateway.messages.modes import load_modes
from gateway.messages.status import return_codes
from gateway.messages.versions import TURNED_DOWN
from gateway.model import Status
from gateway.ports import OutboxRow
from gateway.reconciliation.matched import Matched
from gateway.store import consignments as consignments_store
from gateway.store import discrepancies
from gateway.store import documents as documents_store
from gateway.store import messages as messages_store
from gateway.store import receipts as statements
from gateway.store.homes import settle_home
from gateway.store.queues import post

MATCHING = "matching"
NOT_ACCEPTED = "not_accepted"
"""The discrepancy of a consignment whose partner document got no answer in time."""
PARTNERS = ("order", "payment", "waybill")
UNCLEAR = Status(state="unclear", rank=0)
"""The state of a document of which nothing is known but a status outside every table."""


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
    unclear: bool
    """The newest status is one that nobody knows."""

    @property
    def openings(self) -> list[str]:
        """The discrepancies that the state calls for."""
        failing = any(
            code in return_codes() and return_codes()[code].failure for code in self.codes
        )
        accepted = self.state.status in load_modes().accepted_statuses
        found = {
            self.state.discrepancy: bool(self.state.discrepancy),
            "contradiction": self.state.contradicted,
            "unknown_status": self.unclear,
            "failure_code": failing and accepted and self.row["kind"] in PARTNERS,
        }
        return [code for code, calls in found.items() if calls]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequences:
    """Draws the consequences of a batch of entries inside its transaction."""

    catalogue: Catalogue
    pause: Callable[[str], Awaitable[None]]
    """Pauses a key profile whose signature or certificate was refused."""
    signature_codes: frozenset[str] = frozenset()
    """Codes with which a whole message is refused for that."""

    def draw(self, connection: Connection, matched: Sequence[Matched], now: datetime) -> Outcome:
        """Compute the states of all documents concerned and write what follows."""
        outcome = Outcome()
        ids = {one.document["id"] for one in matched if one.document}
        rows = documents_store.documents_by_id(connection, ids)
        entries = statements.entries_of(connection, ids)
        new = {one.id for one in matched}
        moved = [one for row in rows if (one := self._compute(row, entries[row["id"]], new))]
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
        outcome.paused = self._refused_keys(connection, moved)
        outcome.answered_keys = [one.row["key_id"] for one in moved]
        outcome.announced = self._consignments(connection, moved, now)
        return outcome

    def _compute(
        self, row: RowMapping, entries: Sequence[RowMapping], new: Collection[str]
    ) -> _Moved | None:
        """The state of all entries; None when nothing is new and nothing contradicts it."""
        type_row = self.catalogue.type(row["type"]).row
        state = authority_state(_entry(type_row, one) for one in entries)
        if state is None:
            return None
        same = (row["authority_state"], row["authority_status"]) == (state.state, state.status)
        codes, unclear = _newest(type_row, entries)
        # The same status may come again without the failure code that it carried before.
        same = same and (codes, unclear) == _newest(
            type_row, [entry for entry in entries if entry["id"] not in new]
        )
        if same and not state.contradicted and not unclear:
            return None
        return _Moved(row, state, codes, unclear=unclear)

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
                for code in one.openings
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

    def _refused_keys(self, connection: Connection, moved: Sequence[_Moved]) -> list[str]:
        """The key profiles that signed what was refused for its signature."""
        messages = {one.row["message_id"] for one in moved if self._for_signature(one)}
        rows = messages_store.messages_by_id(connection, sorted(one for one in messages if one))
        return list(dict.fromkeys(row["key_profile"] for row in rows))

    def _for_signature(self, one: _Moved) -> bool:
        return one.state.status in self.catalogue.type(one.row["type"]).row.signature_codes

    def _consignments(
        self, connection: Connection, moved: Sequence[_Moved], now: datetime
    ) -> list[OutboxRow]:
        """Move the consignments of inventories; wake matching for those of partners."""
        wake = dict.fromkeys(
            one.row["consignment_id"]
            for one in moved
            if one.row["kind"] in PARTNERS and one.row["consignment_id"]
        )
        declared = [one for one in moved if one.row["kind"] == "inventory"]
        homes = {
            home["id"]: home
            for home in consignments_store.consignments_by_id(
                connection, {one.row["consignment_id"] for one in declared}
            )
        }
        for one in declared:
            # A refused signature frees nothing: the same inventory goes again with a good key.
            if not self._for_signature(one):
                settle_home(connection, homes[one.row["consignment_id"]], one.row, one.state, now)
            if one.state.state in TURNED_DOWN:
                wake[one.row["consignment_id"]] = None
        discrepancies.close(connection, list(wake), now, resolution="receipt", codes=[NOT_ACCEPTED])
        return post(connection, [(MATCHING, list(wake))], now)


def _newest(type_row: Row, entries: Sequence[RowMapping]) -> tuple[tuple[str, ...], bool]:
    """The codes of the newest entry, and whether its status is one that nobody knows."""
    if not entries:
        return (), False
    newest = max(entries, key=lambda entry: entry["return_time"])
    return tuple(newest["codes"]), not type_row.status(newest["status"]).state


def _entry(type_row: Row, entry: RowMapping) -> Entry:
    """A stored entry with its meaning.

    An answer "known already" to a repetition of ours counts as status 2, and a status that nobody
    knows as an answer without meaning: both decide only when nothing else is there.
    """
    status = type_row.status(entry["status"])
    known_there = entry["status"] in (*type_row.duplicates, *type_row.older)
    again = known_there and entry["attempts_before"] > 1
    unclear = not status.state
    return Entry(
        status="2" if again else entry["status"],
        at=entry["return_time"],
        outcome=type_row.status("2") if again else UNCLEAR if unclear else status,
        repeated=again or unclear,
    )
