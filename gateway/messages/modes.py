"""The modes of business, read from modes.toml: documents, derived messages, rules, end state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any

from gateway.messages.rule_table import read_rules, read_toml, record_of, tolerance_of, wrong_rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Mode:
    """One mode: what it needs, what it derives, which rules it runs."""

    name: str
    zh: str
    en: str
    trade_mode: str
    direction: str
    """import or export, as in the paths of the API."""
    ie_flag: str
    """I or E, as in the messages and in business keys."""
    currency: str
    authorities: tuple[str, ...]
    documents: tuple[str, ...]
    """The kinds that must agree before the derived message may go."""
    arrival: str = ""
    """The kind that tells that the goods are on the site; empty where none is needed."""
    derived: str
    arrival_message: str = ""
    needs_shipment: bool = False
    end_state: str
    rules: frozenset[str]
    """The codes of the rules that this mode runs."""
    tolerances: Mapping[str, Decimal] = field(default_factory=dict)
    """Rule to tolerance, where it is not that of rules.toml."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Modes:
    """Every mode that this gateway offers."""

    default: str
    accepted_statuses: frozenset[str]
    """At one of these statuses a partner document stands; a set, since 4 and 99 are none."""
    by_name: Mapping[str, Mode]

    def get(self, name: str) -> Mode | None:
        """The mode of that name; None where the gateway does not offer it."""
        return self.by_name.get(name)


@cache
def load_modes() -> Modes:
    """The modes shipped with the gateway. Raises Misconfigured."""
    return modes_of(read_toml("modes.toml"))


def modes_of(data: Mapping[str, Any]) -> Modes:
    """The modes of one data file. Raises Misconfigured."""
    tables = data.get("modes", {})
    by_name = {name: _mode(name, table) for name, table in tables.items()}
    rest = {key: value for key, value in data.items() if key != "modes"}
    modes = record_of("modes.toml", Modes, {**rest, "by_name": by_name}, {"by_name": _as_it_is})
    if modes.default not in by_name:
        raise wrong_rule("modes.toml", f"no mode {modes.default}")
    return modes


def _mode(name: str, table: Mapping[str, Any]) -> Mode:
    mode = record_of(name, Mode, {"name": name, **table}, {"tolerances": _tolerances})
    unknown = (mode.rules | mode.tolerances.keys()) - read_rules().keys()
    if unknown:
        raise wrong_rule(name, f"no rule {', '.join(sorted(unknown))}")
    return mode


def _tolerances(place: str, given: Any) -> Mapping[str, Decimal]:
    if not isinstance(given, dict):
        raise wrong_rule(place, "a table is needed")
    return {code: tolerance_of(f"{place}.{code}", text) for code, text in given.items()}


def _as_it_is(_place: str, value: Any) -> Any:
    return value
