"""Statements for the outbox: what must still be handed to the broker."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, delete, func, select, update

from gateway.store.tables import outbox


def due(connection: Connection, now: datetime, limit: int) -> Sequence[RowMapping]:
    """Outbox rows whose time has come, oldest first."""
    return (
        connection.execute(
            select(outbox).where(outbox.c.next_at <= now).order_by(outbox.c.next_at).limit(limit)
        )
        .mappings()
        .all()
    )


def count(connection: Connection) -> int:
    """How many batches wait: the backlog that bounds intake."""
    return connection.execute(select(func.count()).select_from(outbox)).scalar_one()


def remove(connection: Connection, ids: Sequence[str]) -> None:
    """The broker is responsible for these now."""
    if ids:
        connection.execute(delete(outbox).where(outbox.c.id.in_(list(ids))))


def postpone(connection: Connection, row_id: str, until: datetime) -> None:
    """Try again later; counts the try."""
    connection.execute(
        update(outbox).where(outbox.c.id == row_id).values(next_at=until, tries=outbox.c.tries + 1)
    )


def hasten(connection: Connection, now: datetime) -> None:
    """At the start of the only process of a store: nothing is in flight, so all is due."""
    connection.execute(update(outbox).where(outbox.c.next_at > now).values(next_at=now))
