"""rules.toml as frozen records: what each rule says, and what it is by default."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from gateway.errors import Misconfigured

PHASES = ("door", "consignment", "derivation")
SEVERITIES = ("error", "warning")
FOLDER = Path(__file__).parent
Record = TypeVar("Record")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One row of rules.toml; the keys are explained there. `tolerance` is in the field's unit."""

    code: str
    phase: str
    title_zh: str
    title_en: str
    zh: str
    en: str
    source: str
    customs_code: str = ""
    severity: str = "error"
    enabled: bool = True
    always: bool = False
    waits: bool = False
    tolerance: Decimal = Decimal(0)


def wrong_rule(place: str, what: str) -> Misconfigured:
    """The error for rule, mode or derivation data that cannot be used."""
    return Misconfigured("rules", f"规则数据有误：{place}：{what}", f"rule data: {place}: {what}")


def read_toml(name: str) -> dict[str, Any]:
    """A data file of this package. Raises Misconfigured when it is no TOML."""
    try:
        return tomllib.loads((FOLDER / name).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise wrong_rule(name, str(error)) from error


@cache
def read_rules() -> Mapping[str, Rule]:
    """Every rule by its code, in the order of the file. Raises Misconfigured."""
    return {code: _rule(code, given) for code, given in read_toml("rules.toml").items()}


def tolerance_of(place: str, text: Any) -> Decimal:
    """A tolerance from its text; a TOML float would not be exact. Raises Misconfigured."""
    try:
        value = Decimal(text) if isinstance(text, str) else Decimal("NaN")
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or value < 0:
        raise wrong_rule(place, f"tolerance must be a text like '0.01', not {text!r}")
    return value


def _rule(code: str, given: Mapping[str, Any]) -> Rule:
    record = record_of(code, Rule, {"code": code, **given}, {"tolerance": tolerance_of})
    if record.phase not in PHASES or record.severity not in SEVERITIES:
        raise wrong_rule(code, "unknown phase or severity")
    if record.always and not record.enabled:
        raise wrong_rule(code, "always on, yet not enabled")
    return record


def record_of(
    place: str, kind: type[Record], given: Mapping[str, Any], readers: Mapping[str, Any]
) -> Record:
    """A frozen record from a table: unknown and missing keys and wrong types are refused."""
    known = {one.name: str(one.type) for one in fields(kind)}  # type: ignore[arg-type]
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in known:
            raise wrong_rule(place, f"unknown key {key}")
        reader = readers.get(key)
        values[key] = (
            reader(f"{place}.{key}", value) if reader else _typed(place, key, known, value)
        )
    try:
        return kind(**values)
    except TypeError as error:
        raise wrong_rule(place, str(error)) from error


def _typed(place: str, key: str, known: Mapping[str, str], value: Any) -> Any:
    """A TOML value as the annotation of its key asks for it."""
    if known[key].startswith(("tuple", "frozenset")):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise wrong_rule(place, f"{key} must be a list of texts")
        return frozenset(value) if known[key].startswith("frozenset") else tuple(value)
    wanted = {"bool": bool, "int": int, "int | None": int}.get(known[key], str)
    if type(value) is not wanted:
        raise wrong_rule(place, f"{key} must be {wanted.__name__}")
    return value
