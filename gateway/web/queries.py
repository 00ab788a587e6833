"""Query parameters, checked; what is wrong is a 400 that names the parameter."""

from __future__ import annotations

import json
import re
from collections.abc import Collection

from aiohttp import web

from gateway.errors import Refused
from gateway.store.views import Cursor

LIMIT_DEFAULT = 100
LIMIT_MAX = 1_000
TEXT_CHARACTERS_MAX = 100
CURSOR_CHARACTERS_MAX = 400
COUNT = re.compile(r"[1-9][0-9]{0,3}")
PLACE = re.compile(r"(?:([0-9]{1,18})-)?([0-9]{1,18})")
"""A cursor of changes: the number of an event, before it that of its transaction if it has one."""


def check_names(request: web.Request, known: Collection[str]) -> None:
    """Refuse a parameter that is not known: a misspelt filter would show everything."""
    for name in request.query:
        if name not in known:
            raise Refused(
                400, "S-query", f"没有参数 {name}。", f"There is no parameter {name} here."
            )
        if len(request.query.getall(name)) > 1:
            raise bad(name, "只能给一次。", "is given more than once.")


def limit_of(request: web.Request) -> int:
    """How many entries a page may have."""
    text = request.query.get("limit", str(LIMIT_DEFAULT))
    if not COUNT.fullmatch(text) or int(text) > LIMIT_MAX:
        raise bad("limit", f"应为 1 至 {LIMIT_MAX}。", f"is a number from 1 to {LIMIT_MAX}.")
    return int(text)


def place_of(request: web.Request) -> Cursor:
    """The cursor of changes; absent or empty: from the start."""
    found = PLACE.fullmatch(request.query.get("after") or "0")
    if found is None:
        raise bad("after", "不是本接口给出的游标。", "is no cursor of this address.")
    return int(found[1] or 0), int(found[2])


def place_text(place: Cursor) -> str:
    """The cursor as the caller gets it; `place_of` reads it."""
    transaction, number = place
    return f"{transaction}-{number}" if transaction else str(number)


def text_of(request: web.Request, name: str, values: Collection[str] = ()) -> str | None:
    """A parameter as text; None when it is absent or empty."""
    text = request.query.get(name)
    if not text:
        return None
    if len(text) > TEXT_CHARACTERS_MAX:
        raise bad(name, "过长。", "is too long.")
    if values and text not in values:
        raise bad(name, f"应为 {' '.join(values)} 之一。", f"is one of {' '.join(values)}.")
    return text


def needed(request: web.Request, name: str, values: Collection[str] = ()) -> str:
    """A parameter that must be there."""
    text = text_of(request, name, values)
    if text is None:
        raise bad(name, "必填。", "is required.")
    return text


def record_cursor(request: web.Request, parts: int) -> tuple[str, ...] | None:
    """The cursor of a register: the key of the record before."""
    text = request.query.get("after")
    if not text:
        return None
    try:
        key = json.loads(text[:CURSOR_CHARACTERS_MAX])
    except ValueError:
        key = None
    if not isinstance(key, list) or len(key) != parts or not all(isinstance(p, str) for p in key):
        raise bad("after", "不是本接口给出的游标。", "is no cursor of this address.")
    return tuple(key)


def bad(name: str, zh: str, en: str) -> Refused:
    """A 400 that names the parameter."""
    return Refused(400, "S-query", f"参数 {name} {zh}", f"The parameter {name} {en}")
