"""derivation.toml as frozen lines: for each field its owner and what must agree with it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from gateway.messages.rule_table import read_rules, read_toml, record_of, wrong_rule

COMPARISONS = ("text", "decimal", "enterprise")
KINDS = frozenset(
    {"order", "payment", "waybill", "extension", "shipment", "profile", "arrival", "mode"}
    | {"row", "goods", "names", "computed"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a value may stand: the kind of record and the field in it."""

    kind: str
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One field of a derived message; the keys are explained in derivation.toml."""

    field: str
    owner: Source | None = None
    fallback: tuple[Source, ...] = ()
    equal: tuple[Source, ...] = ()
    compare: str = "text"
    unequal: str = "R-unequal"
    left_to: str = ""
    constant: str = ""
    default: str = ""
    optional: bool = False
    made: bool = False
    empty: bool = False
    most: int | None = None
    givers: tuple[Source, ...] = dataclasses.field(init=False)
    """The sources that may give the value, the owner first."""

    def __post_init__(self) -> None:
        owners = () if self.owner is None else (self.owner,)
        object.__setattr__(self, "givers", (*owners, *self.fallback))


@dataclass(frozen=True, slots=True)
class Lines:
    """How one message is derived in one mode."""

    head: tuple[Line, ...]
    items: tuple[Line, ...]


@cache
def lines_of(message: str, mode: str) -> Lines:
    """The lines of a message, the mode's own in place of the common ones. Raises Misconfigured."""
    tables = read_toml("derivation.toml")
    common, own = tables[message], tables.get(mode, {}).get(message, {})
    return Lines(
        head=_lines(f"{message}.head", {**common["head"], **own.get("head", {})}),
        items=_lines(f"{message}.items", {**common["items"], **own.get("items", {})}),
    )


def _lines(place: str, table: Mapping[str, Any]) -> tuple[Line, ...]:
    readers = {"owner": _source, "fallback": _sources, "equal": _sources, "most": _most}
    lines = tuple(
        record_of(f"{place}.{field}", Line, {"field": field, **given}, readers)
        for field, given in table.items()
    )
    for line in lines:
        _check(f"{place}.{line.field}", line)
    return lines


def _check(place: str, line: Line) -> None:
    if line.compare not in COMPARISONS:
        raise wrong_rule(place, f"no comparison {line.compare}")
    if line.unequal not in read_rules() or (line.left_to and line.left_to not in read_rules()):
        raise wrong_rule(place, "no such rule")
    sources = bool(line.owner or line.constant or line.made or line.empty)
    if not sources and not line.optional:
        raise wrong_rule(place, "a required field without a source")


def _source(place: str, text: Any) -> Source:
    kind, _, field = str(text).partition(".")
    if kind not in KINDS or not field:
        raise wrong_rule(place, f"no source {text!r}")
    return Source(kind=kind, field=field)


def _sources(place: str, given: Any) -> tuple[Source, ...]:
    if not isinstance(given, list):
        raise wrong_rule(place, "a list of sources is needed")
    return tuple(_source(place, text) for text in given)


def _most(place: str, value: Any) -> int:
    if type(value) is not int or value < 1:
        raise wrong_rule(place, "a number of characters is needed")
    return value
