"""Business keys, consignments, documents, their states, and shipments."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, String, Table, UniqueConstraint, text

from gateway.store.tables.metadata import metadata
from gateway.store.types import Blob, Code, Id, Json, UtcTime

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

inventory_numbers = Table(
    "inventory_numbers",
    metadata,
    Column("number", String(18), primary_key=True),
    Column("key_id", Id),
)
"""The numbers that customs gave (invtNo), each with the business key of its inventory; none yet
when a tax bill came first, or when the inventory is not ours."""

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
