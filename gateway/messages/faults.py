"""What is wrong with one value of one field, in words; the same for JSON and XML."""

from __future__ import annotations

import re

from gateway.errors import Problem
from gateway.messages.mask import shown
from gateway.messages.schema import Field

FORBIDDEN = re.compile("[^\\t\\n\\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 cannot carry: most controls, NUL, lone surrogates, U+FFFE and U+FFFF."""
PLAIN_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")


def legal(text: str) -> bool:
    """Whether XML can carry the text."""
    return FORBIDDEN.search(text) is None


def fault(field: Field, text: str, path: str) -> Problem | None:
    """The first thing wrong with the text of a field, or None."""
    found = _number_fault(field, text) if field.is_number else _text_fault(field, text)
    if found is None:
        return None
    code, zh, en = found
    return Problem(
        path=path, field=field.name, code=code, value=printable(field, text),
        zh=f"{field.zh}（{field.name}）{zh}", en=f"{field.en} ({field.name}) {en}",
    )  # fmt: skip


def printable(field: Field, text: str) -> str:
    """The value as a problem shows it: masked if personal, cut, without illegal characters."""
    return safe(shown(text, personal=field.personal))


def safe(text: str) -> str:
    """A text that somebody sent, cut and without characters that an answer could not carry."""
    return FORBIDDEN.sub("\ufffd", shown(text, personal=False))


def _number_fault(field: Field, text: str) -> tuple[str, str, str] | None:
    if field.pattern is None or re.fullmatch(field.pattern, text):
        return None
    if PLAIN_NUMBER.fullmatch(text):
        fraction = field.fraction_digits or 0
        whole = (field.total_digits or 0) - fraction
        zh, en = f"整数部分最多 {whole} 位", f"has at most {whole} digits"
        if fraction:
            zh, en = f"{zh}，小数最多 {fraction} 位", f"{en} and {fraction} after the point"
        return "S-digits", zh, en
    return (
        "S-type",
        "应为不带符号、指数和千位分隔符的普通数字",
        "must be a number in plain notation: no sign, exponent or thousands mark",
    )


def _text_fault(field: Field, text: str) -> tuple[str, str, str] | None:  # noqa: PLR0911 - one a fault
    if (found := FORBIDDEN.search(text)) is not None:
        mark = f"U+{ord(found[0]):04X}"
        return "S-characters", f"含有 XML 不允许的字符 {mark}", f"holds {mark}, which XML forbids"
    if field.values and text not in field.values:
        listed = " ".join(field.values)
        return "S-value", f"只能是 {listed}", f"must be one of: {listed}"
    low, high = field.min_length, field.max_length
    if low == high and len(text) != low and not field.values:
        return "S-length", f"应为 {low} 个字符", f"must have {low} characters, found {len(text)}"
    if high is not None and len(text) > high:
        return (
            "S-length",
            f"最多 {high} 个字符",
            f"has at most {high} characters, found {len(text)}",
        )
    if len(text) < low:
        if not text:
            return "S-length", "不能为空", "must not be empty; leave it out when there is no value"
        return "S-length", f"至少 {low} 个字符", f"has at least {low} characters"
    if field.pattern is not None and not re.fullmatch(field.pattern, text):
        return "S-format", f"格式应为 {field.pattern}", f"must match {field.pattern}"
    return None
