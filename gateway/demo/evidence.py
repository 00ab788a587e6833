"""The gateway's store, read for the final count: which documents it answers for, what it sent.

The demo drives the gateway through its API alone. Only this count reads the store itself, and
only reads: a gateway that lost a document would not tell of it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, func, select

from gateway.demo.ledger import Accepted
from gateway.store.database import make_engine
from gateway.store.tables import (
    discrepancies,
    document_state,
    documents,
    messages,
    receipt_entries,
    receipts,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the store holds."""

    documents: tuple[Accepted, ...]
    open_discrepancies: int
    in_discrepancy: frozenset[str]
    """Ids of the documents that an open discrepancy is about, alone or with their message."""
    sent: Mapping[tuple[str, str], int]
    """Messages that were sent at least once, by type and signature set."""
    received: Mapping[str, int]
    """Receipt messages by type."""
    entries: int


def read_evidence(store: Path) -> Evidence:
    """Read the database file of a gateway that may be running."""
    engine = make_engine(f"sqlite:///{store}")
    try:
        with engine.connect() as connection, connection.begin():
            return _read(connection)
    finally:
        engine.dispose()


def _read(connection: Connection) -> Evidence:
    known = connection.execute(
        select(documents.c.id, documents.c.kind, document_state.c.local_state).join(
            document_state, document_state.c.document_id == documents.c.id
        )
    )
    found = connection.execute(
        select(
            discrepancies.c.document_id, discrepancies.c.subject_kind, discrepancies.c.subject_id
        ).where(discrepancies.c.state == "open")
    ).all()
    sent = connection.execute(
        select(
            messages.c.id, messages.c.type, messages.c.signature_set, messages.c.document_ids
        ).where(messages.c.attempts > 0)
    ).all()
    in_message = {one.id: one.document_ids for one in sent}
    about = {one.document_id for one in found if one.document_id}
    for one in found:
        if one.subject_kind == "message":
            about |= set(in_message.get(one.subject_id, ()))
    by_type = select(receipts.c.type, func.count()).group_by(receipts.c.type)
    return Evidence(
        documents=tuple(
            Accepted(id=one.id, kind=one.kind, replaced=one.local_state == "replaced")
            for one in known
        ),
        open_discrepancies=len(found),
        in_discrepancy=frozenset(about),
        sent=Counter((one.type, one.signature_set) for one in sent),
        received={type_ or "unread": number for type_, number in connection.execute(by_type)},
        entries=connection.execute(select(func.count()).select_from(receipt_entries)).scalar_one(),
    )
