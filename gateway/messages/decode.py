"""From a parsed JSON record to the content of a document.

A fast pass reads what is right; only when it stumbles does an explaining pass (`explain`) walk
the record again and list what is wrong.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gateway.errors import Invalid
from gateway.messages import explain
from gateway.messages.body import NumberText, Unreadable
from gateway.messages.faults import legal
from gateway.messages.rows import Extension
from gateway.messages.schema import ROW_NUMBER, Field, Schema
from gateway.messages.types import MessageType
from gateway.model import Content, Decoded

Check = tuple[bool, int, int, Callable[[str], object] | None]
"""Whether the field is a number, least and greatest length, and what else must hold."""
UNBOUNDED = 1 << 30


@dataclass(frozen=True, slots=True)
class _Fields:
    """The checks of one group; `required` are the names a client must give."""

    checks: dict[str, Check]
    required: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Plan:
    """What decoding one message type needs, made once."""

    head: _Fields
    rows: _Fields
    rows_name: str
    rows_least: int
    rows_most: int
    beside: frozenset[str]
    """Names that may stand in the record and are no head fields."""


def decode(message_type: MessageType, record: object) -> Decoded:
    """The content and the extension of one submitted record.

    Head fields stand flat, rows in `items`; `gnum` may be left out. Constants of the row are
    filled in. Raises Invalid with up to 25 problems, each with a JSON path.
    """
    if isinstance(record, Unreadable):
        raise Invalid([record.problem])
    decoded = _decode(message_type, record)
    if decoded is None:
        raise Invalid(explain.record(message_type, record))
    return decoded


def decode_register(message_type: MessageType, record: object) -> dict[str, Any]:
    """A record of a register in its JSON shape, checked: texts, tuples of texts, lists of rows.

    Only registers have repeated texts (roles, messageTypes). Raises Invalid.
    """
    if isinstance(record, Unreadable):
        raise Invalid([record.problem])
    repeated = [field.name for field in message_type.schema.head_fields if field.repeated]
    single: object = record
    if type(record) is dict:
        single = {name: value for name, value in record.items() if name not in repeated}
    problems = explain.lists(message_type, record)
    decoded = None if problems else _decode(message_type, single)
    if decoded is None:
        raise Invalid([*problems, *explain.record(message_type, record)])
    content: dict[str, Any] = dict(decoded.content.head)
    content |= {name: tuple(record[name]) for name in repeated if name in record}  # type: ignore[index, operator]
    if decoded.content.items:
        content[message_type.schema.rows_name] = [dict(row) for row in decoded.content.items]
    return content


def encode(message_type: MessageType, content: Content) -> dict[str, Any]:
    """The JSON shape of a content: head fields flat in schema order, rows beside them."""
    schema = message_type.schema
    body: dict[str, Any] = _ordered(schema.head_fields, content.head)
    if schema.items is not None:
        body[schema.rows_name] = [_ordered(schema.item_fields, row) for row in content.items]
    return body


def restore(message_type: MessageType, body: Mapping[str, Any]) -> Content:
    """The inverse of `encode`, for content that was stored; nothing is checked again."""
    rows_name = message_type.schema.rows_name
    head = {name: value for name, value in body.items() if name != rows_name}
    return Content(head=head, items=tuple(body.get(rows_name, ())))


def _ordered(fields: Iterable[Field], values: Mapping[str, str]) -> dict[str, Any]:
    return {field.name: values[field.name] for field in fields if field.name in values}


def _decode(message_type: MessageType, record: object) -> Decoded | None:
    """The fast pass: None as soon as anything is wrong."""
    if type(record) is not dict:
        return None
    plan = _plan(message_type)
    head = _read(plan.head, record, plan.beside)
    items = _rows(plan, record.get(plan.rows_name))
    if head is None or items is None:
        return None
    row = message_type.row
    for name, constant in row.filled.items():
        if head.setdefault(name, constant) != constant:
            return None
    extension: dict[str, Any] = {}
    for name, beside in row.extension.items():
        value = record.get(name, beside.default)
        if value is None:
            if name in record:
                return None
            continue
        kept = _extension(message_type, beside, value)
        if kept is None:
            return None
        extension[name] = kept
    return Decoded(Content(head, items), extension)


def _read(  # noqa: PLR0911 - hot: leaves at the first fault
    fields: _Fields, record: Mapping[str, Any], beside: frozenset[str]
) -> dict[str, str] | None:
    """The fields of one group; None when one is wrong, unknown or missing."""
    values: dict[str, str] = {}
    checks = fields.checks
    for name, value in record.items():
        check = checks.get(name)
        if check is None:
            if name in beside:
                continue
            return None
        number, low, high, accepts = check
        if number:
            if type(value) is not str and type(value) is not NumberText:
                return None
            if not accepts(value):  # type: ignore[misc]
                return None
            values[name] = str(value)
            continue
        if type(value) is not str or not low <= len(value) <= high:
            return None
        if accepts is not None and not accepts(value):
            return None
        # isprintable is C speed, and no printable character is one that XML forbids.
        if not value.isprintable() and not legal(value):
            return None
        values[name] = value
    return values if fields.required <= values.keys() else None


def _rows(plan: _Plan, given: object) -> tuple[dict[str, str], ...] | None:
    if given is None and plan.rows_least == 0:
        return ()
    if type(given) is not list or not plan.rows_least <= len(given) <= plan.rows_most:
        return None
    numbered = ROW_NUMBER in plan.rows.checks
    rows: list[dict[str, str]] = []
    for position, record in enumerate(given, start=1):
        if type(record) is not dict:
            return None
        row = _read(plan.rows, record, frozenset())
        if row is None:
            return None
        if numbered and row.setdefault(ROW_NUMBER, str(position)) != str(position):
            return None
        rows.append(row)
    return tuple(rows)


def _extension(message_type: MessageType, beside: Extension, value: object) -> object | None:
    if beside.type == "part":
        return _part(message_type.parts[beside.of], value)
    if type(value) is not str or not 1 <= len(value) <= beside.max_length or not legal(value):
        return None
    return value if not beside.values or value in beside.values else None


def _part(message_type: MessageType, value: object) -> dict[str, Any] | None:
    """Any of the fields of a message type; rows keep the numbers that they give."""
    if type(value) is not dict:
        return None
    plan = _plan(message_type)
    head = _read(_Fields(plan.head.checks, frozenset()), value, frozenset({plan.rows_name}))
    if head is None:
        return None
    part: dict[str, Any] = dict(head)
    if plan.rows_name not in value:
        return part
    given = value[plan.rows_name]
    if type(given) is not list or len(given) > plan.rows_most:
        return None
    rows = [
        _read(_Fields(plan.rows.checks, frozenset()), one, frozenset())
        if type(one) is dict
        else None
        for one in given
    ]
    if None in rows:
        return None
    part[plan.rows_name] = rows
    return part


@lru_cache(maxsize=512)
def _plan(message_type: MessageType) -> _Plan:
    schema, row = message_type.schema, message_type.row
    generated = frozenset(row.generated)
    given = {*row.filled, *generated}
    head = [field for field in schema.head_fields if not field.repeated]
    checks = {field.name: _check(field) for field in head if field.name not in generated}
    required = {field.name for field in head if field.required} - given
    least, most = _bounds(schema)
    rows = schema.item_fields
    return _Plan(
        head=_Fields(checks, frozenset(required)),
        rows=_Fields(
            {field.name: _check(field) for field in rows},
            frozenset(field.name for field in rows if field.required) - {ROW_NUMBER},
        ),
        rows_name=schema.rows_name,
        rows_least=least,
        rows_most=most,
        beside=frozenset(row.extension) | ({schema.rows_name} if schema.items else frozenset()),
    )


def _bounds(schema: Schema) -> tuple[int, int]:
    if schema.items is None:
        return 0, 0
    most = schema.items.maximum
    return schema.items.minimum, UNBOUNDED if most is None else most


def _check(field: Field) -> Check:
    high = UNBOUNDED if field.max_length is None else field.max_length
    accepts: Callable[[str], object] | None = None
    if field.values:
        accepts = frozenset(field.values).__contains__
    elif field.pattern is not None:
        accepts = re.compile(field.pattern).fullmatch
    return field.is_number, field.min_length, high, accepts
