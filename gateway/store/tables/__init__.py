"""Every table of the gateway, defined once for PostgreSQL and SQLite.

Business keys, codes, amounts and states stand in clear. Personal data lives only in the
columns named `sealed_…`: AES-256-GCM blobs with the row's id as associated data.
Late work is looked for in `outbox`, in `messages` (next_attempt_at) and in `consignments`
(due_at) alone; each has a partial index for it.
"""

from gateway.store.tables.documents import (
    consignments,
    document_state,
    documents,
    inventory_numbers,
    keys,
    receipt_digests,
    shipment_rows,
    shipments,
)
from gateway.store.tables.history import audit, discrepancies, events, outbox
from gateway.store.tables.metadata import metadata
from gateway.store.tables.registers import (
    api_keys,
    declarant_profiles,
    enterprises,
    goods,
    key_profiles,
    mandates,
)
from gateway.store.tables.traffic import attempts, messages, receipt_entries, receipts

__all__ = [
    "api_keys",
    "attempts",
    "audit",
    "consignments",
    "declarant_profiles",
    "discrepancies",
    "document_state",
    "documents",
    "enterprises",
    "events",
    "goods",
    "inventory_numbers",
    "key_profiles",
    "keys",
    "mandates",
    "messages",
    "metadata",
    "outbox",
    "receipt_digests",
    "receipt_entries",
    "receipts",
    "shipment_rows",
    "shipments",
]
