"""Statements for API keys; the store knows a key by its SHA-256 alone."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, insert, select, update

from gateway.store.tables import api_keys


def add(connection: Connection, row: dict[str, Any]) -> None:
    """A new key: id, prefix, digest, role, enterprise, created_at."""
    connection.execute(insert(api_keys), row)


def by_digest(connection: Connection, digest: str) -> RowMapping | None:
    """The key with this digest, unless it was revoked."""
    return (
        connection.execute(
            select(api_keys).where(api_keys.c.digest == digest, api_keys.c.revoked_at.is_(None))
        )
        .mappings()
        .first()
    )


def revoke(connection: Connection, key_id: str, at: datetime) -> RowMapping | None:
    """Revoke a key; the row as it was, or None when there is no such key in force."""
    row = (
        connection.execute(
            select(api_keys)
            .where(api_keys.c.id == key_id, api_keys.c.revoked_at.is_(None))
            .with_for_update()
        )
        .mappings()
        .first()
    )
    if row is not None:
        connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(revoked_at=at))
    return row


def listing(connection: Connection, *, after: str | None, limit: int) -> list[RowMapping]:
    """Keys in the order of their making, the revoked ones too; the digest stays in the store."""
    columns = [column for column in api_keys.c if column.name != "digest"]
    query = select(*columns).order_by(api_keys.c.id).limit(limit)
    if after is not None:
        query = query.where(api_keys.c.id > after)
    return list(connection.execute(query).mappings())
