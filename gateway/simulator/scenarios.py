"""Steering: the end of the order number chooses what happens; the choices are data."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gateway.errors import Misconfigured

FILE = Path(__file__).with_name("scenarios.toml")
SEPARATOR = "-"
ANSWERS = ("", "lost", "bad-gateway")
REFUSALS = ("", "message", "signature")
SUBJECTS = ("order", "document")


@dataclass(frozen=True, slots=True, kw_only=True)
class Handing:
    """How an entry of one status is handed over; the time that stands in it is the true one."""

    after: str = ""
    """Held back until the entry of this status has gone (or one that ends the document)."""
    late_paces: int = 0
    """Held back for so many paces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way in which things go wrong."""

    name: str
    zh: str
    en: str
    kinds: tuple[str, ...] = ()
    """Which documents of the order are concerned; none named: all."""
    times: int = 0
    """How often it happens to one subject; 0: each time. Counted durably."""
    counted_by: str = "order"
    """The subject: the order, or each kind of document of the order."""
    answer: str = ""
    """What the sender of the message sees: lost (processed) or bad-gateway (not processed)."""
    refusal: str = ""
    """What is refused: the message (CEB900) or its signature."""
    returns: str = ""
    """The text of a status 100 that the first version of a key gets instead of its usual life."""
    copies: int = 1
    alone: bool = False
    delivery: Mapping[str, Mapping[str, Handing]] = field(default_factory=dict)
    """Kind of document → returnStatus → how its entry is handed over."""

    def concerns(self, kind: str) -> bool:
        """Whether documents of that kind are steered."""
        return not self.kinds or kind in self.kinds


@dataclass(frozen=True, slots=True, kw_only=True)
class Steering:
    """What the scenarios of one document mean for its receipts."""

    copies: int = 1
    alone: bool = False
    handing: Mapping[str, Handing] = field(default_factory=dict)


PLAIN = Steering()


class Scenarios:
    """Looks scenarios up by order number."""

    def __init__(self, scenarios: Iterable[Scenario]) -> None:
        self.all: Mapping[str, Scenario] = {one.name: one for one in scenarios}
        self._steering: dict[tuple[str, tuple[str, ...]], Steering] = {}

    def of(self, order_no: str) -> Scenario | None:
        """The scenario of an order number; None for one that steers nothing."""
        _, found, last = order_no.rpartition(SEPARATOR)
        return self.all.get(last) if found else None

    def steering(self, kind: str, names: tuple[str, ...]) -> Steering:
        """How the receipts of a document with these scenarios are handed over."""
        if not names:
            return PLAIN
        known = self._steering.get((kind, names))
        if known is None:
            chosen = [self.all[name] for name in names if name in self.all]
            known = self._steering[(kind, names)] = Steering(
                copies=max([1, *(one.copies for one in chosen)]),
                alone=any(one.alone for one in chosen),
                handing={
                    status: handing
                    for one in chosen
                    for status, handing in one.delivery.get(kind, {}).items()
                },
            )
        return known


def load_scenarios(path: Path = FILE) -> Scenarios:
    """The file, checked. Raises Misconfigured for unknown keys and values."""
    tables = tomllib.loads(path.read_text(encoding="utf-8"))
    return Scenarios([_scenario(name, table) for name, table in tables.items()])


def scenario_table(scenarios: Scenarios) -> str:
    """The table in docs/simulator.md, one line a scenario."""
    lines = ["| suffix | documents | what happens | 中文 |", "|---|---|---|---|"]
    for one in scenarios.all.values():
        kinds = ", ".join(one.kinds) or "all"
        lines.append(f"| `-{one.name}` | {kinds} | {one.en} | {one.zh} |")
    return "\n".join(lines) + "\n"


def _scenario(name: str, table: Mapping[str, Any]) -> Scenario:
    unknown = table.keys() - {one.name for one in fields(Scenario)}
    if unknown:
        raise _wrong(name, f"unknown keys {sorted(unknown)}")
    values = dict(table)
    values["kinds"] = tuple(values.get("kinds", ()))
    try:
        values["delivery"] = {
            kind: {status: Handing(**given) for status, given in statuses.items()}
            for kind, statuses in values.get("delivery", {}).items()
        }
        made = Scenario(name=name, **values)
    except TypeError as error:
        raise _wrong(name, str(error)) from error
    if made.answer not in ANSWERS or made.refusal not in REFUSALS:
        raise _wrong(name, "unknown answer or refusal")
    if made.counted_by not in SUBJECTS:
        raise _wrong(name, "counted_by is order or document")
    return made


def _wrong(name: str, what: str) -> Misconfigured:
    return Misconfigured("A-scenarios", f"场景 {name} 有误", f"scenario {name}: {what}")
