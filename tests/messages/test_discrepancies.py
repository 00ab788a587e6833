"""Every discrepancy that the gateway can open says what it means and what to do."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.messages import load_catalogue
from gateway.messages.discrepancy_table import RULE, meaning, meanings
from gateway.messages.rule_table import read_rules

OPENED = re.compile(r'code="([a-z_]+)"')


def test_every_code_of_the_statuses_and_of_the_program_has_its_own_sentences(root: Path) -> None:
    """No code falls back to the common sentence for rules."""
    codes = {
        status.discrepancy
        for one in load_catalogue().types.values()
        for status in one.row.statuses.values()
        if status.discrepancy
    }
    for path in (root / "gateway").rglob("*.py"):
        if path.parts[-2] not in {"simulator", "demo"}:
            text = path.read_text()
            if "Opening(" in text:
                codes |= set(OPENED.findall(text))
    assert {"returned", "overdue", "unknown_key", "refused_message"} <= codes
    assert codes <= meanings().keys() - {RULE}
    assert "inventory follows" in meaning("returned", "inventory").next_en


def test_rules_give_their_title_and_the_common_next_step() -> None:
    """The entry of a rule says that what its title asks for does not hold."""
    rule = read_rules()["M05"]
    told = meaning("M05")
    assert rule.title_zh in told.zh
    assert told.en == f"Does not hold: {rule.title_en}."
    assert told.next_en == meanings()[RULE].next_en
