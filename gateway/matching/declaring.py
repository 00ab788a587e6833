"""Declaring: the transaction that gives a consignment its one living inventory."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, select, update

from gateway.matching.loading import SLOTS, Loaded
from gateway.messages import MessageType
from gateway.model import Content
from gateway.ports import OutboxRow
from gateway.store import discrepancies, shipments
from gateway.store import documents as documents_store
from gateway.store.prepared import SUBMISSION
from gateway.store.queues import post
from gateway.store.tables import consignments, keys
from gateway.store.vault import Vault
from gateway.telemetry import new_id

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
COP_NO_CHARACTERS = 20
EMPTY_BODY = b'{"extension":{}}'


@dataclass(frozen=True, slots=True, kw_only=True)
class Declaration:
    """A derived inventory, ready to be stored."""

    loaded: Loaded
    type: MessageType
    document_id: str
    version: int
    app_time: datetime
    content: Content
    fragment: bytes
    key_text: str
    responsible: str
    key_profile: str
    submitted_by: str
    parties: str
    digest: str


def cop_no() -> str:
    """An own number: 20 characters, 100 random bits; the order number may be longer than 20."""
    return "".join(secrets.choice(ALPHABET) for _ in range(COP_NO_CHARACTERS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What became of declarations: outbox rows to announce, and what could not go.

    `used` gave an own number that another inventory has; `changed` are consignments that are no
    longer as they were loaded, to be looked at again.
    """

    announced: list[OutboxRow]
    used: list[Declaration]
    changed: list[str]


def declare(
    connection: Connection,
    declarations: Sequence[Declaration],
    vault: Vault,
    now: datetime,
    *,
    closing: timedelta,
) -> Declared:
    """Store the inventories of those consignments that still are as they were loaded."""
    current = _unchanged(connection, declarations)
    changed = [one.loaded.home["id"] for one in declarations]
    changed = [one for one in changed if one not in current]
    free, used = _free(
        connection, [one for one in declarations if one.loaded.home["id"] in current]
    )
    key_ids = {one.document_id: one.loaded.home["inventory_key"] or new_id() for one in free}
    taken = _take(connection, free, key_ids, now, now + closing)
    won = [one for one in free if one.document_id in taken]
    rows: dict[str, list[dict[str, Any]]] = {}
    for one in won:
        _add_rows(rows, one, key_ids[one.document_id], vault, now)
    documents_store.add(connection, rows)
    documents_store.point_key(
        connection,
        [
            {
                "key": one.loaded.home["inventory_key"],
                "document": one.document_id,
                "number": one.version,
            }
            for one in won
            if one.loaded.home["inventory_key"]
        ],
    )
    homes = [one.loaded.home["id"] for one in won]
    discrepancies.close(connection, homes, now, resolution="declared")
    shipments.mark_used(connection, [row["id"] for one in won for row in one.loaded.shipments])
    announced = post(connection, [(SUBMISSION, sorted(taken))], now)
    return Declared(announced=announced, used=used, changed=changed)


def _free(
    connection: Connection, declarations: Sequence[Declaration]
) -> tuple[list[Declaration], list[Declaration]]:
    """Those whose own number nobody has, and those that come second with theirs."""
    new = [one for one in declarations if not one.loaded.home["inventory_key"]]
    texts: dict[str, list[str]] = {}
    for one in new:
        texts.setdefault(one.type.name, []).append(one.key_text)
    known = {
        (name, row["key_text"])
        for name, wanted in texts.items()
        for row in documents_store.keys_of(connection, name, wanted)
    }
    free: list[Declaration] = []
    used: list[Declaration] = []
    for one in declarations:
        key = (one.type.name, one.key_text)
        second = not one.loaded.home["inventory_key"] and key in known
        (used if second else free).append(one)
        known.add(key)
    return free, used


def _unchanged(connection: Connection, declarations: Sequence[Declaration]) -> set[str]:
    """Consignments whose partners and shipment still are what was matched.

    Between reading and writing a receipt may have returned a partner, or the shipment changed.
    """
    ids = {row["id"] for one in declarations for row in one.loaded.documents.values()}
    wanted = [one.loaded.home[f"{slot}_key"] for one in declarations for slot in SLOTS]
    if not wanted:
        return set()
    documents_store.lock_keys(connection, wanted)
    rows = connection.execute(select(keys.c.id, keys.c.document_id).where(keys.c.id.in_(wanted)))
    newest = {row.id: row.document_id for row in rows}
    states = {row["id"]: row for row in documents_store.documents_by_id(connection, ids)}
    heads = shipments.heads_of(
        connection, {row["id"] for one in declarations for row in one.loaded.shipments}
    )
    return {
        one.loaded.home["id"]
        for one in declarations
        if all(_same(one.loaded, slot, newest, states) for slot in SLOTS)
        and all(heads.get(row["id"]) == row["head"] for row in one.loaded.shipments)
    }


def _same(
    loaded: Loaded,
    slot: str,
    newest: Mapping[str, str],
    states: Mapping[str, RowMapping],
) -> bool:
    document = loaded.documents[slot]
    now = states[document["id"]]
    newest_is_this = newest.get(loaded.home[f"{slot}_key"]) == document["id"]
    return newest_is_this and bool(now["authority_status"] == document["authority_status"])


def _take(
    connection: Connection,
    wanted: Sequence[Declaration],
    key_ids: Mapping[str, str],
    now: datetime,
    due_at: datetime,
) -> set[str]:
    """Set the living inventory where none lives; the documents that got their place."""
    if not wanted:
        return set()
    connection.execute(
        update(consignments)
        .where(
            consignments.c.id == bindparam("row"),
            consignments.c.living_inventory.is_(None),
            consignments.c.state == bindparam("before"),
            # The state may have come back to what it was: declared and turned down meanwhile.
            consignments.c.matched_versions.is_not_distinct_from(bindparam("seen")),
        )
        .values(
            living_inventory=bindparam("document"),
            inventory_key=bindparam("key"),
            matched_versions=bindparam("versions"),
            state="declared",
            due_at=due_at,
            updated_at=now,
        ),
        [
            {
                "row": one.loaded.home["id"],
                "before": one.loaded.home["state"],
                "seen": one.loaded.home["matched_versions"],
                "document": one.document_id,
                "key": key_ids[one.document_id],
                "versions": one.loaded.versions,
            }
            for one in wanted
        ],
    )
    return set(
        connection.execute(
            select(consignments.c.living_inventory).where(
                consignments.c.living_inventory.in_([one.document_id for one in wanted])
            )
        ).scalars()
    )


def _add_rows(
    rows: dict[str, list[dict[str, Any]]],
    one: Declaration,
    key_id: str,
    vault: Vault,
    now: datetime,
) -> None:
    home = one.loaded.home
    if not home["inventory_key"]:
        rows.setdefault("keys", []).append(
            {
                "id": key_id,
                "type": one.type.name,
                "key_text": one.key_text,
                "generation": 1,
                "document_id": one.document_id,
                "version": one.version,
            }
        )
    correlation = one.loaded.documents["order"]["correlation"]
    rows.setdefault("documents", []).append(
        {
            "id": one.document_id,
            "key_id": key_id,
            "type": one.type.name,
            "kind": one.type.row.kind,
            "key_text": one.key_text,
            "version": one.version,
            "app_type": one.content.head["appType"],
            "app_time": one.app_time,
            "consignment_id": home["id"],
            "submitted_by": one.submitted_by,
            "responsible": one.responsible,
            "key_profile": one.key_profile,
            "parties": one.parties,
            "content_digest": one.digest,
            "buyer_hash": one.loaded.documents["order"]["buyer_hash"],
            "sealed_body": vault.seal(one.document_id, EMPTY_BODY),
            "sealed_fragment": vault.seal(one.document_id, one.fragment),
            "data_key": vault.key_id,
            "correlation": correlation,
            "created_at": now,
        }
    )
    rows.setdefault("document_state", []).append(
        {"document_id": one.document_id, "local_state": "accepted", "updated_at": now}
    )
    rows.setdefault("events", []).append(
        {
            "at": now,
            "name": "derived",
            "document_id": one.document_id,
            "consignment_id": home["id"],
            "state": "accepted",
            "detail": {"from": one.loaded.versions},
            "correlation": correlation,
        }
    )
