"""Business keys as one text, so that every engine compares them alike.

A key text is the compact JSON array of the key's values in the order of the row. Enterprise
codes are replaced by the identity of their enterprise first: 10 and 18 characters name the same
one, and a document must not be declared twice because a client changed from one to the other.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence

Identity = Callable[[str], str]
"""An enterprise code to the one code that stands for its enterprise."""

CODE_SUFFIX = "Code"


def key_text(names: Sequence[str], values: Mapping[str, str], identity: Identity) -> str:
    """The key text of a document or a receipt entry; a missing value counts as empty."""
    parts = [
        identity(values.get(name, "")) if name.endswith(CODE_SUFFIX) else values.get(name, "")
        for name in names
    ]
    return json.dumps(parts, ensure_ascii=False, separators=(",", ":"))


def key_values(names: Sequence[str], text: str) -> dict[str, str]:
    """A key text as the JSON object of the API: official names to values."""
    return dict(zip(names, json.loads(text), strict=True))
