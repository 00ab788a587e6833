"""Rows of the read side as the JSON of the API; personal data masked unless it is the asker's."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import RowMapping

from gateway.messages import Catalogue, Field, MessageType, encode, mask
from gateway.messages.discrepancy_table import Meaning, is_rule, meaning
from gateway.messages.keys import key_values
from gateway.messages.status import return_codes
from gateway.store.prepared import stored_content
from gateway.store.registers import Record
from gateway.store.vault import Vault
from gateway.store.views import Changes, ConsignmentView, DocumentView
from gateway.web.queries import place_text

Json = dict[str, Any]

QUOTED = {
    "order": "order",
    "row": "order",
    "inventory": "order",
    "goods": "order",
    "profile": "order",
    "payment": "payment",
    "waybill": "waybill",
}
"""Sources whose values a finding may quote, with the document that one must see to see them.

What is given for the inventory stands in the order; goods and profile are the business of those who
sell and declare.
"""
PARTNERS = frozenset(QUOTED.values())

DIRECTIONS = {"import": "I", "export": "E"}


def document_json(view: DocumentView, catalogue: Catalogue, vault: Vault, viewer: str) -> Json:
    """A document version with its body, versions, receipts and events.

    `viewer` is the identity of the asking enterprise: body and texts of receipts are in clear for
    the enterprise that submitted the document, and for nobody else.
    """
    row = view.row
    type_ = catalogue.type(row["type"])
    own = row["submitted_by"] == viewer
    return {
        **_accepted(row, type_),
        "repeated": False,
        "created_at": _time(row["created_at"]),
        "consignment_id": row["consignment_id"],
        "body": _body(vault, type_, row, clear=own),
        "versions": [
            {
                "id": one["id"],
                "version": one["version"],
                "state": state_of(one),
                "created_at": _time(one["created_at"]),
            }
            for one in view.versions
        ],
        "receipts": [_receipt(one, vault if own else None) for one in view.receipts],
        "events": [_event(one) for one in view.events],
    }


def consignment_json(view: ConsignmentView, catalogue: Catalogue, viewer: str | None) -> Json:
    """A consignment: its state, the documents and events that the asker may see, its findings.

    `viewer` None is the operator, who sees the (masked) values of every finding; `tax` is null
    until the gateway estimates taxes.
    """
    row = view.row
    kinds = None if viewer is None else frozenset(one["kind"] for one in view.documents)
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
        "rules": [
            {"code": one["code"], "state": one["state"], "severity": "error"}
            for one in view.discrepancies
            if is_rule(one["code"])
        ],
        "tax": None,
        "discrepancies": [discrepancy_json(one, kinds) for one in view.discrepancies],
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


def discrepancy_json(row: RowMapping, kinds: frozenset[str] | None) -> Json:
    """One entry of the reconciliation queue, with what it means and the next step.

    `kinds` are the documents of the consignment that the asker may see; None: all of them.
    """
    told = meaning(row["code"], str(row["detail"].get("kind", "")))
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
        "detail": _detail(row, told, kinds),
        "opened_at": _time(row["opened_at"]),
        "closed_at": _time(row["closed_at"]),
        "resolution": row["resolution"],
    }


def _detail(row: RowMapping, told: Meaning, kinds: frozenset[str] | None) -> Json:
    """The detail as this asker may see it: values of foreign documents stay away."""
    detail: Json = dict(row["detail"])
    if "codes" in detail:
        detail["meanings"] = _meanings(detail["codes"])
    if "findings" in detail and kinds is not None:
        detail["findings"] = [
            one
            if {QUOTED[kind] for kind in one["kinds"] if kind in QUOTED} <= kinds
            else {**one, "values": {}, "zh": told.zh, "en": told.en}
            for one in detail["findings"]
        ]
    if "problems" in detail and kinds is not None and not kinds >= PARTNERS:
        detail["problems"] = [{**one, "value": None} for one in detail["problems"]]
    return detail


def _meanings(codes: Iterable[str]) -> list[Json]:
    """What customs' codes say, as far as they are known."""
    known = return_codes()
    return [
        {"code": code, "zh": known[code].zh, "en": known[code].en}
        for code in codes
        if code in known
    ]


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
    body |= {
        name: value for name, value in decoded.extension.items() if name in type_.row.extension
    }
    return body if clear else masked_body(type_, body)


def _receipt(row: RowMapping, vault: Vault | None) -> Json:
    """A receipt entry; its text may name persons, so only the submitter sees it."""
    info = None
    if vault is not None and row["sealed_info"] is not None:
        info = vault.open(row["id"], row["sealed_info"], row["data_key"]).decode()
    return {
        "type": row["type"],
        "status": row["status"],
        "return_time": _time(row["return_time"]),
        "codes": row["codes"],
        "meanings": _meanings(row["codes"]),
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
