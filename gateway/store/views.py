"""The read side: what the API shows of documents, consignments, changes and discrepancies.

Every function takes `viewer`: the identity of the asking enterprise, or None for who sees all.
A row is visible to the enterprises in its `parties` column (|A|B|).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Connection,
    RowMapping,
    Select,
    literal_column,
    select,
    true,
    tuple_,
)

from gateway.store.racing import POSTGRESQL
from gateway.store.tables import (
    consignments,
    discrepancies,
    document_state,
    documents,
    events,
    receipt_entries,
)

Rows = Sequence[RowMapping]
Cursor = tuple[int, int]
"""A place among the changes: number of the transaction (0 in SQLite) and number of the event."""

CHANGES_SCANNED_MAX = 5_000
"""Events that one question about changes looks at, however few of them the viewer may see."""

VERSIONS_MAX = 200
EVENTS_MAX = 1_000
DOCUMENTS_MAX = 200
"""Bounds of one answer; a key has a handful of versions, a consignment a dozen documents."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentView:
    """One document version with everything that belongs to it."""

    row: RowMapping
    versions: Rows
    receipts: Rows
    events: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ConsignmentView:
    """A consignment as one viewer sees it."""

    row: RowMapping
    documents: Rows
    events: Rows
    discrepancies: Rows


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """A page of changes. `next` is the cursor behind all that was looked at."""

    rows: Rows
    next: Cursor
    more: bool


def document(connection: Connection, document_id: str, viewer: str | None) -> DocumentView | None:
    """One document, if the viewer may see it."""
    row = (
        connection.execute(
            _documents().where(documents.c.id == document_id, _visible(documents.c.parties, viewer))
        )
        .mappings()
        .first()
    )
    if row is None:
        return None
    return DocumentView(
        row=row,
        versions=_all(
            connection,
            _documents()
            .where(documents.c.key_id == row["key_id"], _visible(documents.c.parties, viewer))
            .order_by(documents.c.version)
            .limit(VERSIONS_MAX),
        ),
        receipts=_all(
            connection,
            select(receipt_entries)
            .where(receipt_entries.c.document_id == document_id)
            .order_by(receipt_entries.c.return_time, receipt_entries.c.id)
            .limit(EVENTS_MAX),
        ),
        events=_all(
            connection,
            select(events)
            .where(events.c.document_id == document_id)
            .order_by(events.c.seq)
            .limit(EVENTS_MAX),
        ),
    )


def consignment(
    connection: Connection, consignment_id: str, viewer: str | None
) -> ConsignmentView | None:
    """One consignment: its common state, and what of its parts the viewer may see.

    None when the viewer may see no document of it.
    """
    row = (
        connection.execute(select(consignments).where(consignments.c.id == consignment_id))
        .mappings()
        .first()
    )
    if row is None:
        return None
    own = _all(
        connection,
        _documents()
        .where(documents.c.consignment_id == consignment_id, _visible(documents.c.parties, viewer))
        .order_by(documents.c.id)
        .limit(DOCUMENTS_MAX),
    )
    if viewer is not None and not own:
        return None
    return ConsignmentView(
        row=row,
        documents=own,
        events=_consignment_events(connection, consignment_id, own),
        discrepancies=_all(
            connection,
            select(discrepancies)
            .where(
                discrepancies.c.consignment_id == consignment_id,
                _visible(discrepancies.c.parties, viewer),
            )
            .order_by(discrepancies.c.id)
            .limit(EVENTS_MAX),
        ),
    )


def consignments_of_order(
    connection: Connection, direction: str, ebp_code: str, ebc_code: str | None, order_no: str
) -> list[str]:
    """The ids of the consignments with this key; `ebc_code` None leaves it open (at most 2)."""
    query = select(consignments.c.id).where(
        consignments.c.direction == direction,
        consignments.c.ebp_code == ebp_code,
        consignments.c.order_no == order_no,
    )
    if ebc_code is not None:
        query = query.where(consignments.c.ebc_code == ebc_code)
    return list(connection.execute(query.order_by(consignments.c.id).limit(2)).scalars())


def changes(connection: Connection, after: Cursor, limit: int, viewer: str | None) -> Changes:
    """States that documents reached, in the order of their transactions.

    The cursor skips nothing. Of several writers the one that took the smaller number may commit
    later, so an event counts by its transaction first, and is shown when no transaction with a
    smaller number is open any more. SQLite writes one after the other: there the number is enough.
    """
    position = tuple_(events.c.xact, events.c.seq)
    settled = events.c.xact < _oldest_open() if _several_writers(connection) else true()
    scanned = (
        select(events.c.xact, events.c.seq, events.c.at, events.c.state, events.c.document_id)
        .where(position > tuple_(*after), settled)
        .order_by(events.c.xact, events.c.seq)
        .limit(CHANGES_SCANNED_MAX)
        .subquery()
    )
    rows = _all(
        connection,
        select(
            scanned.c.xact,
            scanned.c.seq,
            scanned.c.at,
            scanned.c.state,
            documents.c.id,
            documents.c.type,
            documents.c.kind,
            documents.c.key_text,
            documents.c.version,
        )
        .join(documents, documents.c.id == scanned.c.document_id)
        .where(scanned.c.state.is_not(None), _visible(documents.c.parties, viewer))
        .order_by(scanned.c.xact, scanned.c.seq)
        .limit(limit + 1),
    )
    if len(rows) > limit:
        return Changes(rows=rows[:limit], next=_cursor(rows[limit - 1]), more=True)
    last = (
        connection.execute(
            select(scanned.c.xact, scanned.c.seq)
            .order_by(scanned.c.xact.desc(), scanned.c.seq.desc())
            .limit(1)
        )
        .mappings()
        .first()
    )
    if last is None:
        return Changes(rows=(), next=after, more=False)
    following = select(events.c.seq).where(position > tuple_(*_cursor(last)), settled).limit(1)
    more = connection.execute(following).first()
    return Changes(rows=rows, next=_cursor(last), more=more is not None)


def _several_writers(connection: Connection) -> bool:
    return connection.dialect.name == POSTGRESQL


def _oldest_open() -> ColumnElement[int]:
    """The smallest number of a transaction that is still open; all below it are over."""
    return literal_column("pg_snapshot_xmin(pg_current_snapshot())::text::bigint", BigInteger)


def _cursor(row: RowMapping) -> Cursor:
    return row["xact"], row["seq"]


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyFilter:
    """What of the reconciliation queue is asked for; None leaves a condition out."""

    state: str | None = None
    code: str | None = None
    consignment: str | None = None
    after: str | None = None


def discrepancies_page(
    connection: Connection, wanted: DiscrepancyFilter, limit: int, viewer: str | None
) -> tuple[Rows, dict[str, frozenset[str]]]:
    """Entries of the reconciliation queue in the order of their opening.

    Beside them, by consignment: the kinds of its documents that the viewer may see.
    """
    query = select(discrepancies).where(_visible(discrepancies.c.parties, viewer))
    conditions: list[tuple[Any, str | None]] = [
        (discrepancies.c.state, wanted.state),
        (discrepancies.c.code, wanted.code),
        (discrepancies.c.consignment_id, wanted.consignment),
    ]
    for column, value in conditions:
        if value is not None:
            query = query.where(column == value)
    if wanted.after is not None:
        query = query.where(discrepancies.c.id > wanted.after)
    rows = _all(connection, query.order_by(discrepancies.c.id).limit(limit))
    homes = {row["consignment_id"] for row in rows if row["consignment_id"]}
    return rows, _kinds_seen(connection, homes, viewer) if viewer else {}


def _kinds_seen(connection: Connection, homes: set[str], viewer: str) -> dict[str, frozenset[str]]:
    found = connection.execute(
        select(documents.c.consignment_id, documents.c.kind)
        .where(documents.c.consignment_id.in_(sorted(homes)), _visible(documents.c.parties, viewer))
        .distinct()
    )
    seen: dict[str, frozenset[str]] = {}
    for home, kind in found:
        seen[home] = seen.get(home, frozenset()) | {kind}
    return seen


def _documents() -> Select[Any]:
    """Documents with their states."""
    return select(documents, document_state).join(
        document_state, document_state.c.document_id == documents.c.id
    )


def _consignment_events(connection: Connection, consignment_id: str, own: Rows) -> Rows:
    """Events of the consignment itself and of the visible documents, in order."""
    ids = [row["id"] for row in own]
    return _all(
        connection,
        select(events)
        .where(
            (events.c.document_id.in_(ids))
            | ((events.c.consignment_id == consignment_id) & events.c.document_id.is_(None))
        )
        .order_by(events.c.seq)
        .limit(EVENTS_MAX),
    )


def _visible(parties: ColumnElement[str], viewer: str | None) -> ColumnElement[bool]:
    if viewer is None:
        return true()
    return parties.contains(f"|{viewer}|", autoescape=True)


def _all(connection: Connection, query: Select[Any]) -> Rows:
    return connection.execute(query).mappings().all()
