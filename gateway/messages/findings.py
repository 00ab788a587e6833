"""Findings: what keeps a consignment from being declared, in words that people can act on."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from gateway.messages.mask import shown
from gateway.messages.personal import PERSONAL
from gateway.messages.rule_table import Rule

GIVEN = "inventory"
"""The kind of values that the declarant gave itself for the inventory."""


class Value(NamedTuple):
    """One value that a rule looked at: of which kind of record, in which field, which text."""

    kind: str
    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a rule found: the values, and further words of its sentence."""

    values: tuple[Value, ...] = ()
    fields: tuple[str, ...] = ()
    """The fields concerned, where they are not those of the values."""
    words: Mapping[str, str] = field(default_factory=dict)
    kinds: tuple[str, ...] = ()
    """The documents and registers concerned, where they are not those of the values."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One result of one rule for one consignment; personal values are masked already.

    `values` maps source.field to its text, `kinds` are the documents and registers concerned.
    """

    rule: str
    customs_code: str
    severity: str
    waits: bool
    zh: str
    en: str
    fields: tuple[str, ...]
    values: Mapping[str, str]
    kinds: tuple[str, ...]

    @property
    def code(self) -> str:
        """The stable code that a user can search for: that of the rule."""
        return self.rule

    @property
    def holds(self) -> bool:
        """Whether the declaration must not go; a warning only tells."""
        return self.severity == "error"

    def as_json(self) -> dict[str, object]:
        """The shape in discrepancies and in the view of a consignment."""
        return {
            "code": self.code,
            "customsCode": self.customs_code,
            "severity": self.severity,
            "waits": self.waits,
            "zh": self.zh,
            "en": self.en,
            "fields": list(self.fields),
            "values": dict(self.values),
            "kinds": list(self.kinds),
        }


def finding(rule: Rule, evidence: Evidence) -> Finding:
    """The finding of a rule, with its sentences and its personal values masked."""
    values = {f"{one.kind}.{one.field}": _shown(one) for one in evidence.values}
    fields = evidence.fields or tuple(dict.fromkeys(one.field for one in evidence.values))
    words = {
        "field": fields[0] if fields else "",
        "fields": ", ".join(fields),
        "values": "; ".join(f"{name} = {text}" for name, text in values.items()),
        **{one.field: _shown(one) for one in evidence.values},
        **evidence.words,
    }
    zh, en = say(rule, words)
    return Finding(
        rule=rule.code,
        customs_code=rule.customs_code,
        severity=rule.severity,
        waits=rule.waits,
        zh=zh,
        en=en,
        fields=fields,
        values=values,
        kinds=evidence.kinds or tuple(dict.fromkeys(one.kind for one in evidence.values)),
    )


def say(rule: Rule, words: Mapping[str, str]) -> tuple[str, str]:
    """Both sentences of a rule with the words filled in."""
    return rule.zh.format_map(words), rule.en.format_map(words)


def held(findings: Iterable[Finding]) -> bool:
    """Whether one of the findings holds the declaration."""
    return any(one.holds for one in findings)


def _shown(value: Value) -> str:
    name = value.field.rpartition(".")[2]
    return shown(value.text, personal=name in PERSONAL)
