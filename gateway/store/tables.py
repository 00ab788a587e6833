"""Every table of the gateway, defined once for PostgreSQL and SQLite.

Business keys, codes, amounts and states stand in clear. Personal data lives only in the
columns named `sealed_…`: AES-256-GCM blobs with the row's id as associated data.
Late work is looked for in `outbox`, in `messages` (next_attempt_at) and in `consignments`
(due_at) alone; each has a partial index for it.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gateway.store.types import Blob, Code, Id, Json, Sequence, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


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

keys = Table(
    "keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("type", String(16), nullable=False),
    Column("key_text", String(255), nullable=False),
    Column("generation", Integer, nullable=False, server_default="1"),
    Column("document_id", Id, nullable=False),
    Column("version", Integer, nullable=False),
    UniqueConstraint("type", "key_text", "generation"),
)
"""One row a business key; `document_id` is its newest version. Kept at least 3 years."""

receipt_digests = Table(
    "receipt_digests",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("receipt_id", Id, nullable=False),
)

consignments = Table(
    "consignments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("direction", String(1), nullable=False),
    Column("ebp_code", Code, nullable=False),
    Column("ebc_code", Code, nullable=False),
    Column("order_no", String(60), nullable=False),
    Column("mode", String(32)),
    Column("state", String(20), nullable=False),
    Column("order_key", Id),
    Column("payment_key", Id),
    Column("waybill_key", Id),
    Column("inventory_key", Id),
    Column("living_inventory", Id),
    Column("matched_versions", String(255)),
    Column("due_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("direction", "ebp_code", "ebc_code", "order_no"),
)
"""All documents of one order. `ebp_code` is empty while a waybill waits for its order;
`ebc_code` is filled for export alone. `living_inventory` is the one declaration in force."""
Index("ix_consignments_order_no", consignments.c.order_no)
Index("ix_consignments_waybill_key", consignments.c.waybill_key)
Index(
    "ix_consignments_due_at",
    consignments.c.due_at,
    sqlite_where=text("due_at IS NOT NULL"),
    postgresql_where=text("due_at IS NOT NULL"),
)

documents = Table(
    "documents",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key_id", Id, nullable=False),
    Column("type", String(16), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("key_text", String(255), nullable=False),
    Column("version", Integer, nullable=False),
    Column("app_type", String(1), nullable=False),
    Column("app_time", UtcTime, nullable=False),
    Column("consignment_id", Id, index=True),
    Column("submitted_by", Code, nullable=False),
    Column("responsible", Code, nullable=False),
    Column("key_profile", String(64), nullable=False),
    Column("parties", String(400), nullable=False),
    Column("content_digest", String(64), nullable=False),
    Column("buyer_hash", String(64)),
    Column("sealed_body", Blob),
    Column("sealed_fragment", Blob),
    Column("data_key", String(16), nullable=False),
    Column("correlation", String(36), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    UniqueConstraint("key_id", "version"),
)
"""One version of one document. `sealed_body` is the submitted record (JSON), `sealed_fragment`
the canonical bytes that go into a message; it is written once and never changes.
`parties` holds the codes that may see the document, each between bars: |A|B|."""
Index("ix_documents_buyer_hash", documents.c.buyer_hash)

document_state = Table(
    "document_state",
    metadata,
    Column("document_id", Id, primary_key=True),
    Column("local_state", String(16), nullable=False),
    Column("authority_state", String(20)),
    Column("authority_status", String(10)),
    Column("authority_final", Boolean, nullable=False, server_default=text("false")),
    Column("message_id", Id, index=True),
    Column("sent_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
)
Index(
    "ix_document_state_waiting",
    document_state.c.document_id,
    sqlite_where=text("local_state = 'waiting'"),
    postgresql_where=text("local_state = 'waiting'"),
)
"""Where a document stands: `local_state` by the transition table, `authority_state` as a
function of the receipts stored for it. Narrow, with few indexes, so that updates stay cheap."""

shipments = Table(
    "shipments",
    metadata,
    Column("id", Id, primary_key=True),
    Column("direction", String(1), nullable=False),
    Column("bill_no", String(37), nullable=False),
    Column("traf_mode", String(1), nullable=False),
    Column("logistics_code", Code, nullable=False),
    Column("operator_code", Code, nullable=False),
    Column("head", Json, nullable=False),
    Column("used", Boolean, nullable=False, server_default=text("false")),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("direction", "bill_no", "traf_mode"),
)

shipment_rows = Table(
    "shipment_rows",
    metadata,
    Column("shipment_id", Id, primary_key=True),
    Column("logistics_no", String(60), primary_key=True),
    Column("logistics_code", Code, nullable=False),
    Column("total_package_no", String(60)),
)
Index(
    "ix_shipment_rows_parcel",
    shipment_rows.c.logistics_no,
    shipment_rows.c.logistics_code,
)

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
    sqlite_autoincrement=True,
)
"""Append-only history. A row with a document and a state is a change that its parties see."""

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
