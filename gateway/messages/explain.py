"""Says what is wrong with a submitted record: the slow pass behind `decode`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from typing import Any

from gateway.errors import PROBLEMS_MAX, Problem
from gateway.messages.body import Duplicated, NumberText
from gateway.messages.faults import fault, printable, safe
from gateway.messages.rows import Extension
from gateway.messages.schema import ROW_NUMBER, Field
from gateway.messages.types import MessageType

JSON_TYPES = {bool: "true/false", type(None): "null", dict: "object", list: "array"}


def record(message_type: MessageType, value: object) -> list[Problem]:
    """At least one problem and at most 25, for a record that `decode` would not take."""
    return list(islice(_record(message_type, value), PROBLEMS_MAX))


def lists(message_type: MessageType, value: object) -> list[Problem]:
    """What is wrong with the repeated texts of a register (roles, messageTypes)."""
    fields = [field for field in message_type.schema.head_fields if field.repeated]
    if not isinstance(value, dict):
        return []
    return list(islice(_lists(fields, value), PROBLEMS_MAX))


def _lists(fields: Iterable[Field], value: Mapping[str, Any]) -> Iterator[Problem]:
    for field in fields:
        path = f"$.{field.name}"
        if field.name not in value:
            if field.required:
                yield _missing(field, path)
            continue
        given = value[field.name]
        if type(given) is not list:
            yield _wrong_type(field.name, path, given, "数组", "an array of texts")
            continue
        if field.required and not given:
            yield _missing(field, path)
        if len(given) != len({str(one) for one in given}):
            yield _problem("S-duplicate", path, field.name, "含有重复的值", "holds a value twice")
        for index, one in enumerate(given):
            found = _value(field, one, f"{path}[{index}]")
            if found is not None:
                yield found


def _record(message_type: MessageType, value: object) -> Iterator[Problem]:
    if not isinstance(value, dict):
        yield _wrong_type("", "$", value, "对象", "an object")
        return
    schema, row = message_type.schema, message_type.row
    beside = {*row.extension, *([schema.rows_name] if schema.items else [])}
    given = {*row.filled, *row.generated}
    singles = [field for field in schema.head_fields if not field.repeated]
    repeated = {field.name for field in schema.head_fields if field.repeated}
    yield from _group(singles, value, "$", beside | repeated, given)
    for name in row.generated:
        if name in value:
            yield _problem(
                "S-generated", f"$.{name}", name, "由网关生成，不能提交",
                "is made by the gateway and must be left out",
            )  # fmt: skip
    for name, constant in row.filled.items():
        if value.get(name, constant) != constant:
            yield _problem(
                "S-filled", f"$.{name}", name, f"只能是 {constant}",
                f"is always {constant}; leave it out or give that",
            )  # fmt: skip
    if schema.items is not None:
        yield from _rows(message_type, value.get(schema.rows_name))
    for name, extension in row.extension.items():
        if name in value:
            yield from _extension(message_type, name, extension, value[name])


def _group(
    fields: Iterable[Field], value: Mapping[str, Any], path: str, beside: set[str], given: set[str]
) -> Iterator[Problem]:
    known = {field.name: field for field in fields}
    if isinstance(value, Duplicated):
        for name in map(safe, value.names):
            yield _problem("S-duplicate", f"{path}.{name}", name, "出现两次", "is given twice")
    for name, one in value.items():
        field = known.get(name)
        if field is None:
            if name not in beside and name not in given:
                odd = safe(name)
                yield _problem(
                    "S-unknown",
                    f"{path}.{odd}",
                    odd,
                    "不是本报文的字段",
                    "is no field of this message",
                )
            continue
        found = _value(field, one, f"{path}.{name}")
        if found is not None:
            yield found
    for field in known.values():
        if field.required and field.name not in value and field.name not in given:
            yield _missing(field, f"{path}.{field.name}")


def _rows(message_type: MessageType, value: object) -> Iterator[Problem]:
    schema = message_type.schema
    items, path = schema.items, f"$.{schema.rows_name}"
    if items is None or (value is None and items.minimum == 0):
        return
    if value is None:
        yield _problem("S-required", path, schema.rows_name, "必填", "is required")
        return
    if not isinstance(value, list):
        yield _wrong_type(schema.rows_name, path, value, "数组", "an array")
        return
    most = "∞" if items.maximum is None else items.maximum
    if len(value) < items.minimum or (items.maximum is not None and len(value) > items.maximum):
        yield _problem(
            "S-rows", path, schema.rows_name,
            f"应有 {items.minimum} 至 {most} 行，共 {len(value)} 行",
            f"has {items.minimum} to {most} rows, found {len(value)}",
        )  # fmt: skip
    for index, row in enumerate(value):
        place = f"{path}[{index}]"
        if not isinstance(row, dict):
            yield _wrong_type(schema.rows_name, place, row, "对象", "an object")
            continue
        yield from _group(items.fields, row, place, set(), {ROW_NUMBER})
        if any(field.name == ROW_NUMBER for field in items.fields):
            yield from _row_number(row, index + 1, f"{place}.{ROW_NUMBER}")


def _row_number(row: Mapping[str, Any], position: int, path: str) -> Iterator[Problem]:
    given = row.get(ROW_NUMBER, str(position))
    if isinstance(given, str) and given != str(position):
        yield _problem(
            "S-row-number", path, ROW_NUMBER, f"应为 {position}：从 1 起逐行加一",
            f"must be {position}: rows count from 1, or leave it out",
        )  # fmt: skip


def _extension(
    message_type: MessageType, name: str, extension: Extension, value: object
) -> Iterator[Problem]:
    if extension.type == "part":
        yield from _part(message_type.parts[extension.of], value, f"$.{name}")
        return
    field = Field(
        name=name, zh=extension.zh or name, en=extension.en or name, required=False,
        min_length=1, max_length=extension.max_length, values=extension.values, personal=False,
    )  # fmt: skip
    found = _value(field, value, f"$.{name}")
    if found is not None:
        yield found


def _part(message_type: MessageType, value: object, path: str) -> Iterator[Problem]:
    """Any of the fields of another message type, none of them required."""
    if not isinstance(value, dict):
        yield _wrong_type("", path, value, "对象", "an object")
        return
    schema, row = message_type.schema, message_type.row
    fields = [field for field in schema.head_fields if field.name not in row.generated]
    every = {field.name for field in schema.head_fields}
    beside = {schema.rows_name} if schema.items else set()
    yield from _group(fields, value, path, beside, every - set(row.generated))
    rows = value.get(schema.rows_name, [])
    if schema.items is None:
        return
    if not isinstance(rows, list):
        yield _wrong_type(schema.rows_name, f"{path}.{schema.rows_name}", rows, "数组", "an array")
        return
    if schema.items.maximum is not None and len(rows) > schema.items.maximum:
        yield _problem(
            "S-rows", f"{path}.{schema.rows_name}", schema.rows_name,
            f"最多 {schema.items.maximum} 行", f"has at most {schema.items.maximum} rows",
        )  # fmt: skip
    for index, one in enumerate(rows):
        place = f"{path}.{schema.rows_name}[{index}]"
        if not isinstance(one, dict):
            yield _wrong_type(schema.rows_name, place, one, "对象", "an object")
            continue
        yield from _group(
            schema.item_fields, one, place, set(), {f.name for f in schema.item_fields}
        )


def _value(field: Field, value: object, path: str) -> Problem | None:
    """The fault of one JSON value."""
    if field.is_number and isinstance(value, NumberText):
        return fault(field, value, path)
    if isinstance(value, str) and not isinstance(value, NumberText):
        return fault(field, value, path)
    zh, en = ("数字", "a number or text") if field.is_number else ("文本", "a text")
    problem = _wrong_type(field.name, path, value, zh, en)
    if isinstance(value, NumberText):
        return Problem(
            path=path, field=field.name, code=problem.code, zh=problem.zh, en=problem.en,
            value=printable(field, value),
        )  # fmt: skip
    return problem


def _missing(field: Field, path: str) -> Problem:
    return Problem(
        path=path, field=field.name, code="S-required",
        zh=f"{field.zh}（{field.name}）必填", en=f"{field.en} ({field.name}) is required",
    )  # fmt: skip


def _wrong_type(name: str, path: str, value: object, zh: str, en: str) -> Problem:
    found = JSON_TYPES.get(type(value), "number" if isinstance(value, NumberText) else "text")
    return _problem("S-type", path, name, f"应为{zh}，收到 {found}", f"must be {en}, found {found}")


def _problem(code: str, path: str, name: str, zh: str, en: str) -> Problem:
    return Problem(
        path=path, field=name, code=code, zh=f"{name} {zh}".strip(), en=f"{name} {en}".strip()
    )
