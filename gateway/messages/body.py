"""Reads JSON bodies strictly: one object, an array, or one object a line.

What is wrong with one record stays with that record, so that it cannot poison its neighbours:
`decode` reports it. Only what makes the whole body unreadable is raised here.
"""

from __future__ import annotations

import json
from typing import Any

from gateway.errors import Invalid, Problem


class NumberText(str):
    """A JSON number as it was written; also NaN and Infinity, which no pattern accepts."""

    __slots__ = ()


class Duplicated(dict[str, Any]):
    """An object with a name given twice; `names` says which."""

    names: tuple[str, ...] = ()


class Unreadable:
    """A line that is no JSON; stands in for the record, `decode` raises its problem."""

    def __init__(self, problem: Problem) -> None:
        self.problem = problem


def parse_json(body: bytes, *, limit_records: int) -> list[object]:
    """The records of a JSON body: those of the array, else the one value.

    Raises Invalid for what is no UTF-8, no JSON, nested too deeply or too many records.
    """
    parsed = _parse(_text(body))
    records: list[object] = parsed if isinstance(parsed, list) else [parsed]
    _check_count(len(records), limit_records)
    return records


def parse_ndjson(body: bytes, *, limit_records: int) -> list[object]:
    """One record a line; blank lines are skipped. A line that is no JSON becomes Unreadable."""
    lines = [line for line in _text(body).split("\n") if line.strip()]
    _check_count(len(lines), limit_records)
    records: list[object] = []
    for line in lines:
        try:
            records.append(_parse(line))
        except Invalid as error:
            records.append(Unreadable(error.problems[0]))
    return records


def is_one_object(body: bytes) -> bool:
    """Whether the body is a single object and so gets a single answer."""
    return body.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        at = error.start
        raise _unreadable(
            "S-encoding", f"第 {at} 字节不是 UTF-8", f"byte {at} is not UTF-8"
        ) from None


def _check_count(count: int, limit: int) -> None:
    if count > limit:
        raise _unreadable(
            "S-records", f"一次最多 {limit} 条，收到 {count} 条",
            f"at most {limit} records a body, found {count}",
        )  # fmt: skip


def _parse(text: str) -> Any:
    try:
        return _DECODER.decode(text)
    except json.JSONDecodeError as error:
        line, column = error.lineno, error.colno
        raise _unreadable(
            "S-json", f"第 {line} 行第 {column} 列不是合法的 JSON",
            f"not JSON at line {line}, column {column}: {error.msg}",
        ) from None  # fmt: skip
    except RecursionError:
        raise _unreadable("S-depth", "JSON 嵌套过深", "the JSON is nested too deeply") from None


def _unreadable(code: str, zh: str, en: str) -> Invalid:
    return Invalid([Problem(path="$", code=code, zh=zh, en=en)])


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) == len(pairs):
        return record
    seen: set[str] = set()
    twice = Duplicated(record)
    twice.names = tuple(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    return twice


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_float=NumberText, parse_int=NumberText,
    parse_constant=NumberText,
)  # fmt: skip
