"""The audit record: who did what to which subject, each row chained to the one before.

The digest of a row covers its number, its content and the digest before it, so a changed, removed
or inserted row shows. Rows cut off at the end show only against a digest kept elsewhere.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, insert, select

from gateway.store.racing import Turn, take_turn
from gateway.store.tables import audit

START = "0" * 64
"""The digest before the first row."""

VERIFY_PAGE_ROWS = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Action:
    """One action to record. `detail` holds codes and names of fields, never personal data."""

    actor: str
    action: str
    subject: str
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Break:
    """The first row at which the chain does not hold."""

    seq: int
    reason: str


def append(connection: Connection, actions: Sequence[Action], at: datetime) -> None:
    """Record actions in order, in the caller's transaction: it does not happen unrecorded.

    One transaction at a time, because each row holds the digest of the one before.
    """
    if not actions:
        return
    take_turn(connection, Turn.AUDIT)
    last = connection.execute(
        select(audit.c.seq, audit.c.digest).order_by(audit.c.seq.desc()).limit(1)
    ).first()
    seq, previous = (last.seq, last.digest) if last else (0, START)
    rows = []
    for one in actions:
        seq += 1
        digest = _digest(seq, at, one, previous)
        rows.append(
            {
                "seq": seq,
                "at": at,
                "actor": one.actor,
                "action": one.action,
                "subject": one.subject,
                "detail": one.detail,
                "previous": previous,
                "digest": digest,
            }
        )
        previous = digest
    connection.execute(insert(audit), rows)


def verify(connection: Connection) -> Break | None:
    """Walk the whole chain; the first fault, or None."""
    expected, previous = 1, START
    while True:
        rows = connection.execute(
            select(audit)
            .where(audit.c.seq >= expected)
            .order_by(audit.c.seq)
            .limit(VERIFY_PAGE_ROWS)
        ).all()
        for row in rows:
            if row.seq != expected:
                return Break(seq=expected, reason="missing")
            action = Action(
                actor=row.actor, action=row.action, subject=row.subject, detail=row.detail
            )
            if row.previous != previous or row.digest != _digest(row.seq, row.at, action, previous):
                return Break(seq=row.seq, reason="changed")
            expected, previous = expected + 1, row.digest
        if len(rows) < VERIFY_PAGE_ROWS:
            return None


def _digest(seq: int, at: datetime, one: Action, previous: str) -> str:
    parts = [
        seq,
        at.astimezone(UTC).isoformat(timespec="microseconds"),
        one.actor,
        one.action,
        one.subject,
        one.detail,
        previous,
    ]
    return hashlib.sha256(json.dumps(parts, ensure_ascii=False).encode()).hexdigest()
