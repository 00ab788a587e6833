"""Events, the outbox, the reconciliation queue and the audit chain."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, Integer, String, Table, Text, text

from gateway.store.tables.metadata import metadata
from gateway.store.types import CurrentTransaction, Id, Json, Sequence, UtcTime

events = Table(
    "events",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("name", String(32), nullable=False),
    Column("document_id", Id, index=True),
    Column("consignment_id", Id, index=True),
    Column("state", String(20)),
    Column("detail", Json),
    Column("correlation", String(36)),
    Column("xact", BigInteger, nullable=False, server_default=CurrentTransaction()),
    sqlite_autoincrement=True,
)
"""Append-only history. A row with a document and a state is a change that its parties see.
`xact` is the transaction that wrote the row: of several writers the one with the smaller number
`seq` may commit later, so PostgreSQL's readers go by the transaction first (`views.changes`)."""
Index("ix_events_xact_seq", events.c.xact, events.c.seq)

outbox = Table(
    "outbox",
    metadata,
    Column("id", Id, primary_key=True),
    Column("queue", String(32), nullable=False),
    Column("ids", Json, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("next_at", UtcTime, nullable=False, index=True),
)

discrepancies = Table(
    "discrepancies",
    metadata,
    Column("id", Id, primary_key=True),
    Column("code", String(32), nullable=False),
    Column("subject_kind", String(16), nullable=False),
    Column("subject_id", Id, nullable=False),
    Column("consignment_id", Id, index=True),
    Column("document_id", Id, index=True),
    Column("parties", String(400), nullable=False),
    Column("state", String(8), nullable=False),
    Column("detail", Json, nullable=False),
    Column("opened_at", UtcTime, nullable=False, index=True),
    Column("closed_at", UtcTime),
    Column("resolution", String(32)),
)
Index(
    "uq_discrepancies_open",
    discrepancies.c.subject_id,
    discrepancies.c.code,
    unique=True,
    sqlite_where=text("state = 'open'"),
    postgresql_where=text("state = 'open'"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Sequence, primary_key=True, autoincrement=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("action", String(32), nullable=False),
    Column("subject", String(128), nullable=False),
    Column("detail", Text, nullable=False),
    Column("previous", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    sqlite_autoincrement=True,
)
"""Hash-chained record of operator, admin, key and setting actions."""
