"""Which rules are on, and what they tolerate, per mode and per port.

Three layers of data, the later one wins: rules.toml (default), modes.toml (what a mode runs),
overrides of the installation: {rule, mode?, customsCode?, enabled?, tolerance?}. Among overrides
the more specific wins (mode and port, then port, then mode, then neither), then the later.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gateway.messages.modes import Modes
from gateway.messages.rule_table import Rule, tolerance_of, wrong_rule

KEYS = frozenset({"rule", "mode", "customsCode", "enabled", "tolerance"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Override:
    """One decision of an installation; None means: every mode, every port, unchanged."""

    rule: str
    mode: str | None = None
    customs_code: str | None = None
    enabled: bool | None = None
    tolerance: Decimal | None = None

    def concerns(self, mode: str | None, customs_code: str | None) -> bool:
        """Whether it speaks of this mode and port."""
        return self.mode in (None, mode) and self.customs_code in (None, customs_code)

    @property
    def weight(self) -> tuple[bool, bool]:
        """How specific it is: a port counts more than a mode."""
        return (self.customs_code is not None, self.mode is not None)


@dataclass(frozen=True, slots=True)
class Switches:
    """The switches of one mode at one port: the tolerance of every rule that is on."""

    tolerances: Mapping[str, Decimal]

    def on(self, code: str) -> bool:
        """Whether the rule runs."""
        return code in self.tolerances

    def tolerance(self, code: str) -> Decimal:
        """What the rule tolerates, in the unit of its fields."""
        return self.tolerances[code]


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleSwitches:
    """All switches; `for_` answers for one mode and port, each computed once."""

    table: Mapping[str, Rule]
    modes: Modes
    overrides: tuple[Override, ...]
    known: dict[tuple[str | None, str | None], Switches] = field(
        default_factory=dict, repr=False, compare=False
    )

    def for_(self, mode: str | None = None, customs_code: str | None = None) -> Switches:
        """The switches of a mode at a port; None where a document does not know it."""
        # Only ports that an override names differ from the rest, so the memory stays bounded.
        ports = {override.customs_code for override in self.overrides}
        key = (
            mode if mode in self.modes.by_name else None,
            customs_code if customs_code in ports else None,
        )
        if key not in self.known:
            self.known[key] = self._decide(*key)
        return self.known[key]

    def _decide(self, mode: str | None, customs_code: str | None) -> Switches:
        chosen = self.modes.by_name[mode] if mode is not None else None
        enabled = {
            code: rule.enabled and (chosen is None or code in chosen.rules)
            for code, rule in self.table.items()
        }
        tolerances = {code: rule.tolerance for code, rule in self.table.items()}
        if chosen is not None:
            tolerances |= chosen.tolerances
        for override in sorted(self.overrides, key=lambda one: one.weight):
            if override.concerns(mode, customs_code):
                if override.enabled is not None:
                    enabled[override.rule] = override.enabled
                if override.tolerance is not None:
                    tolerances[override.rule] = override.tolerance
        return Switches({code: tolerances[code] for code, on in enabled.items() if on})


def read_switches(
    table: Mapping[str, Rule], modes: Modes, overrides: Sequence[Mapping[str, Any]]
) -> RuleSwitches:
    """The switches under the overrides of an installation. Raises Misconfigured."""
    for mode in modes.by_name.values():
        missing = {code for code, rule in table.items() if rule.always} - mode.rules
        if missing:
            raise wrong_rule(mode.name, f"must run {', '.join(sorted(missing))}")
    read = tuple(_override(table, modes, given) for given in overrides)
    return RuleSwitches(table=table, modes=modes, overrides=read)


def _override(table: Mapping[str, Rule], modes: Modes, given: Mapping[str, Any]) -> Override:
    place = f"override of {given.get('rule')}"
    rule = table.get(str(given.get("rule")))
    if given.keys() - KEYS or rule is None:
        raise wrong_rule(place, "unknown key or rule")
    mode, enabled = given.get("mode"), given.get("enabled")
    if mode is not None and mode not in modes.by_name:
        raise wrong_rule(place, f"no mode {mode}")
    if enabled is not None and not isinstance(enabled, bool):
        raise wrong_rule(place, "enabled must be true or false")
    if enabled is False and rule.always:
        raise wrong_rule(place, "cannot be switched off")
    text = given.get("tolerance")
    return Override(
        rule=rule.code,
        mode=mode,
        customs_code=given.get("customsCode"),
        enabled=enabled,
        tolerance=None if text is None else tolerance_of(place, text),
    )
