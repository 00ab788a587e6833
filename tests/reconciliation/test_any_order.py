"""Property: the stored state is a function of the set of receipts, for two versions of a key.

Every example builds a store in memory with one order in two versions (the second sent later),
cuts a random set of receipt entries into batches, doubles and shuffles them, and applies them
with the statements that the gateway uses. The end must be that of one batch in order.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, RowMapping, create_engine, insert, select
from sqlalchemy.pool import StaticPool

from gateway.messages import load_catalogue
from gateway.reconciliation.consequences import Consequences
from gateway.reconciliation.matched import Matched, match
from gateway.reconciliation.reading import ReadEntry
from gateway.store import receipts as receipts_store
from gateway.store.tables import (
    attempts,
    consignments,
    document_state,
    documents,
    keys,
    messages,
    metadata,
)

CATALOGUE = load_catalogue()
START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
SECOND_SENT = START + timedelta(minutes=30)
TOLERANCE = timedelta(seconds=1)
KEY_TEXT = '["4403960001","SO-1"]'
STATUSES = ("1", "2", "3", "4", "99", "100", "120", "399", "-301001", "-301010", "-301014", "77")
ENGINE = create_engine("sqlite://", poolclass=StaticPool)
metadata.create_all(ENGINE)
SETTLED = timedelta(hours=2)


async def _no_pause(_profile: str) -> None:
    """The property does not look at key profiles."""


CONSEQUENCES = Consequences(catalogue=CATALOGUE, pause=_no_pause)


@contextmanager
def store() -> Iterator[Connection]:
    """A store with one order in two sent versions; rolled back at the end of the example."""
    with ENGINE.connect() as connection:
        outer = connection.begin()
        connection.execute(
            insert(consignments),
            {
                "id": "C", "direction": "I", "ebp_code": "4403960001", "ebc_code": "",
                "order_no": "SO-1", "state": "collecting", "order_key": "K",
                "created_at": START, "updated_at": START,
            },
        )  # fmt: skip
        connection.execute(
            insert(keys),
            {
                "id": "K", "type": "CEB311", "key_text": KEY_TEXT, "generation": 1,
                "document_id": "V2", "version": 2,
            },
        )  # fmt: skip
        for number, sent in ((1, START), (2, SECOND_SENT)):
            _add_version(connection, number, sent)
        try:
            yield connection
        finally:
            outer.rollback()


def _add_version(connection: Connection, number: int, sent: datetime) -> None:
    connection.execute(
        insert(documents),
        {
            "id": f"V{number}", "key_id": "K", "type": "CEB311", "kind": "order",
            "key_text": KEY_TEXT, "version": number, "app_type": "1", "app_time": sent,
            "consignment_id": "C", "submitted_by": "4403960002", "responsible": "4403960001",
            "key_profile": "P", "parties": "|4403960001|", "content_digest": str(number),
            "data_key": "k", "correlation": "c", "created_at": sent,
        },
    )  # fmt: skip
    connection.execute(
        insert(document_state),
        {
            "document_id": f"V{number}", "local_state": "sent", "message_id": f"M{number}",
            "sent_at": sent, "updated_at": sent,
        },
    )  # fmt: skip
    connection.execute(
        insert(messages),
        {
            "id": f"M{number}", "authority": "customs", "type": "CEB311", "key_profile": "P",
            "signature_set": "rsa-sha1", "sender": "D", "receiver": "R", "head": b"", "tail": b"",
            "document_ids": [f"V{number}"], "digest": "d", "wire_digest": "w",
            "state": "transmitted", "attempts": 1, "correlation": "c", "created_at": sent,
        },
    )  # fmt: skip
    connection.execute(
        insert(attempts), {"message_id": f"M{number}", "number": 1, "started_at": sent}
    )


def entry(status: str, minutes: int, named: str | None, info: str) -> ReadEntry:
    """One entry; `info` makes two of one status and time different."""
    return ReadEntry(
        type="CEB312",
        answers="CEB311",
        key_text=KEY_TEXT,
        own_number="SO-1",
        complete=True,
        status=status,
        at=START + timedelta(minutes=minutes),
        info=info,
        codes=(),
        names_guid=named,
        numbers={},
    )


ENTRIES = st.lists(
    st.builds(
        entry,
        st.sampled_from(STATUSES),
        st.integers(0, 60),
        st.sampled_from([None, None, "V1", "V2", "ELSEWHERE"]),
        st.sampled_from(["", "x"]),
    ),
    min_size=1,
    max_size=10,
)


def digest(one: ReadEntry) -> str:
    """Equal entries have one digest, whatever receipt they stand in."""
    return f"{one.status}/{one.at.isoformat()}/{one.info}/{one.names_guid}"


def apply(connection: Connection, batch: Sequence[ReadEntry], number: int) -> None:
    """One batch of entries, as one receipt that came after everything was sent."""
    receipt: Any = {"id": f"R{number}", "received_at": START + SETTLED}
    matched = match(connection, [(receipt, digest(one), one) for one in batch], TOLERANCE)
    receipts_store.add_entries(connection, [_row(one) for one in matched])
    CONSEQUENCES.draw(connection, matched, START + SETTLED)


def _row(one: Matched) -> dict[str, Any]:
    return {
        "id": one.id, "receipt_id": one.receipt["id"], "digest": one.digest,
        "type": one.entry.type, "answers": one.entry.answers, "key_text": one.entry.key_text,
        "document_id": one.document["id"] if one.document else None, "status": one.entry.status,
        "return_time": one.entry.at, "codes": [], "numbers": {},
        "attempts_before": one.attempts_before, "data_key": "k",
        "received_at": one.receipt["received_at"],
    }  # fmt: skip


def states(connection: Connection) -> list[RowMapping]:
    """What the store says of both versions."""
    columns = document_state.c
    return list(
        connection.execute(
            select(
                columns.document_id,
                columns.authority_state,
                columns.authority_status,
                columns.authority_final,
            ).order_by(columns.document_id)
        ).mappings()
    )


def pieces(entries: Sequence[ReadEntry], chance: random.Random) -> list[Sequence[ReadEntry]]:
    """The entries doubled, shuffled and cut into batches of any size."""
    mixed = [*entries, *chance.choices(entries, k=chance.randint(0, len(entries)))]
    chance.shuffle(mixed)
    cuts = sorted(chance.sample(range(1, len(mixed) + 1), k=chance.randint(1, len(mixed))))
    bounds = [0, *cuts, len(mixed)]
    return [mixed[a:b] for a, b in pairwise(bounds) if a < b]


@settings(max_examples=150)
@given(ENTRIES, st.randoms(use_true_random=False))
def test_the_stored_state_is_a_function_of_the_set(
    entries: list[ReadEntry], chance: random.Random
) -> None:
    """Order, doubling, delay and splitting of the receipts leave the end as it is."""
    with store() as connection:
        apply(connection, sorted(entries, key=digest), 0)
        expected = states(connection)
    with store() as connection:
        for number, batch in enumerate(pieces(entries, chance)):
            apply(connection, batch, number)
        assert states(connection) == expected


@given(ENTRIES, st.integers(0, 29))
def test_a_late_return_of_version_1_changes_nothing_of_version_2(
    entries: list[ReadEntry], minutes: int
) -> None:
    """A 100 given before version 2 was sent, or that names version 1, leaves version 2 alone."""
    with store() as connection:
        apply(connection, entries, 0)
        (_, before) = states(connection)
        apply(connection, [entry("100", minutes, None, "late")], 1)
        apply(connection, [entry("100", 59, "V1", "late and named")], 2)
        (_, after) = states(connection)
        assert after == before
