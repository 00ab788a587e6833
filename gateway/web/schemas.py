"""The shapes of answers as JSON Schemas, for the OpenAPI document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gateway.errors import PROBLEMS_MAX

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
COUNT: Json = {"type": "integer", "minimum": 0}
STATUS: Json = {"type": "integer"}
TIME: Json = {"type": "string", "format": "date-time"}
FLAG: Json = {"type": "boolean"}
MAYBE: Json = {"type": ["string", "null"]}
OBJECT: Json = {"type": "object"}
KEY: Json = {"type": "object", "additionalProperties": TEXT}


def _object(required: Mapping[str, Json], **optional: Json) -> Json:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": sorted(required),
    }


def _list(items: Json, **bounds: int) -> Json:
    return {"type": "array", "items": items, **bounds}


def _texts(*names: str) -> Json:
    return dict.fromkeys(names, TEXT)


_PAGE: Json = {"next": MAYBE, "more": FLAG}
_REGISTERED: Json = {"kind": TEXT, "key": KEY, "version": COUNT, "repeated": FLAG}
_ACCEPTED: Json = {"id": TEXT, **_REGISTERED, "state": TEXT}
_RECORD: Json = _object(
    {"kind": TEXT, "key": KEY, "version": COUNT, "valid_from": TIME, "body": OBJECT}, paused=FLAG
)
_PROBLEM: Json = _object(_texts("path", "field", "code", "zh", "en"), value=MAYBE)
_DISCREPANCY: Json = _object(
    {
        **_texts("id", "code", "state", "zh", "en"),
        "subject": _object(_texts("kind", "id")),
        "next": _object(_texts("zh", "en")),
        "detail": OBJECT,
        "opened_at": TIME,
    },
    consignment_id=MAYBE,
    document_id=MAYBE,
    closed_at=MAYBE,
    resolution=MAYBE,
)
_EVENT: Json = _object({"at": TIME, "name": TEXT}, state=MAYBE, detail={}, document_id=MAYBE)
_RECEIPT: Json = _object(
    {
        **_texts("type", "status"),
        "return_time": TIME,
        "codes": _list(TEXT),
        "meanings": _list(_object(_texts("code", "zh", "en"))),
        "numbers": OBJECT,
        "received_at": TIME,
    },
    info=MAYBE,
)

SCHEMAS: Json = {
    "Problem": _object(
        {**_texts("type", "title", "code", "zh", "en"), "status": STATUS},
        id=TEXT,
        differences=_list(_object(_texts("path"))),
        problems=_list(_PROBLEM, maxItems=PROBLEMS_MAX),
    ),
    "Accepted": _object(_ACCEPTED),
    "Registered": _object(_REGISTERED),
    "Results": _object(
        {
            "accepted": COUNT,
            "repeated": COUNT,
            "refused": COUNT,
            "results": _list(_object({"index": COUNT, "status": STATUS})),
        }
    ),
    "Document": _object(
        {
            **_ACCEPTED,
            "created_at": TIME,
            "body": OBJECT,
            "versions": _list(
                _object({**_texts("id", "state"), "version": COUNT, "created_at": TIME})
            ),
            "receipts": _list(_RECEIPT),
            "events": _list(_EVENT),
        },
        consignment_id=MAYBE,
    ),
    "Consignment": _object(
        {
            **_texts("id", "direction", "ebpCode", "ebcCode", "orderNo", "state"),
            "created_at": TIME,
            "updated_at": TIME,
            "documents": _list(OBJECT),
            "events": _list(_EVENT),
            "rules": _list(_object(_texts("code", "state", "severity"))),
            "tax": {"type": "null"},
            "discrepancies": _list(_DISCREPANCY),
        },
        mode=MAYBE,
    ),
    "Changes": _object(
        {
            "changes": _list(
                _object(
                    {
                        **_texts("cursor", "document_id", "kind", "state"),
                        "key": KEY,
                        "version": COUNT,
                        "at": TIME,
                    }
                )
            ),
            **_PAGE,
        }
    ),
    "Discrepancies": _object({"discrepancies": _list(_DISCREPANCY), **_PAGE}),
    "Record": _RECORD,
    "Page": _object({"records": _list(_RECORD), **_PAGE}),
    "ApiKeyIssued": _object(_texts("id", "prefix", "role", "enterprise", "token")),
    "ApiKeys": _object(
        {
            "api_keys": _list(
                _object(
                    {**_texts("id", "prefix", "role", "enterprise"), "created_at": TIME},
                    revoked_at=MAYBE,
                )
            ),
            **_PAGE,
        }
    ),
    "Resumed": _object({"profile": TEXT, "resumed": FLAG}),
}
"""Every schema by its name in the document."""
