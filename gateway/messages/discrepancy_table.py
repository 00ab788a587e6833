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


def is_rule(code: str) -> bool:
    """Whether a rule opened the entry."""
    return code in read_rules()


def meaning(code: str, kind: str = "") -> Meaning:
    """The meaning of any code: its own, for this kind of document where that differs.

    The title of a rule says what should hold; an open entry says that it does not.
    """
    known = meanings()
    for name in (f"{code}_{kind}", code):
        if name in known:
            return known[name]
    rule, common = read_rules().get(code), known[RULE]
    if rule is None:
        return common
    return Meaning(
        zh=f"不符合：{rule.title_zh}。",
        en=f"Does not hold: {rule.title_en}.",
        next_zh=common.next_zh,
        next_en=common.next_en,
    )
