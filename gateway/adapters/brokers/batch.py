"""A batch as a broker message: a JSON array of ids, and what happened to it in headers."""

from __future__ import annotations

import json
from collections.abc import Sequence

ID_LENGTH_MAX = 64

QUEUE = "gateway-queue"
"""Header: the queue of the gateway that the batch belongs to."""
TRIES = "gateway-tries"
"""Header: how often its handler failed."""
REASON = "gateway-reason"
"""Header: why it waits or is parked; codes and class names, never what stood in a document."""


class Unreadable(ValueError):
    """A broker message that is no batch; the text tells why, without its content."""


def encode(ids: Sequence[str], most: int) -> bytes:
    """The body of a batch of 1 to `most` ids."""
    if not 0 < len(ids) <= most:
        raise ValueError(f"a batch holds 1 to {most} ids, not {len(ids)}")
    return json.dumps(list(ids), ensure_ascii=False, separators=(",", ":")).encode()


def decode(body: bytes, most: int) -> list[str]:
    """The ids of a batch. Raises Unreadable."""
    if len(body) > most * (ID_LENGTH_MAX * 4 + 4):
        raise Unreadable("too long")
    try:
        ids = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise Unreadable("no JSON") from error
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise Unreadable("no array of texts")
    if not 0 < len(ids) <= most:
        raise Unreadable(f"not 1 to {most} ids")
    if not all(0 < len(one) <= ID_LENGTH_MAX for one in ids):
        raise Unreadable(f"an id is empty or longer than {ID_LENGTH_MAX}")
    return ids


def tries(headers: dict[str, object]) -> int:
    """How often the handler of this batch failed; 0 where a foreign client wrote something else."""
    found = headers.get(TRIES, 0)
    return found if isinstance(found, int) and not isinstance(found, bool) and found > 0 else 0
