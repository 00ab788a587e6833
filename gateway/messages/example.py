"""Invented values for documentation: what a field may look like, never real data."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.messages.faults import fault
from gateway.messages.rows import Extension
from gateway.messages.schema import ROW_NUMBER, Field, Group
from gateway.messages.types import MessageType
from gateway.model import Content

CANDIDATES = (
    "20260131", "20260131120000", "2026-01-31", "CEB311", "KEY_PASSWORD", "1",
)  # fmt: skip
"""Tried in turn for a field that neither the glossary nor a value list gives a value."""


def submission(message_type: MessageType) -> dict[str, Any]:
    """A record as a client may hand it in: what is required or usual, and one row."""
    schema, row = message_type.schema, message_type.row
    left_out = {*row.generated, *row.filled}
    fields = [field for field in schema.head_fields if field.name not in left_out]
    record: dict[str, Any] = {
        field.name: [value(field)] if field.repeated else value(field)
        for field in fields
        if field.required or field.example
    }
    if schema.items is not None:
        rows = [field for field in schema.items.fields if field.name != ROW_NUMBER]
        record[schema.rows_name] = [
            _values(field for field in rows if field.required or field.example)
        ]
    for name, extension in row.extension.items():
        if extension.type == "text":
            record[name] = _extension(extension)
    return record


def content(message_type: MessageType) -> Content:
    """A complete document with all required fields, as it goes to the authority."""
    schema = message_type.schema
    head = _values(field for field in schema.head_fields if field.required)
    return Content(head | dict(message_type.row.filled), _rows(schema.items))


def _rows(items: Group | None) -> tuple[dict[str, str], ...]:
    if items is None:
        return ()
    return (_values(field for field in items.fields if field.required),)


def _values(fields: Iterable[Field]) -> dict[str, str]:
    return {field.name: value(field) for field in fields}


def _extension(extension: Extension) -> str:
    return extension.default or (*extension.values, "1" * min(extension.max_length, 10))[0]


def value(field: Field) -> str:
    """A text that the field accepts, recognisable as invented; the glossary's own where it fits."""
    most = field.max_length or len(field.zh) + 2
    made = (field.example, *field.values[:1], f"{field.zh}示例", *CANDIDATES, "1" * most)
    return next(one for one in made if one and fault(field, one, "$") is None)
