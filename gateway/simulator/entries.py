"""Receipt entries: made here, held back as steered, joined into messages and sealed."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from gateway.messages import Catalogue, assemble, write
from gateway.model import Content
from gateway.simulator.documents import Declared, to_json
from gateway.simulator.envelope import wrap
from gateway.simulator.kinds import RETURN_INFO_MAX, Kinds
from gateway.simulator.message import REFUSED, Unreadable, original_text
from gateway.simulator.scenarios import PLAIN, Scenarios, Steering
from gateway.simulator.store import Store
from gateway.telemetry import SHANGHAI, new_id

ENTRIES_MAX = 100
"""Entries of one receipt message (CEB field tables: *Return, at most 100)."""
FORMED_MAX = 5000
"""Entries that one transaction puts into messages."""
ENDS = frozenset({"100", "899"})
"""Statuses after which nothing else comes, so that nothing may be held back any longer."""

_INSERT = (
    "INSERT INTO entries (due, document, after, receiver, type, content, copies, alone)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)
_RELEASE = "UPDATE entries SET due = ? WHERE due IS NULL AND document = ? AND (after = ? OR ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A receipt message that waits to be delivered; `body` is the DxpMsg."""

    id: int
    message_id: str
    receiver: str
    type: str
    copies: int
    body: bytes


class Entries:
    """Makes entries inside the caller's transaction."""

    def __init__(self, store: Store, kinds: Kinds, scenarios: Scenarios, pace_ms: int) -> None:
        self._store = store
        self._kinds = kinds
        self._scenarios = scenarios
        self._pace_ms = pace_ms

    def give(self, document: Declared, status: str, info: str, now: int) -> None:
        """An entry for a declaration that was taken; moves its newest returnTime."""
        kind = self._kinds.types[document.type]
        document.last_time = max(now, document.last_time + 1)
        steering = self._scenarios.steering(kind.kind, document.scenarios)
        handing = steering.handing.get(status)
        due: int | None = now + handing.late_paces * self._pace_ms if handing else now
        if handing is not None and handing.after:
            due = None
        content = {
            **document.echo,
            "returnStatus": status,
            "returnTime": return_time(document.last_time),
            "returnInfo": info,
        }
        after = handing.after if handing else ""
        target = (document.receiver, kind.receipt)
        self._add(due, document.id, after, target, content, steering)
        if due is not None and any(one.after for one in steering.handing.values()):
            row = (due + self._pace_ms, document.id, status, status in ENDS)
            self._store.later(_RELEASE, row)

    def refuse(
        self, target: tuple[str, str], echo: dict[str, str], status: str, info: str, at: int
    ) -> None:
        """An entry for a declaration that was not taken; `target` is receiver and receipt type."""
        content = {
            **echo,
            "returnStatus": status,
            "returnTime": return_time(at),
            "returnInfo": info,
        }
        self._add(at, None, "", target, content, PLAIN)

    def _add(
        self,
        due: int | None,
        document: int | None,
        after: str,
        target: tuple[str, str],
        content: dict[str, str],
        steering: Steering,
    ) -> None:
        content["returnInfo"] = content["returnInfo"][:RETURN_INFO_MAX]
        content["guid"] = new_id()
        text = to_json(content)
        row = (due, document, after, *target, text, steering.copies, steering.alone)
        self._store.later(_INSERT, row)


class Receipts:
    """The durable way out: entries that are due become messages, messages stay until delivered."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self._store = store
        self._catalogue = catalogue

    def form(self, now: int) -> None:
        """Put every entry that is due into a message, inside the caller's transaction."""
        rows = self._store.rows(
            "SELECT id, receiver, type, content, copies, alone FROM entries"
            " WHERE due <= ? ORDER BY due, id LIMIT ?",
            (now, FORMED_MAX),
        )
        chunks: list[list[Any]] = []
        open_chunks: dict[tuple[str, str], list[Any]] = {}
        for row in rows:
            chunk = open_chunks.get(row[1:3])
            if chunk is None or row[5] or len(chunk) == ENTRIES_MAX:
                chunk = []
                chunks.append(chunk)
                if not row[5]:
                    open_chunks[row[1:3]] = chunk
            chunk.append(row)
        at = datetime.fromtimestamp(now / 1000, UTC)
        self._insert([self._message(chunk, at) for chunk in chunks])
        self._store.run_many("DELETE FROM entries WHERE id = ?", [row[:1] for row in rows])

    def refuse_message(
        self, receiver: str, message_id: str, message: bytes, fault: Unreadable, now: int
    ) -> None:
        """CEB900: the whole message is refused, and comes back with it."""
        content = {
            "guid": new_id(),
            "returnStatus": REFUSED,
            "returnInfo": fault.info,
            "returnTime": return_time(now),
            "oriCopMsgId": message_id,
            "oriMessageType": fault.message_type,
            "oriBizMessage": original_text(message),
        }
        at = datetime.fromtimestamp(now / 1000, UTC)
        self._insert([self._row((receiver, "CEB900"), [content], 1, at)])

    def waiting(self, receiver: str, limit: int) -> list[Receipt]:
        """The next messages for a receiver, in the order in which they go."""
        rows = self._store.rows(
            "SELECT id, message_id, receiver, type, copies, body FROM receipts"
            " WHERE receiver = ? ORDER BY id LIMIT ?",
            (receiver, limit),
        )
        return [
            Receipt(
                id=row[0], message_id=row[1], receiver=row[2], type=row[3], copies=row[4],
                body=self._store.secrets.open(row[5], row[1]),
            )
            for row in rows
        ]  # fmt: skip

    def receivers(self) -> list[str]:
        """Everybody for whom a message waits."""
        return [row[0] for row in self._store.rows("SELECT DISTINCT receiver FROM receipts")]

    def counts(self) -> dict[str, int]:
        """How much is on its way out."""
        return {
            "entries": int(self._store.rows("SELECT count(*) FROM entries")[0][0]),
            "receipts": int(self._store.rows("SELECT count(*) FROM receipts")[0][0]),
        }

    def delivered(self, ids: Sequence[int]) -> None:
        """Forget messages that were answered with 200."""
        with self._store.transaction():
            self._store.run_many("DELETE FROM receipts WHERE id = ?", [(one,) for one in ids])

    def _message(self, chunk: Sequence[Any], at: datetime) -> tuple[Any, ...]:
        contents = [json.loads(row[3]) for row in chunk]
        copies = max(row[4] for row in chunk)
        return self._row(chunk[0][1:3], contents, copies, at)

    def _row(
        self, target: tuple[str, str], contents: Sequence[dict[str, str]], copies: int, at: datetime
    ) -> tuple[Any, ...]:
        receiver, name = target
        type_ = self._catalogue.type(name)
        fragments = [write(type_, Content(content)) for content in contents]
        message_id = new_id()
        data = assemble(type_, new_id(), fragments, None).data
        body = wrap(data, message_id, receiver, type_.schema.root, at)
        sealed = self._store.secrets.seal(body, message_id)
        return message_id, receiver, name, copies, sealed

    def _insert(self, rows: Sequence[tuple[Any, ...]]) -> None:
        self._store.run_many(
            "INSERT INTO receipts (message_id, receiver, type, copies, body)"
            " VALUES (?, ?, ?, ?, ?)",
            rows,
        )


def return_time(milliseconds: int) -> str:
    """returnTime: 17 digits, yyyyMMddHHmmssSSS in Asia/Shanghai."""
    seconds, rest = divmod(milliseconds, 1000)
    return f"{datetime.fromtimestamp(seconds, SHANGHAI):%Y%m%d%H%M%S}{rest:03d}"
