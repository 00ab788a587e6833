"""Rows of the read side as the JSON of the API; personal data masked unless it is the asker's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping

from gateway.messages import Catalogue, Field, MessageType, encode, mask
from gateway.messages.discrepancy_table import meaning
from gateway.messages.keys import key_values
from gateway.store.prepared import stored_content
from gateway.store.registers import Record
from gateway.store.vault import Vault
from gateway.store.views import Changes, ConsignmentView, DocumentView
from gateway.web.queries import place_text

Json = dict[str, Any]

DIRECTIONS = {"import": "I", "export": "E"}


def document_json(view: DocumentView, catalogue: Catalogue, vault: Vault, viewer: str) -> Json:
    """A document version with its body, versions, receipts and events.

    `viewer` is the identity of the asking enterprise: the body is in clear for the enterprise
    that submitted it, the text of a receipt for the parties of the document.
    """
    row = view.row
    type_ = catalogue.type(row["type"])
    party = f"|{viewer}|" in row["parties"]
    return {
        **_accepted(row, type_),
        "repeated": False,
        "created_at": _time(row["created_at"]),
        "consignment_id": row["consignment_id"],
        "body": _body(vault, type_, row, clear=row["submitted_by"] == viewer),
        "versions": [
            {
                "id": one["id"],
                "version": one["version"],
                "state": state_of(one),
                "created_at": _time(one["created_at"]),
            }
            for one in view.versions
        ],
        "receipts": [_receipt(one, vault if party else None) for one in view.receipts],
        "events": [_event(one) for one in view.events],
    }


def consignment_json(view: ConsignmentView, catalogue: Catalogue) -> Json:
    """A consignment: its state, the documents and events that the asker may see, its findings."""
    row = view.row
    names = {short: name for name, short in DIRECTIONS.items()}
    return {
        "id": row["id"],
        "direction": names[row["direction"]],
        "ebpCode": row["ebp_code"],
        "ebcCode": row["ebc_code"],
        "orderNo": row["order_no"],
        "mode": row["mode"],
        "state": row["state"],
        "created_at": _time(row["created_at"]),
        "updated_at": _time(row["updated_at"]),
        "documents": [
            _accepted(one, catalogue.type(one["type"])) | {"created_at": _time(one["created_at"])}
            for one in view.documents
        ],
        "events": [{"document_id": one["document_id"], **_event(one)} for one in view.events],
        "discrepancies": [discrepancy_json(one) for one in view.discrepancies],
    }


def changes_json(found: Changes, catalogue: Catalogue) -> Json:
    """A page of changes; `more` says that the next page is there already."""
    return {
        "changes": [
            {
                "cursor": place_text((row["xact"], row["seq"])),
                "document_id": row["id"],
                "kind": row["kind"],
                "key": key_values(catalogue.type(row["type"]).row.key, row["key_text"]),
                "version": row["version"],
                "state": row["state"],
                "at": _time(row["at"]),
            }
            for row in found.rows
        ],
        "next": place_text(found.next),
        "more": found.more,
    }


def discrepancy_json(row: RowMapping) -> Json:
    """One entry of the reconciliation queue, with what it means and the next step."""
    told = meaning(row["code"])
    return {
        "id": row["id"],
        "code": row["code"],
        "state": row["state"],
        "subject": {"kind": row["subject_kind"], "id": row["subject_id"]},
        "consignment_id": row["consignment_id"],
        "document_id": row["document_id"],
        "zh": told.zh,
        "en": told.en,
        "next": {"zh": told.next_zh, "en": told.next_en},
        "detail": row["detail"],
        "opened_at": _time(row["opened_at"]),
        "closed_at": _time(row["closed_at"]),
        "resolution": row["resolution"],
    }


def record_json(record: Record, type_: MessageType) -> Json:
    """A record of a register, in force."""
    shown: Json = {
        "kind": record.kind,
        "key": {name: record.body[name] for name in type_.row.key if name in record.body},
        "version": record.version,
        "valid_from": _time(record.valid_from),
        "body": record.body,
    }
    return shown | {"paused": True} if record.paused else shown


def api_key_json(row: RowMapping) -> Json:
    """An API key without its secret."""
    return {
        "id": row["id"],
        "prefix": row["prefix"],
        "role": row["role"],
        "enterprise": row["enterprise"],
        "created_at": _time(row["created_at"]),
        "revoked_at": _time(row["revoked_at"]),
    }


def state_of(row: RowMapping) -> str:
    """What the authority says where it has spoken, else how far we are."""
    state: str = row["authority_state"] or row["local_state"]
    return state


def masked_body(type_: MessageType, body: Json) -> Json:
    """A body with its personal fields masked, those of its parts too."""
    schema = type_.schema
    shown = _masked(schema.head_fields, body)
    if schema.rows_name in shown:
        rows = shown[schema.rows_name]
        shown[schema.rows_name] = [_masked(schema.item_fields, row) for row in rows]
    for name, part in type_.row.extension.items():
        if part.type == "part" and name in shown:
            shown[name] = masked_body(type_.parts[part.of], shown[name])
    return shown


def _masked(fields: Iterable[Field], values: Mapping[str, Any]) -> Json:
    personal = {field.name for field in fields if field.personal}
    return {
        name: mask(value) if name in personal and isinstance(value, str) else value
        for name, value in values.items()
    }


def _accepted(row: RowMapping, type_: MessageType) -> Json:
    return {
        "id": row["id"],
        "kind": row["kind"],
        "key": key_values(type_.row.key, row["key_text"]),
        "version": row["version"],
        "state": state_of(row),
    }


def _body(vault: Vault, type_: MessageType, row: RowMapping, *, clear: bool) -> Json:
    decoded = stored_content(vault, type_, row)
    body = encode(type_, decoded.content)
    if row["sealed_fragment"] is None:
        # Nothing is written yet: this is the record as it came, of whatever type it is.
        items = [dict(item) for item in decoded.content.items]
        body = dict(decoded.content.head) | ({type_.schema.rows_name: items} if items else {})
    body |= decoded.extension
    return body if clear else masked_body(type_, body)


def _receipt(row: RowMapping, vault: Vault | None) -> Json:
    """A receipt entry; its text may name persons, so it is shown to the parties alone."""
    info = None
    if vault is not None and row["sealed_info"] is not None:
        info = vault.open(row["id"], row["sealed_info"], row["data_key"]).decode()
    return {
        "type": row["type"],
        "status": row["status"],
        "return_time": _time(row["return_time"]),
        "codes": row["codes"],
        "numbers": row["numbers"],
        "info": info,
        "received_at": _time(row["received_at"]),
    }


def _event(row: RowMapping) -> Json:
    return {
        "at": _time(row["at"]),
        "name": row["name"],
        "state": row["state"],
        "detail": row["detail"],
    }


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds") if moment else None


def cursor_of(key: Iterable[str]) -> str:
    """The cursor behind a record of a register: its key as JSON."""
    return json.dumps(list(key), ensure_ascii=False, separators=(",", ":"))
