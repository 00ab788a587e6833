"""Statements for the outbox: what must still be handed to the broker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import Connection, RowMapping, delete, func, insert, select, update

from gateway.ports import OutboxRow
from gateway.store.tables import outbox
from gateway.telemetry import new_id

BATCH_IDS_MAX = 100
"""Ids in one outbox row, and so in one batch of the broker."""

RECONSIDERING = "reconsidering"
"""The queue of registers that changed: held consignments are looked at again."""
RESUMPTION = "resumption"
"""The queue of key profiles that may sign again."""

LEASE = timedelta(seconds=30)
"""How long the committing process has a new outbox row for itself before a sweeper takes it."""


def is_due(connection: Connection, now: datetime) -> bool:
    """Whether the time of an outbox row has come."""
    found = connection.execute(select(outbox.c.id).where(outbox.c.next_at <= now).limit(1))
    return found.first() is not None


def take_due(
    connection: Connection, now: datetime, limit: int, *, lease: timedelta = LEASE
) -> Sequence[RowMapping]:
    """Outbox rows whose time has come, oldest first; no other process gets them before `lease`."""
    rows = (
        connection.execute(
            select(outbox)
            .where(outbox.c.next_at <= now)
            .order_by(outbox.c.next_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        .mappings()
        .all()
    )
    if rows:
        ids = [row["id"] for row in rows]
        connection.execute(update(outbox).where(outbox.c.id.in_(ids)).values(next_at=now + lease))
    return rows


def count(connection: Connection) -> int:
    """How many batches were not tried yet: the backlog that bounds intake.

    What is postponed (a paused key) holds up its own enterprise, not everybody.
    """
    waiting = select(func.count()).select_from(outbox).where(outbox.c.tries == 0)
    return connection.execute(waiting).scalar_one()


def remove(connection: Connection, ids: Sequence[str]) -> None:
    """The broker is responsible for these now."""
    if ids:
        connection.execute(delete(outbox).where(outbox.c.id.in_(list(ids))))


def postpone(connection: Connection, row_id: str, until: datetime) -> None:
    """Try again later; counts the try."""
    connection.execute(
        update(outbox).where(outbox.c.id == row_id).values(next_at=until, tries=outbox.c.tries + 1)
    )


def hasten(connection: Connection, now: datetime, queue: str | None = None) -> None:
    """All rows are due when the only process starts; those of a queue when its wait is over."""
    later = update(outbox).where(outbox.c.next_at > now)
    if queue is not None:
        later = later.where(outbox.c.queue == queue, outbox.c.tries > 0)
    connection.execute(later.values(next_at=now))


def post(
    connection: Connection,
    batches: Iterable[tuple[str, Sequence[str]]],
    at: datetime,
    *,
    lease: timedelta = LEASE,
) -> list[OutboxRow]:
    """Write outbox rows of bounded size; what they hold, to announce after the commit.

    Who cannot announce gives no lease: the next sweep takes the rows.
    """
    rows = [
        (new_id(), queue, list(ids[start : start + BATCH_IDS_MAX]))
        for queue, ids in batches
        for start in range(0, len(ids), BATCH_IDS_MAX)
    ]
    if rows:
        connection.execute(
            insert(outbox),
            [
                {"id": row, "queue": queue, "ids": ids, "next_at": at + lease}
                for row, queue, ids in rows
            ],
        )
    return rows
