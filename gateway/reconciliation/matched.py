"""Matching receipt entries to document versions, in bulk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, RowMapping

from gateway.lifecycle import Version, version_of
from gateway.reconciliation.reading import ReadEntry
from gateway.store import documents as documents_store
from gateway.store import messages as messages_store
from gateway.store import receipts as statements
from gateway.store.numbers import keys_by_number
from gateway.telemetry import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """An entry that is new, and the document version it speaks of; None for an unknown key."""

    id: str
    receipt: RowMapping
    digest: str
    entry: ReadEntry
    document: RowMapping | None
    attempts_before: int


def match(
    connection: Connection,
    received: Sequence[tuple[RowMapping, str, ReadEntry]],
    tolerance: timedelta,
) -> list[Matched]:
    """Find the version of each entry; entries that came before are left out."""
    first = {digest: (receipt, entry) for receipt, digest, entry in received}
    keys = _keys(connection, [entry for _, entry in first.values() if entry.answers])
    # From here on nobody else applies receipts to these keys or gives them another version, and
    # what others did is seen by every statement that follows.
    documents_store.lock_keys(connection, {key["id"] for key in keys.values()})
    known = statements.known_entries(connection, first) if first else set()
    new = {digest: pair for digest, pair in first.items() if digest not in known}
    versions = documents_store.versions_of(connection, {key["id"] for key in keys.values()})
    messages_store.lock_messages(
        connection, {row["message_id"] for rows in versions.values() for row in rows}
    )
    told = _inventories(connection, [entry for _, entry in new.values() if not entry.answers])
    attempts = messages_store.attempts_of(
        connection,
        {row["message_id"] for rows in versions.values() for row in rows if row["message_id"]},
    )
    matched = []
    for digest, (receipt, entry) in new.items():
        key = keys.get((entry.answers or "", entry.key_text, entry.own_number))
        rows = versions.get(key["id"], []) if key else told.get(entry.key_text, [])
        document = _version(rows, entry, tolerance)
        before = attempts.get(document["message_id"] or "", []) if document else []
        matched.append(
            Matched(
                id=new_id(),
                receipt=receipt,
                digest=digest,
                entry=entry,
                document=document,
                attempts_before=sum(1 for at in before if at <= receipt["received_at"]),
            )
        )
    return matched


def _keys(
    connection: Connection, entries: Sequence[ReadEntry]
) -> dict[tuple[str, str, str], RowMapping]:
    """The keys that entries name, by (type, key text, own number)."""
    found: dict[tuple[str, str, str], RowMapping] = {}
    for type_ in dict.fromkeys(entry.answers or "" for entry in entries):
        here = [entry for entry in entries if entry.answers == type_]
        rows = documents_store.keys_of(connection, type_, [entry.key_text for entry in here])
        by_text: Mapping[str, RowMapping] = {row["key_text"]: row for row in rows}
        for entry in here:
            row = by_text.get(entry.key_text)
            if row is None and not entry.complete:
                row = documents_store.key_by_number(connection, type_, entry.own_number)
            if row is not None:
                found[type_, entry.key_text, entry.own_number] = row
    return found


def _inventories(
    connection: Connection, entries: Sequence[ReadEntry]
) -> dict[str, list[RowMapping]]:
    """The versions of the inventories whose number from customs these entries name, by key text."""
    keys = keys_by_number(connection, {entry.own_number for entry in entries})
    versions = documents_store.versions_of(connection, set(keys.values()))
    return {
        entry.key_text: versions[keys[entry.own_number]]
        for entry in entries
        if entry.own_number in keys
    }


def _version(
    rows: Sequence[RowMapping], entry: ReadEntry, tolerance: timedelta
) -> RowMapping | None:
    chosen = version_of(
        [
            Version(document_id=row["id"], number=row["version"], first_sent_at=row["sent_at"])
            for row in rows
        ],
        named=entry.names_guid,
        at=entry.at,
        tolerance=tolerance,
    )
    return next((row for row in rows if row["id"] == chosen), None)
