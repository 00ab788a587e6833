"""What an entry of the reconciliation queue means, and the next step, in two languages."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from gateway.messages.rule_table import read_rules, read_toml, record_of

RULE = "rule"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """The sentences of one discrepancy code."""

    zh: str
    en: str
    next_zh: str
    next_en: str


@cache
def meanings() -> Mapping[str, Meaning]:
    """Every code that the gateway opens by itself; `rule` stands for those of the rules."""
    return {
        code: record_of(code, Meaning, given, {})
        for code, given in read_toml("discrepancies.toml").items()
    }


def meaning(code: str) -> Meaning:
    """The meaning of any code: its own, or that of the rule with this code."""
    known = meanings()
    if code in known:
        return known[code]
    rule, common = read_rules().get(code), known[RULE]
    if rule is None:
        return common
    return Meaning(
        zh=rule.title_zh, en=rule.title_en, next_zh=common.next_zh, next_en=common.next_en
    )
