"""Hides personal data in what people are shown."""

from __future__ import annotations

STARS_MAX = 10
SHORT = 3
SHOWN_MAX = 120


def mask(value: str) -> str:
    """Keep the first and the last character; a text of three or fewer is hidden whole."""
    if len(value) <= SHORT:
        return "***"
    return value[0] + "*" * min(len(value) - 2, STARS_MAX) + value[-1]


def shown(value: str, *, personal: bool) -> str:
    """A value as a problem may show it: masked when personal, cut when long."""
    if personal:
        return mask(value)
    return value if len(value) <= SHOWN_MAX else value[:SHOWN_MAX] + "…"
