"""Fills the fields of one group by its lines, and collects what the sources disagree about.

The engine behind `derivation`: it knows lines and sources, and no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.messages.amounts import apart, number
from gateway.messages.derivation_table import Line, Source
from gateway.messages.findings import GIVEN, Evidence, Value
from gateway.messages.keys import Identity
from gateway.messages.switches import Switches

NAMES = "names"
CONSTANT = "constant"


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What every line is judged with."""

    switches: Switches
    identity: Identity
    names: Mapping[str, str]
    """Enterprise code to registered name."""
    preferred: Mapping[str, str]
    """Field to the kind of source that is asked first, where a setting says so."""
    tolerated: frozenset[str]
    """Fields in which sources may differ: the first one then gives the value."""


@dataclass(slots=True)
class Filled:
    """One group: its values, the evidence by rule, and the required fields without a value."""

    values: dict[str, str] = field(default_factory=dict)
    evidence: list[tuple[str, Evidence]] = field(default_factory=list)
    missing: list[tuple[str, Line]] = field(default_factory=list)


def fill(
    lines: tuple[Line, ...],
    sources: Mapping[str, Mapping[str, Any]],
    given: Mapping[str, Any],
    desk: Desk,
    prefix: str = "",
) -> Filled:
    """The values of a group. `prefix` stands before the names of its fields in findings."""
    filled = Filled()
    for line in lines:
        path = prefix + line.field
        if (line.made or line.empty) and given.get(line.field):
            value = Value(GIVEN, path, str(given[line.field]))
            rule = "R-given" if line.made else "R-fixed"
            filled.evidence.append((rule, Evidence((value,), words={"found": value.text})))
            continue
        if line.empty or (line.made and line.owner is None):
            continue
        found = _found(line, sources, given, filled, desk)
        _take(line, path, found, filled)
        if line.left_to or line.field in desk.tolerated or not desk.switches.on(line.unequal):
            continue
        for source in line.equal:
            _look(source, sources, filled, desk, found)
        if line.constant:
            found.append(Value(CONSTANT, line.field, line.constant))
        differing = [one for one in found[1:] if _differ(line, found[0].text, one.text, desk)]
        if differing:
            filled.evidence.append((line.unequal, Evidence((found[0], *differing), (path,))))
    return filled


def _take(line: Line, path: str, found: list[Value], filled: Filled) -> None:
    """Take the value of the first source that has one; nothing is changed on the way."""
    text = found[0].text if found else line.constant or line.default
    if text:
        filled.values[line.field] = text
    elif not line.optional:
        filled.missing.append((path, line))
    if line.most is not None and len(text) > line.most:
        filled.evidence.append(("R-fit", Evidence(tuple(found[:1]), (path,), {"found": text})))


def _found(
    line: Line,
    sources: Mapping[str, Mapping[str, Any]],
    given: Mapping[str, Any],
    filled: Filled,
    desk: Desk,
) -> list[Value]:
    """Every value that may go into the field: given first, then the owner, then the fallbacks."""
    found: list[Value] = []
    if given.get(line.field):
        found.append(Value(GIVEN, line.field, str(given[line.field])))
    givers = line.givers
    preferred = desk.preferred.get(line.field)
    if preferred is not None:
        givers = tuple(sorted(givers, key=lambda source: source.kind != preferred))
    for source in givers:
        _look(source, sources, filled, desk, found)
    return found


def _look(
    source: Source,
    sources: Mapping[str, Mapping[str, Any]],
    filled: Filled,
    desk: Desk,
    found: list[Value],
) -> None:
    """Add the value of one source, if it has one; an empty text counts as none."""
    if source.kind == NAMES:
        code = filled.values.get(source.field, "")
        text = desk.names.get(code) or desk.names.get(desk.identity(code))
    else:
        record = sources.get(source.kind)
        text = record.get(source.field) if record else None
    if text:
        found.append(Value(source.kind, source.field, str(text)))


def _differ(line: Line, left: str, right: str, desk: Desk) -> bool:
    if left == right:
        return False
    if line.compare == "decimal":
        return apart(number(left), number(right), desk.switches.tolerance(line.unequal))
    if line.compare == "enterprise":
        return desk.identity(left) != desk.identity(right)
    return True
