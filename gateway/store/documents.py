"""Statements for documents, their keys, states and consignments; each a bulk statement."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, bindparam, insert, select, tuple_, update

from gateway.lifecycle import DOCUMENT, sources
from gateway.store.racing import lock
from gateway.store.tables import (
    consignments,
    document_state,
    documents,
    events,
    key_profiles,
    keys,
    outbox,
)

Rows = Sequence[RowMapping]

REFUSED_MAX = 10_000
"""Documents that one resumed key profile sends again at once."""


def keys_of(connection: Connection, type_: str, key_texts: Iterable[str]) -> Rows:
    """The newest generation of each of these business keys that is known."""
    wanted = list(key_texts)
    if not wanted:
        return []
    found = connection.execute(
        select(keys)
        .where(keys.c.type == type_, keys.c.key_text.in_(wanted))
        .order_by(keys.c.generation)
    ).mappings()
    newest = {row["key_text"]: row for row in found}
    return list(newest.values())


def take_keys(
    connection: Connection, wanted: Iterable[tuple[str, str]]
) -> dict[tuple[str, str], RowMapping]:
    """The newest generation of these business keys (type, key text), locked."""
    names = list(wanted)
    if not names:
        return {}
    found = connection.execute(
        select(keys)
        .where(tuple_(keys.c.type, keys.c.key_text).in_(names))
        .order_by(keys.c.id)
        .with_for_update()
    ).mappings()
    newest: dict[tuple[str, str], RowMapping] = {}
    for row in sorted(found, key=lambda row: int(row["generation"])):
        newest[row["type"], row["key_text"]] = row
    return newest


def lock_keys(connection: Connection, key_ids: Iterable[str]) -> None:
    """From now on no other transaction gives these keys a version or draws from their states."""
    lock(connection, keys.c.id, key_ids)


def key_parts(text: str) -> list[str]:
    """The values of a key text, in the order of the row's key."""
    parts: list[str] = json.loads(text)
    return parts


def key_by_number(connection: Connection, type_: str, own_number: str) -> RowMapping | None:
    """The key of a type whose last part is this number, when a receipt leaves out the code.

    Our own numbers are unique; two keys with the number mean that nobody can tell.
    """
    found = (
        connection.execute(
            select(keys).where(
                keys.c.type == type_, keys.c.key_text.endswith(f',"{own_number}"]', autoescape=True)
            )
        )
        .mappings()
        .all()
    )
    return found[0] if len(found) == 1 else None


def versions_of(connection: Connection, key_ids: Iterable[str]) -> dict[str, list[RowMapping]]:
    """All versions of these keys with their states, oldest first, by key id."""
    wanted = list(key_ids)
    if not wanted:
        return {}
    rows = connection.execute(
        select(
            documents.c.id,
            documents.c.key_id,
            documents.c.key_text,
            documents.c.type,
            documents.c.version,
            documents.c.app_type,
            documents.c.app_time,
            documents.c.content_digest,
            documents.c.consignment_id,
            documents.c.created_at,
            document_state.c.local_state,
            document_state.c.authority_state,
            document_state.c.authority_status,
            document_state.c.authority_final,
            document_state.c.message_id,
            document_state.c.sent_at,
        )
        .join(document_state, document_state.c.document_id == documents.c.id)
        .where(documents.c.key_id.in_(wanted))
        .order_by(documents.c.version)
    ).mappings()
    by_key: dict[str, list[RowMapping]] = {}
    for row in rows:
        by_key.setdefault(row["key_id"], []).append(row)
    return by_key


def documents_by_id(connection: Connection, ids: Iterable[str]) -> Rows:
    """These documents with their states, in the order of their ids."""
    wanted = list(ids)
    if not wanted:
        return []
    return (
        connection.execute(
            select(documents, document_state)
            .join(document_state, document_state.c.document_id == documents.c.id)
            .where(documents.c.id.in_(wanted))
            .order_by(documents.c.id)
        )
        .mappings()
        .all()
    )


def add(connection: Connection, rows: Mapping[str, list[dict[str, Any]]]) -> None:
    """Insert rows, table by table, each table with one statement."""
    for table in (consignments, keys, documents, document_state, events, outbox):
        if rows.get(table.name):
            connection.execute(insert(table), rows[table.name])


def point_key(connection: Connection, changes: Sequence[dict[str, Any]]) -> None:
    """Let keys name their newest version: {key, document, version} each."""
    if changes:
        connection.execute(
            update(keys)
            .where(keys.c.id == bindparam("key"))
            .values(document_id=bindparam("document"), version=bindparam("number")),
            list(changes),
        )


def move(
    connection: Connection,
    happened: str,
    ids: Sequence[str],
    *,
    at: datetime,
    **columns: Any,
) -> set[str]:
    """Apply a local event to documents in every state where it is legal; the ids it moved.

    The UPDATE names the old state, so an event that comes twice, or after another worker's,
    moves nothing.
    """
    moved: set[str] = set()
    lock(connection, document_state.c.document_id, ids)
    for old, new in sources(DOCUMENT, happened).items():
        rest = [one for one in ids if one not in moved]
        if not rest:
            break
        moved.update(
            connection.execute(
                update(document_state)
                .where(
                    and_(
                        document_state.c.document_id.in_(rest),
                        document_state.c.local_state == old,
                    )
                )
                .values(local_state=new, updated_at=at, **columns)
                .returning(document_state.c.document_id)
            ).scalars()
        )
    return moved


def set_authority_state(connection: Connection, changes: Sequence[dict[str, Any]]) -> None:
    """Write computed states: {row, state, status, final, at} each."""
    if changes:
        lock(connection, document_state.c.document_id, [one["row"] for one in changes])
        connection.execute(
            update(document_state)
            .where(document_state.c.document_id == bindparam("row"))
            .values(
                authority_state=bindparam("state"),
                authority_status=bindparam("status"),
                authority_final=bindparam("final"),
                updated_at=bindparam("at"),
            ),
            list(changes),
        )


def set_fragment(connection: Connection, changes: Sequence[dict[str, Any]]) -> None:
    """Write the fragment of waiting documents: {row, fragment, app_kind, app_at} each."""
    if changes:
        connection.execute(
            update(documents)
            .where(documents.c.id == bindparam("row"), documents.c.sealed_fragment.is_(None))
            .values(
                sealed_fragment=bindparam("fragment"),
                app_type=bindparam("app_kind"),
            ),
            list(changes),
        )


def refused_for(connection: Connection, profiles: Sequence[str], codes: Sequence[str]) -> list[str]:
    """The newest versions whose signature was refused, of the enterprises of these profiles.

    By enterprise, because a renewed key has another profile; the newest version alone, because
    an older one was corrected meanwhile.
    """
    owners = select(key_profiles.c.enterprise).where(key_profiles.c.profile.in_(list(profiles)))
    return list(
        connection.execute(
            select(documents.c.id)
            .join(document_state, document_state.c.document_id == documents.c.id)
            .join(keys, keys.c.document_id == documents.c.id)
            .where(
                documents.c.responsible.in_(owners),
                document_state.c.authority_status.in_(list(codes)),
            )
            .limit(REFUSED_MAX)
        ).scalars()
    )


def waiting_since(connection: Connection, before: datetime, limit: int) -> Rows:
    """Documents that wait for their fragment since before this time."""
    return (
        connection.execute(
            select(documents.c.id, documents.c.kind, documents.c.parties)
            .join(document_state, document_state.c.document_id == documents.c.id)
            .where(document_state.c.local_state == "waiting", documents.c.created_at < before)
            .limit(limit)
        )
        .mappings()
        .all()
    )


def waiting(connection: Connection, type_: str) -> Rows:
    """Documents of a type whose fragment is not written yet."""
    return (
        connection.execute(
            select(documents, document_state)
            .join(document_state, document_state.c.document_id == documents.c.id)
            .where(document_state.c.local_state == "waiting", documents.c.type == type_)
        )
        .mappings()
        .all()
    )
