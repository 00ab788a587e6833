"""The transaction of the door: a group of prepared documents becomes durable, or none of it does.

Equal keys inside a group are resolved by rounds: the second of a pair is decided after the first
is in, exactly as if it had come later. Equal keys of two groups that are written at once, in two
processes even, are resolved by the rows of their keys: who holds the row decides first.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, RowMapping

from gateway.messages import MessageType
from gateway.messages.typed import differing_paths
from gateway.messages.versions import NEW, TURNED_DOWN, Decision, decide
from gateway.model import Decoded
from gateway.ports import OutboxRow
from gateway.store import consignments as homes
from gateway.store import documents as statements
from gateway.store import tables
from gateway.store.consignments import ConsignmentKey
from gateway.store.joining import joined
from gateway.store.prepared import (
    ARRIVALS,
    SUBMISSION,
    Accepted,
    Accepting,
    Prepared,
    Reference,
    document_rows,
    known_version,
    stored_content,
)
from gateway.store.queues import post
from gateway.store.racing import take
from gateway.store.slots import fill_slots
from gateway.telemetry import new_id

DIFFERENCES_MAX = 25
"""How many differing paths a 409 lists."""


class _Round:
    """One pass over documents with distinct keys: read in bulk, decide, write in bulk."""

    def __init__(
        self, connection: Connection, accepting: Accepting, group: Sequence[Prepared]
    ) -> None:
        self.connection = connection
        self.accepting = accepting
        self.group = group
        self.rows: dict[str, list[dict[str, Any]]] = {}
        self.moved_keys: list[dict[str, Any]] = []
        self.replaced: list[str] = []
        self.ready: list[str] = []
        self.arrivals: list[str] = []
        self.joined: dict[str, str] = {}
        self.earlier: dict[str, dict[str, Any]] = {}

    def run(self) -> Accepted:
        """Decide every document, then write all rows."""
        keys = self._keys()
        known = [row["id"] for row in keys.values() if not row.get("made")]
        history = statements.versions_of(self.connection, known)
        self.joined = joined(self.connection, self.group)
        self._load_earlier(history)
        versions = {
            one.document_id: history.get(keys[one.type.name, one.key_text]["id"], [])
            for one in self.group
        }
        named = {one.document_id: self._named(one, versions[one.document_id]) for one in self.group}
        consignments = self._consignments(named)
        answers = []
        for one in self.group:
            home = named[one.document_id]
            consignment = consignments[home] if home else None
            before = versions[one.document_id]
            decision = self._decide(one, before, consignment)
            if decision.action == "version" and consignment is not None:
                self._leave(one, before, consignment)
            key = keys[one.type.name, one.key_text]
            answers.append(self._apply(one, decision, key, consignment))
        self._write(consignments)
        return Accepted(answers=answers, announced=self._announce())

    def _keys(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The business keys of the group, the missing ones made."""
        made = {
            (one.type.name, one.key_text): {
                "id": new_id(),
                "type": one.type.name,
                "key_text": one.key_text,
                "generation": 1,
                "document_id": one.document_id,
                "version": 1,
            }
            for one in self.group
        }
        made = {name: made[name] for name in sorted(made)}
        return take(self.connection, tables.keys, made, statements.take_keys)

    def _load_earlier(self, history: Mapping[str, Sequence[RowMapping]]) -> None:
        """The consignments that earlier versions belong to."""
        ids = {row["consignment_id"] for rows in history.values() for row in rows}
        wanted = sorted(one for one in ids if one)
        found = homes.consignments_by_id(self.connection, wanted)
        self.earlier = {row["id"]: dict(row) for row in found}

    def _named(self, one: Prepared, versions: Sequence[RowMapping]) -> ConsignmentKey | None:
        """The consignment that a document belongs to.

        A waybill that names no platform stays with the order to which it was attached.
        """
        if one.reference is None:
            return None
        last = self.earlier.get(versions[-1]["consignment_id"] or "") if versions else None
        if last and not one.reference.ebp_code and last["order_no"] == one.reference.order_no:
            return replace(one.reference, ebp_code=last["ebp_code"]).key
        return one.reference.key

    def _leave(
        self, one: Prepared, versions: Sequence[RowMapping], home: Mapping[str, Any]
    ) -> None:
        """A document that names another order now leaves its place in the old one."""
        last = self.earlier.get(versions[-1]["consignment_id"] or "") if versions else None
        if last is not None and last["id"] != home["id"] and one.reference is not None:
            last.setdefault("left", {})[one.reference.slot] = versions[-1]["key_id"]

    def _consignments(
        self, named: Mapping[str, ConsignmentKey | None]
    ) -> dict[ConsignmentKey, dict[str, Any]]:
        """The consignments of the group, the missing ones made."""
        made: dict[ConsignmentKey, dict[str, Any]] = {}
        for one in self.group:
            key = named[one.document_id]
            if one.reference and key and key not in made:
                made[key] = self._new_consignment(one, one.reference)
        made = {key: made[key] for key in sorted(made)}
        return take(self.connection, tables.consignments, made, homes.take_consignments)

    def _new_consignment(self, one: Prepared, reference: Reference) -> dict[str, Any]:
        return {
            "id": new_id(),
            "direction": reference.direction,
            "ebp_code": reference.ebp_code,
            "ebc_code": "",
            "order_no": reference.order_no,
            "mode": reference.mode,
            "state": "collecting",
            "living_inventory": None,
            "due_at": one.moment + self.accepting.collecting,
            "created_at": one.moment,
            "updated_at": one.moment,
        }

    def _decide(
        self, one: Prepared, history: Sequence[RowMapping], consignment: dict[str, Any] | None
    ) -> Decision:
        if not history:
            return Decision(action="version", app_time=one.moment)
        known = [known_version(row) for row in history]
        frozen = self._frozen(one, history, consignment)
        return decide(known, one.digest, one.moment, frozen=frozen)

    def _frozen(
        self,
        one: Prepared,
        history: Sequence[RowMapping],
        consignment: Mapping[str, Any] | None,
    ) -> bool:
        """Whether an inventory declared with this document lives, here or where it was before."""
        if one.type.row.kind == "arrival":
            return any(
                row["authority_final"] and row["authority_state"] not in TURNED_DOWN
                for row in history
            )
        concerned = [consignment, *(self.earlier.get(row["consignment_id"]) for row in history)]
        return any(home is not None and home["living_inventory"] for home in concerned)

    def _apply(
        self,
        one: Prepared,
        decision: Decision,
        key: Mapping[str, Any],
        consignment: dict[str, Any] | None,
    ) -> dict[str, Any]:
        if decision.action == "conflict":
            return self._conflict(one, decision)
        if decision.action == "version":
            self._store(one, decision, key, consignment)
        repeated = decision.action == "repeat"
        return {
            "status": 202,
            "id": decision.document_id if repeated else one.document_id,
            "kind": one.type.row.kind,
            "key": dict(zip(one.submitted.row.key, json.loads(one.key_text), strict=True)),
            "version": decision.version,
            "state": "accepted",
            "repeated": repeated,
        }

    def _conflict(self, one: Prepared, decision: Decision) -> dict[str, Any]:
        before = self._stored(one.submitted, decision.document_id)
        after = Decoded(one.content, one.extension)
        paths = differing_paths(one.submitted, before, after, most=DIFFERENCES_MAX)
        return {
            "status": 409,
            "code": "D-conflict",
            "id": decision.document_id,
            "zh": "同一业务主键已有不同内容，且清单已申报，不能再改。",
            "en": "This key already carries other content and its declaration has gone out.",
            "differences": [{"path": path} for path in paths],
        }

    def _stored(self, type_: MessageType, document_id: str) -> Decoded:
        (row,) = statements.documents_by_id(self.connection, [document_id])
        return stored_content(self.accepting.vault, type_, row)

    def _store(
        self,
        one: Prepared,
        decision: Decision,
        key: Mapping[str, Any],
        consignment: dict[str, Any] | None,
    ) -> None:
        later = not key.get("made") or decision.app_type != NEW
        app_time = decision.app_time or one.moment
        fragment = one.fragment
        if later and fragment is not None:
            fragment = self.accepting.rewrite(
                one.type, one.content, one.document_id, decision.app_type, app_time
            )
        waits = decision.waits or fragment is None
        key_id = key["id"]
        if not key.get("made"):
            self.moved_keys.append(
                {"key": key_id, "document": one.document_id, "number": decision.version}
            )
        rows = document_rows(
            replace(one, fragment=None if waits else fragment),
            decision,
            self.accepting.vault,
            key_id=key_id,
            consignment_id=consignment["id"] if consignment else self.joined.get(one.document_id),
        )
        for table, row in rows.items():
            self.rows.setdefault(table, []).append(row)
        if decision.replaces:
            self.replaced.append(decision.replaces)
        if consignment is not None and one.reference is not None:
            consignment.setdefault("filled", {})[one.reference.slot] = (key_id, one.reference.mode)
        if fragment is None:
            self.arrivals.append(one.document_id)
        elif not waits:
            self.ready.append(one.document_id)

    def _announce(self) -> list[OutboxRow]:
        batches = [(SUBMISSION, self.ready), (ARRIVALS, self.arrivals)]
        return post(self.connection, batches, self.group[0].moment)

    def _write(self, consignments: Mapping[ConsignmentKey, dict[str, Any]]) -> None:
        moment = self.group[0].moment
        statements.add(self.connection, self.rows)
        statements.point_key(self.connection, self.moved_keys)
        statements.move(self.connection, "replace", self.replaced, at=moment)
        every = [*consignments.values(), *self.earlier.values()]
        fill_slots(self.connection, every, moment)


def accept(connection: Connection, accepting: Accepting, group: Sequence[Prepared]) -> Accepted:
    """Store a group in one transaction (the caller's); answers as in the HTTP contract."""
    answers: list[dict[str, Any] | None] = [None] * len(group)
    announced: list[OutboxRow] = []
    pending = list(enumerate(group))
    while pending:
        seen: set[tuple[str, str]] = set()
        turn: list[tuple[int, Prepared]] = []
        later: list[tuple[int, Prepared]] = []
        for place, one in pending:
            key = (one.type.name, one.key_text)
            (later if key in seen else turn).append((place, one))
            seen.add(key)
        found = _Round(connection, accepting, [one for _, one in turn]).run()
        for (place, _), answer in zip(turn, found.answers, strict=True):
            answers[place] = answer
        announced += found.announced
        pending = later
    return Accepted(answers=[one for one in answers if one is not None], announced=announced)
