"""Registers, dated, and API keys."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, text

from gateway.store.tables.metadata import metadata
from gateway.store.types import Code, Id, Json, UtcTime


def _register(name: str, *keys: Column[str], extra: tuple[Column[object], ...] = ()) -> Table:
    """A register: dated versions of one record, the one without `valid_to` being in force."""
    table = Table(
        name,
        metadata,
        Column("id", Id, primary_key=True),
        *keys,
        Column("version", Integer, nullable=False),
        Column("valid_from", UtcTime, nullable=False),
        Column("valid_to", UtcTime),
        Column("body", Json, nullable=False),
        *extra,
    )
    Index(
        f"uq_{name}_current",
        *(table.c[key.name] for key in keys),
        unique=True,
        sqlite_where=text("valid_to IS NULL"),
        postgresql_where=text("valid_to IS NULL"),
    )
    return table


enterprises = _register(
    "enterprises",
    Column("code", Code, nullable=False),
    extra=(Column("credit_code", Code), Column("name", String(100), nullable=False)),
)
Index("ix_enterprises_credit_code", enterprises.c.credit_code)

key_profiles = _register(
    "key_profiles",
    Column("profile", String(64), nullable=False),
    extra=(
        Column("enterprise", Code, nullable=False, index=True),
        Column("paused_at", UtcTime),
        Column("paused_reason", String(64)),
    ),
)

mandates = _register(
    "mandates",
    Column("mandate", String(64), nullable=False),
    extra=(
        Column("principal", Code, nullable=False, index=True),
        Column("holder", Code, nullable=False, index=True),
    ),
)

goods = _register(
    "goods",
    Column("ebc_code", Code, nullable=False),
    Column("item_no", String(30), nullable=False),
    Column("direction", String(1), nullable=False),
)

declarant_profiles = _register(
    "declarant_profiles",
    Column("agent_code", Code, nullable=False),
    Column("mode", String(32), nullable=False),
    Column("customs_code", String(4), nullable=False),
    Column("ebc_code", Code, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("prefix", String(12), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("role", String(16), nullable=False),
    Column("enterprise", Code, nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("revoked_at", UtcTime),
)
