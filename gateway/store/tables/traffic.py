"""Messages, attempts, receipts and their entries."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, text

from gateway.store.tables.metadata import metadata
from gateway.store.types import Blob, Id, Json, UtcTime

messages = Table(
    "messages",
    metadata,
    Column("id", Id, primary_key=True),
    Column("authority", String(16), nullable=False),
    Column("type", String(16), nullable=False),
    Column("key_profile", String(64), nullable=False),
    Column("signature_set", String(24), nullable=False),
    Column("sender", String(30), nullable=False),
    Column("receiver", String(30), nullable=False),
    Column("head", Blob, nullable=False),
    Column("tail", Blob, nullable=False),
    Column("document_ids", Json, nullable=False),
    Column("digest", String(64), nullable=False),
    Column("wire_digest", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("next_attempt_at", UtcTime),
    Column("refused_code", String(16)),
    Column("split_from", Id),
    Column("splits", Integer, nullable=False, server_default="0"),
    Column("correlation", String(36), nullable=False),
    Column("created_at", UtcTime, nullable=False),
)
"""A signed message as a recipe: head, fragments in this order, tail with the signature. The
joined bytes must give `digest`, the wrapped ones `wire_digest`, before each send. `id` is the
CopMsgId and the root's guid."""
Index(
    "ix_messages_next_attempt_at",
    messages.c.next_attempt_at,
    sqlite_where=text("next_attempt_at IS NOT NULL"),
    postgresql_where=text("next_attempt_at IS NOT NULL"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("message_id", Id, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("started_at", UtcTime, nullable=False),
    Column("ended_at", UtcTime),
    Column("outcome", String(16)),
    Column("code", String(16)),
    Column("fault", String(64)),
)
"""The intent to send, committed before the first byte leaves, and how it ended."""

receipts = Table(
    "receipts",
    metadata,
    Column("id", Id, primary_key=True),
    Column("authority", String(16), nullable=False),
    Column("digest", String(64), nullable=False),
    Column("sealed_data", Blob, nullable=False),
    Column("data_key", String(16), nullable=False),
    Column("type", String(16)),
    Column("state", String(16), nullable=False),
    Column("received_at", UtcTime, nullable=False),
)
"""Receipt bytes as they came, stored before anything is read. State: stored, read, unreadable."""

receipt_entries = Table(
    "receipt_entries",
    metadata,
    Column("id", Id, primary_key=True),
    Column("receipt_id", Id, nullable=False, index=True),
    Column("digest", String(64), nullable=False, unique=True),
    Column("type", String(16), nullable=False),
    Column("answers", String(16)),
    Column("key_text", String(255), nullable=False),
    Column("document_id", Id, index=True),
    Column("status", String(10), nullable=False),
    Column("return_time", UtcTime, nullable=False),
    Column("codes", Json, nullable=False),
    Column("names_guid", String(36)),
    Column("numbers", Json, nullable=False),
    Column("attempts_before", Integer, nullable=False, server_default="0"),
    Column("sealed_info", Blob),
    Column("data_key", String(16), nullable=False),
    Column("received_at", UtcTime, nullable=False),
)
"""One entry of a receipt, once for all its copies (`digest`). `numbers` holds preNo, invtNo and
rkdNo; `attempts_before` how often we had sent that version when the entry came."""
Index(
    "ix_receipt_entries_unmatched",
    receipt_entries.c.key_text,
    sqlite_where=text("document_id IS NULL"),
    postgresql_where=text("document_id IS NULL"),
)
