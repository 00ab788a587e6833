"""A document that passed the door and is not stored yet; and how a stored one is read back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from gateway.messages import MessageType, read_fragments
from gateway.messages.versions import Decision, Known
from gateway.model import Content, Decoded
from gateway.ports import OutboxRow
from gateway.store.consignments import ConsignmentKey
from gateway.store.vault import Vault

SUBMISSION = "submission"
ARRIVALS = "arrivals"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The consignment of a document and its slot there: order, payment or waybill."""

    direction: str
    ebp_code: str
    order_no: str
    slot: str
    mode: str | None = None

    @property
    def key(self) -> ConsignmentKey:
        """The key of the consignment; import knows no ebcCode in it."""
        return ConsignmentKey(
            direction=self.direction, ebp_code=self.ebp_code, ebc_code="", order_no=self.order_no
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A checked document, not yet stored. Without a fragment it waits for what it lacks."""

    document_id: str
    type: MessageType
    submitted: MessageType
    """What the content is of: `type`, or the record of the gateway that `type` derives from."""
    content: Content
    extension: Mapping[str, Any]
    key_text: str
    digest: str
    buyer_hash: str | None
    fragment: bytes | None
    moment: datetime
    submitted_by: str
    responsible: str
    key_profile: str
    parties: str
    reference: Reference | None
    correlation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepting:
    """What the transaction needs beside the documents."""

    vault: Vault
    rewrite: Any
    """(type, content, document id, appType, moment) -> fragment, for versions after the first."""
    collecting: timedelta
    """How long a consignment may lack a partner document before it is late."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """The answers in the order of the group, and the outbox rows to announce after commit."""

    answers: list[dict[str, Any]]
    announced: list[OutboxRow]


def known_version(row: RowMapping) -> Known:
    """A row of `versions_of` as the pure rules of versions see it."""
    return Known(
        document_id=row["id"],
        version=row["version"],
        app_type=row["app_type"],
        app_time=row["app_time"],
        content_digest=row["content_digest"],
        local_state=row["local_state"],
        authority_state=row["authority_state"],
    )


def document_rows(
    one: Prepared, decision: Decision, vault: Vault, *, key_id: str, consignment_id: str | None
) -> dict[str, dict[str, Any]]:
    """What a new document puts into the tables, by table."""
    state = "waiting" if one.fragment is None else "accepted"
    sealed = vault.seal(one.document_id, one.fragment) if one.fragment is not None else None
    return {
        "documents": {
            "id": one.document_id,
            "key_id": key_id,
            "type": one.type.name,
            "kind": one.type.row.kind,
            "key_text": one.key_text,
            "version": decision.version,
            "app_type": decision.app_type,
            "app_time": decision.app_time or one.moment,
            "consignment_id": consignment_id,
            "submitted_by": one.submitted_by,
            "responsible": one.responsible,
            "key_profile": one.key_profile,
            "parties": one.parties,
            "content_digest": one.digest,
            "buyer_hash": one.buyer_hash,
            "sealed_body": vault.seal(one.document_id, _body(one)),
            "sealed_fragment": sealed,
            "data_key": vault.key_id,
            "correlation": one.correlation,
            "created_at": one.moment,
        },
        "document_state": {
            "document_id": one.document_id,
            "local_state": state,
            "updated_at": one.moment,
        },
        "events": {
            "at": one.moment,
            "name": "accepted",
            "document_id": one.document_id,
            "consignment_id": consignment_id,
            "state": state,
            "correlation": one.correlation,
        },
    }


def _body(one: Prepared) -> bytes:
    """The submitted record; its content too as long as no fragment holds it."""
    body: dict[str, Any] = {"extension": dict(one.extension)}
    if one.fragment is None:
        body["head"] = dict(one.content.head)
        body["items"] = [dict(item) for item in one.content.items]
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def stored_content(vault: Vault, type_: MessageType, row: RowMapping) -> Decoded:
    """What was submitted for a stored document."""
    body = json.loads(vault.open(row["id"], row["sealed_body"], row["data_key"]))
    if "head" in body:
        content = Content(body["head"], tuple(body["items"]))
    else:
        fragment = vault.open(row["id"], row["sealed_fragment"], row["data_key"])
        (content,) = read_fragments(type_, [fragment])
    return Decoded(content, body["extension"])
