"""The cross-field rules: a table of data, a function for each, and their switches.

    rules = load_rules(load_modes())
    rules.at_the_door("order", content, extension)     problems of one document, for a 422
    rules.consignment(facts, switches)                 findings before the inventory is derived

What a rule says stands in rules.toml, which of them a mode runs in modes.toml, what they do in
`door_rules` and `consignment_rules`; the rules of phase `derivation` are found in `derivation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.errors import Problem
from gateway.messages.consignment_rules import CONSIGNMENT
from gateway.messages.door_rules import DOOR, Fault
from gateway.messages.facts import EMPTY, Facts
from gateway.messages.findings import Finding, finding, say
from gateway.messages.mask import shown
from gateway.messages.modes import Modes
from gateway.messages.personal import PERSONAL
from gateway.messages.rule_table import Rule, read_rules
from gateway.messages.switches import RuleSwitches, Switches, read_switches
from gateway.model import Content

MODE_FIELD = "mode"
ORDER = "order"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """The rules of an installation with their switches."""

    table: Mapping[str, Rule]
    modes: Modes
    switches: RuleSwitches

    def at_the_door(
        self, kind: str, content: Content, extension: Mapping[str, Any] = EMPTY
    ) -> list[Problem]:
        """Every fault that one document shows by itself, with JSON paths; [] for none.

        An order runs the rules of its mode; other documents do not know theirs and run those
        that are on by default.
        """
        mode = extension.get(MODE_FIELD, self.modes.default) if kind == ORDER else None
        switches = self.switches.for_(mode)
        return [
            _problem(self.table[code], fault)
            for code, check in DOOR.get(kind, ())
            if switches.on(code)
            for fault in check(content, switches.tolerance(code))
        ]

    def consignment(self, facts: Facts, switches: Switches) -> list[Finding]:
        """What the documents of an order contradict each other in; [] when they agree."""
        return [
            finding(self.table[code], evidence)
            for code, check in CONSIGNMENT
            if switches.on(code)
            for evidence in check(facts, switches.tolerance(code))
        ]


def load_rules(modes: Modes, overrides: Sequence[Mapping[str, Any]] = ()) -> Rules:
    """The rules shipped with the gateway, under the overrides of an installation.

    An override is {rule, mode?, customsCode?, enabled?, tolerance?}. Raises Misconfigured.
    """
    table = read_rules()
    return Rules(table=table, modes=modes, switches=read_switches(table, modes, overrides))


def _problem(rule: Rule, fault: Fault) -> Problem:
    personal = fault.field in PERSONAL
    value = None if fault.value is None else shown(fault.value, personal=personal)
    words = {"field": fault.field, fault.field: value or "", **(fault.words or {})}
    zh, en = say(rule, words)
    return Problem(
        path=fault.path,
        field=fault.field,
        code=rule.code,
        value=value,
        severity=rule.severity,
        zh=zh,
        en=en,
    )
