"""One contract for both engines: what several writers at once may not break."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import IntegrityError

from gateway.errors import Refused
from gateway.store import audit, discrepancies, messages, queues, receipts
from gateway.store.database import Database
from gateway.store.group import GroupCommit
from gateway.store.tables import (
    consignments,
    document_state,
    documents,
    events,
    keys,
    metadata,
    outbox,
    receipt_digests,
)
from gateway.store.tables import discrepancies as discrepancy_rows
from gateway.store.tables import messages as message_rows
from gateway.store.tables import receipts as receipt_rows
from gateway.telemetry import new_id
from tests.store.sample import START, arrived, count, order, take_in


def test_the_revisions_lead_to_the_tables_that_the_program_uses(store: Database) -> None:
    """Alembic from empty gives exactly the defined tables, defaults included."""
    with store.engine.connect() as connection:
        options = {"compare_type": True, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, metadata) == []


async def test_the_same_order_from_many_callers_is_one_document(store: Database) -> None:
    """Whoever comes first makes the document; all others hear of the same one."""
    answers = await asyncio.gather(*(store.write(take_in, [order("SO-1")]) for _ in range(12)))
    assert len({answer["id"] for (answer,) in answers}) == 1
    assert sorted(answer["repeated"] for (answer,) in answers) == [False] + [True] * 11
    for table in (keys, documents, document_state, consignments, outbox, events):
        assert await count(store, table) == 1


async def test_versions_of_one_key_are_numbered_without_gaps(store: Database) -> None:
    """Other content of one key, from many callers at once: each content one version."""
    await asyncio.gather(
        *(store.write(take_in, [order("SO-1", digest=f"d{place % 6}")]) for place in range(18)),
    )

    def versions(connection: Connection) -> list[int]:
        return list(
            connection.execute(select(documents.c.version).order_by(documents.c.version)).scalars(),
        )

    assert await store.read(versions) == [1, 2, 3, 4, 5, 6]
    assert await count(store, keys) == 1


async def test_equal_receipts_are_kept_once(store: Database) -> None:
    """The same bytes from many deliveries at once: one receipt, one batch."""
    done = await asyncio.gather(
        *(store.write(receipts.store, [arrived("d"), arrived("d")]) for _ in range(8)),
    )
    assert sum(len(announced) for announced in done) == 1
    for table in (receipt_digests, receipt_rows, outbox):
        assert await count(store, table) == 1


async def test_a_discrepancy_is_open_once(store: Database) -> None:
    """Many who find the same fault open one entry; closed, it may be opened again."""
    opening = discrepancies.Opening(
        code="M05",
        subject_kind="consignment",
        subject_id="C",
        parties="||",
    )
    for _ in range(2):
        await asyncio.gather(
            *(store.write(discrepancies.open_all, [opening], START) for _ in range(8)),
        )
        await store.write(discrepancies.close, ["C"], START, resolution="corrected")
    assert await count(store, discrepancy_rows) == 2


async def test_a_due_batch_is_taken_once(store: Database) -> None:
    """Sweepers at once share what is due; nobody gets a batch that another one has."""
    ids = [str(place) for place in range(1000)]
    await store.write(queues.post, [("matching", ids)], START - timedelta(hours=1))
    done = await asyncio.gather(*(store.write(queues.take_due, START, 3) for _ in range(8)))
    taken = [row["id"] for found in done for row in found]
    assert len(taken) == len(set(taken)) > 0
    assert not await store.read(queues.is_due, START - timedelta(hours=2))
    later = START + queues.LEASE
    assert await store.read(queues.is_due, later), "a lease ends, so nothing is lost"


async def test_a_due_message_is_sent_by_one(store: Database) -> None:
    """Senders at once never claim the same message; each claim is an attempt."""
    row = {
        "authority": "customs", "type": "CEB311", "key_profile": "k", "signature_set": "rsa-sha1",
        "sender": "s", "receiver": "r", "head": b"", "tail": b"", "document_ids": [],
        "digest": "d", "wire_digest": "w", "state": "signed", "next_attempt_at": START,
        "correlation": "c", "created_at": START,
    }  # fmt: skip

    def add(connection: Connection) -> None:
        connection.execute(insert(message_rows), [row | {"id": new_id()} for _ in range(12)])

    await store.write(add)
    lease = START + timedelta(minutes=1)
    done = await asyncio.gather(*(store.write(messages.claim, START, lease, 2) for _ in range(10)))
    claimed = [claim.row["id"] for due in done for claim in due.claims]
    assert len(claimed) == len(set(claimed))
    rest = (await store.write(messages.claim, START, lease, 100)).claims
    assert len(claimed) + len(rest) == 12


async def test_the_audit_chain_holds_with_many_writers(store: Database) -> None:
    """Actions that are recorded at once stand in one chain."""
    action = audit.Action(actor="a", action="b", subject="c")
    await asyncio.gather(*(store.write(audit.append, [action, action], START) for _ in range(10)))
    assert await store.read(audit.verify) is None


async def test_one_bad_part_poisons_no_other(store: Database) -> None:
    """Of parts that share a transaction, the one the database refuses fails alone."""

    def add(connection: Connection, digests: Sequence[str]) -> Sequence[str]:
        for digest in digests:
            connection.execute(insert(receipt_digests), {"digest": digest, "receipt_id": "1"})
        return digests

    group = GroupCommit[str, str](store, add)
    waiting = [asyncio.ensure_future(group.commit([one])) for one in ("a", "b", "a", "c")]
    await asyncio.sleep(0)
    group.start()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    await group.stop()
    assert sum(isinstance(one, Refused) for one in results) == 1
    assert await count(store, receipt_digests) == 3


async def test_a_failed_transaction_leaves_nothing(store: Database) -> None:
    """An error inside a write rolls all of it back, and the next write works."""

    def half(connection: Connection) -> None:
        connection.execute(insert(receipt_digests), {"digest": "a", "receipt_id": "1"})
        connection.execute(insert(receipt_digests), {"digest": "a", "receipt_id": "2"})

    with pytest.raises(IntegrityError):
        await store.write(half)
    assert await count(store, receipt_digests) == 0
    await store.write(take_in, [order("SO-1")])
    assert await count(store, documents) == 1
