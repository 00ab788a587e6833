"""Comparing what the gateway accepted with what the authority's ledger holds; pure.

lost            documents that were accepted, yet stand neither in the ledger nor in an open
                discrepancy; a version that a later one replaced before it was sent does not count
declared_twice  keys for which, after the authority took a declaration, another message declared
                the same key anew (appType 1) without a refusal or return between, whether the
                authority refused it or not
resent          messages that came again with the same bytes, once for each time
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

NEW = "1"
TURNED_DOWN = frozenset({"refused", "returned"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A document version that the gateway accepted or derived."""

    id: str
    kind: str
    replaced: bool = False
    """A later version took its place before it was ever sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of the authority's ledger: a declaration that it saw, or one that it turned down.

    `verdict`: taken, duplicate, refused or returned. `later` says that the entry is about a
    declaration seen before: it was turned down after it had been taken.
    """

    type: str
    key: str
    guid: str
    app_type: str
    message_id: str
    message_digest: str
    verdict: str
    later: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """The result; see the module."""

    lost: int
    declared_twice: int
    resent: int


def compare(
    documents: Iterable[Accepted], in_discrepancy: Collection[str], entries: Iterable[Entry]
) -> Counts:
    """Compare the two sides.

    `in_discrepancy` holds the ids of documents that an open discrepancy is about; `entries` are
    all of the ledger, in its order.
    """
    known = list(entries)
    declared = {one.guid for one in known}
    lost = {
        one.id
        for one in documents
        if not one.replaced and one.id not in declared and one.id not in in_discrepancy
    }
    return Counts(lost=len(lost), declared_twice=len(_twice(known)), resent=_resent(known))


def _twice(entries: Iterable[Entry]) -> set[tuple[str, str]]:
    """Keys declared anew while a declaration of theirs lived."""
    living: dict[tuple[str, str], str] = {}
    twice = set()
    for one in entries:
        key = (one.type, one.key)
        message = living.get(key)
        if one.verdict in TURNED_DOWN and (one.later or message in (None, one.message_digest)):
            living.pop(key, None)
        elif message is None:
            if one.verdict == "taken":
                living[key] = one.message_digest
        elif one.message_digest != message:
            if one.app_type == NEW:
                twice.add(key)
            elif one.verdict == "taken":
                living[key] = one.message_digest
    return twice


def _resent(entries: Iterable[Entry]) -> int:
    """A message came as often as any of its documents was seen in it."""
    seen: Counter[tuple[str, str, str, str]] = Counter(
        (one.message_id, one.message_digest, one.type, one.guid) for one in entries if not one.later
    )
    times: dict[tuple[str, str], int] = {}
    for (message_id, digest, _, _), number in seen.items():
        times[message_id, digest] = max(number, times.get((message_id, digest), 0))
    return sum(number - 1 for number in times.values())


def read_entry(entry: Mapping[str, Any]) -> Entry:
    """An entry as the simulator's HTTP answer gives it; a later verdict carries no appType."""
    return Entry(
        type=entry["type"],
        key="|".join(f"{name}={value}" for name, value in sorted(entry["key"].items())),
        guid=entry["guid"],
        app_type=entry["appType"],
        message_id=entry["message_id"],
        message_digest=entry["message_digest"],
        verdict=entry["verdict"],
        later=not entry["appType"],
    )
