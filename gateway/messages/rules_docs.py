"""The generated page docs/rules.md: every rule, as the data says."""

from __future__ import annotations

from gateway.messages.modes import Mode, load_modes
from gateway.messages.rule_table import Rule, read_rules
from gateway.messages.status import return_codes

HEAD = """# Rules

Generated from `gateway/messages/rules.toml`, `modes.toml` and `return_codes.toml`; do not edit.

A rule of phase *door* refuses one document (422). The others hold a consignment as a discrepancy
before its inventory is declared; one that *waits* does so only when the waiting time is over.
Each rule can be switched, and given another tolerance, per mode and per port, unless it is
*always* on, since nothing could be declared without it.
"""
PHASES = {
    "door": "At the door",
    "consignment": "Between the documents of an order",
    "derivation": "While a declaration is derived",
}


def rules_page() -> str:
    """The page as Markdown text, ending with a line feed."""
    rules = list(read_rules().values())
    parts = [HEAD]
    for phase, title in PHASES.items():
        parts.append(f"## {title}\n")
        parts += [_rule(rule) for rule in rules if rule.phase == phase]
    parts.append("## Which mode runs what\n")
    parts += [_mode(mode, rules) for mode in load_modes().by_name.values()]
    parts.append(_codes())
    return "\n".join(parts)


def _rule(rule: Rule) -> str:
    facts = [
        f"customs code {rule.customs_code}" if rule.customs_code else "",
        rule.severity if rule.severity != "error" else "",
        "always on" if rule.always else "",
        "" if rule.enabled else "off by default",
        "waits" if rule.waits else "",
        f"tolerance {rule.tolerance}" if rule.tolerance else "",
    ]
    told = "; ".join(fact for fact in facts if fact)
    lines = [
        f"### {rule.code} {rule.title_en} · {rule.title_zh}\n",
        f"- zh: {rule.zh}",
        f"- en: {rule.en}",
        f"- source: {rule.source}",
        *([f"- {told}"] if told else []),
    ]
    return "\n".join(lines) + "\n"


def _mode(mode: Mode, rules: list[Rule]) -> str:
    runs = ", ".join(rule.code for rule in rules if rule.code in mode.rules and rule.enabled)
    other = ", ".join(f"{code} {value}" for code, value in mode.tolerances.items())
    lines = [
        f"### {mode.name} ({mode.trade_mode}) · {mode.zh}\n",
        f"{mode.en}: {', '.join(mode.documents)} make {mode.derived}; ends {mode.end_state}.\n",
        f"- runs: {runs}",
        *([f"- tolerances of its own: {other}"] if other else []),
    ]
    return "\n".join(lines) + "\n"


def _codes() -> str:
    lines = [
        "## Codes in the text of a receipt\n",
        "| code | zh | en | refuses | our rule |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {one.code} | {one.zh} | {one.en} | {'yes' if one.failure else 'no'} | {one.rule} |"
        for one in return_codes().values()
    ]
    return "\n".join(lines) + "\n"
