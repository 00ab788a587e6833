"""Statements for the reconciliation queue: one open entry per subject and code."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select, update

from gateway.store.racing import insert_missing
from gateway.store.tables import discrepancies, documents
from gateway.telemetry import new_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """A discrepancy to open. `detail` holds codes, field names and masked values only."""

    code: str
    subject_kind: str
    subject_id: str
    parties: str
    consignment_id: str | None = None
    document_id: str | None = None
    detail: Mapping[str, Any] = field(default_factory=dict)


def open_all(connection: Connection, openings: Iterable[Opening], at: datetime) -> None:
    """Open what is not open yet; an entry that is open stays as it is."""
    wanted = {(one.subject_id, one.code): one for one in openings}
    if not wanted:
        return
    subjects = [subject for subject, _ in wanted]
    present = {
        (row.subject_id, row.code)
        for row in connection.execute(
            select(discrepancies.c.subject_id, discrepancies.c.code).where(
                discrepancies.c.subject_id.in_(subjects), discrepancies.c.state == "open"
            )
        )
    }
    rows = [
        {
            "id": new_id(),
            "code": one.code,
            "subject_kind": one.subject_kind,
            "subject_id": one.subject_id,
            "consignment_id": one.consignment_id,
            "document_id": one.document_id,
            "parties": one.parties,
            "state": "open",
            "detail": dict(one.detail),
            "opened_at": at,
        }
        for key, one in wanted.items()
        if key not in present
    ]
    # Another transaction may open the same meanwhile: the one open entry is enough.
    rows.sort(key=lambda row: (row["subject_id"], row["code"]))
    insert_missing(connection, discrepancies, rows, discrepancies.c.id)


def close(
    connection: Connection,
    subjects: Sequence[str],
    at: datetime,
    *,
    resolution: str,
    keep: Iterable[tuple[str, str]] = (),
    codes: Sequence[str] | None = None,
) -> None:
    """Close the open entries of these subjects but for the (subject, code) pairs to keep."""
    if not subjects:
        return
    condition = [discrepancies.c.subject_id.in_(subjects), discrepancies.c.state == "open"]
    if codes is not None:
        condition.append(discrepancies.c.code.in_(codes))
    found = connection.execute(
        select(discrepancies.c.id, discrepancies.c.subject_id, discrepancies.c.code).where(
            *condition
        )
    ).all()
    kept = set(keep)
    ids = [row.id for row in found if (row.subject_id, row.code) not in kept]
    if ids:
        connection.execute(
            update(discrepancies)
            .where(discrepancies.c.id.in_(ids))
            .values(state="closed", closed_at=at, resolution=resolution)
        )


def open_message(
    connection: Connection,
    message: Mapping[Any, Any],
    code: str,
    detail: Mapping[str, Any],
    at: datetime,
) -> None:
    """Open a discrepancy of a whole message, for everybody who stands in its documents."""
    parties = "".join(
        dict.fromkeys(
            connection.execute(
                select(documents.c.parties).where(documents.c.id.in_(message["document_ids"]))
            ).scalars()
        )
    )
    codes = [code for code in dict.fromkeys(parties.split("|")) if code]
    open_all(
        connection,
        [
            Opening(
                code=code,
                subject_kind="message",
                subject_id=message["id"],
                parties="|" + "|".join(codes[:PARTIES_MAX]) + "|",
                detail={**detail, "type": message["type"]},
            )
        ],
        at,
    )


PARTIES_MAX = 20
"""Codes beside a discrepancy of a whole message; the operator sees it in any case."""
