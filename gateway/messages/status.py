"""What the text of a receipt says, and whether a partner document stands.

returnInfo is free text that may hold blocks [Code:n;Desc:text]; the caller keeps the whole text,
since texts without a code exist. Sources: customs receipts of all kinds; a failed match may come
back on the order, the list, or both, so each code is read on each document.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from gateway.messages.modes import load_modes
from gateway.messages.rule_table import read_toml, record_of

# Half-width and full-width punctuation were both seen.
_CODE = re.compile(r"\[\s*Code\s*[:：]\s*(-?[0-9]{1,10})\s*[;；\]]", re.IGNORECASE)
_GUID = re.compile(r"\[([0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12})\]")


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnCode:
    """One known code of customs: what it says, whether it refuses, whether to try again.

    `rule` names the rule of ours that finds the same fault first, or is empty.
    """

    code: str
    zh: str
    en: str
    failure: bool = False
    retry: bool = False
    rule: str = ""


@cache
def return_codes() -> Mapping[str, ReturnCode]:
    """Every known code of a receipt's text."""
    return {
        code: record_of(code, ReturnCode, {"code": code, **given}, {})
        for code, given in read_toml("return_codes.toml").items()
    }


def parse_return_codes(info: str) -> tuple[str, ...]:
    """The codes of a receipt's text in order, each once; () for a text without."""
    return tuple(dict.fromkeys(_CODE.findall(info)))


def named_guid(info: str) -> str | None:
    """The first guid in square brackets, in upper case: the document version it speaks of."""
    found = _GUID.search(info)
    return found.group(1).upper() if found else None


def partner_ready(status: str | None, info_codes: Sequence[str]) -> bool:
    """Whether an order, payment or waybill stands, so that the inventory may go.

    `status` is its newest returnStatus, None before any receipt; `info_codes` are the codes of
    that receipt's text. A code that is not known neither helps nor holds.
    """
    if status is None or status not in load_modes().accepted_statuses:
        return False
    known = return_codes()
    return not any(code in known and known[code].failure for code in info_codes)
