"""The ledger: every declaration of a document that customs read, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from gateway.simulator.documents import Declared, to_json
from gateway.simulator.store import Store

TAKEN = "taken"
DUPLICATE = "duplicate"
REFUSED = "refused"
RETURNED = "returned"
ENTRIES_MAX = 10_000

_COLUMNS = (
    "at", "type", "key", "guid", "app_type", "message_id", "message_digest", "document_digest",
    "verdict", "status",
)  # fmt: skip
_INSERT = (
    f"INSERT INTO ledger ({', '.join(_COLUMNS)})"  # noqa: S608 - names of our own columns
    f" VALUES ({', '.join('?' * len(_COLUMNS))})"
)


class Ledger:
    """Takes entries inside the caller's transaction, and shows those of all."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(  # noqa: PLR0913 - the columns of an entry
        self,
        *,
        at: int,
        type_: str,
        key: Mapping[str, str],
        guid: str,
        app_type: str,
        message: tuple[str, str],
        digest: str,
        verdict: str,
        status: str,
    ) -> None:
        """One declaration seen; `message` is its CopMsgId and the SHA-256 of its bytes."""
        text = to_json(key)
        row = (at, type_, text, guid, app_type, *message, digest, verdict, status)
        self._store.later(_INSERT, row)

    def add_later(self, document: Declared, key: Mapping[str, str], at: int) -> None:
        """A declaration that was taken and is now returned."""
        self.add(
            at=at,
            type_=document.type,
            key=key,
            guid=document.guid,
            app_type="",
            message=(document.message_id, document.message_digest),
            digest=document.digest,
            verdict=RETURNED,
            status=document.status,
        )

    def page(self, after: int, limit: int) -> dict[str, Any]:
        """Entries after that number: {"entries": […], "next": the number to go on from}."""
        rows = self._store.rows(
            f"SELECT seq, {', '.join(_COLUMNS)} FROM ledger"  # noqa: S608 - likewise
            " WHERE seq > ? ORDER BY seq LIMIT ?",
            (after, min(limit, ENTRIES_MAX)),
        )
        entries = [_entry(row) for row in rows]
        return {"entries": entries, "next": entries[-1]["seq"] if entries else after}


def _entry(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ("seq", "at", "type", "key", "guid", "appType", *_COLUMNS[5:])
    shown = dict(zip(names, row, strict=True))
    shown["at"] = datetime.fromtimestamp(row[1] / 1000, UTC).isoformat(timespec="milliseconds")
    shown["key"] = json.loads(row[3])
    return shown
