"""One contract for both engines: what two writers at once, or two processes, may not break."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, text, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from gateway.errors import Refused
from gateway.messages import load_catalogue
from gateway.model import Content
from gateway.store import audit, discrepancies, messages, queues, receipts
from gateway.store.accept import accept
from gateway.store.database import Database
from gateway.store.group import GroupCommit
from gateway.store.prepared import Accepting, Prepared, Reference
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
from gateway.store.vault import Vault
from gateway.store.views import changes
from gateway.telemetry import new_id

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
VAULT = Vault(bytes(32))
ORDER = load_catalogue().type("CEB311")
ACCEPTING = Accepting(vault=VAULT, rewrite=lambda *_: b"<rewritten/>", collecting=timedelta(days=2))
Opened = Callable[[str], Database]


def order(number: str, digest: str = "a") -> Prepared:
    """An order that passed the door."""
    return Prepared(
        document_id=new_id(),
        type=ORDER,
        submitted=ORDER,
        content=Content({"orderNo": number}, ()),
        extension={},
        key_text=f'["4403960001","{number}"]',
        digest=digest,
        buyer_hash=None,
        fragment=b"<fragment/>",
        moment=START,
        submitted_by="4403960002",
        responsible="4403960002",
        key_profile="k",
        parties="|4403960001|4403960002|",
        reference=Reference(
            direction="I", ebp_code="4403960001", order_no=number, slot="order", mode="m"
        ),
        correlation=new_id(),
    )


def take_in(connection: Connection, group: Sequence[Prepared]) -> list[dict[str, Any]]:
    """Accept a group; the answers."""
    return accept(connection, ACCEPTING, group).answers


def rows(connection: Connection, table: Any) -> int:
    """How many rows a table has."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


async def count(store: Database, table: Any) -> int:
    """How many rows a table has."""
    return await store.read(rows, table)


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


async def test_two_processes_make_one_document_of_equal_keys(server: str, opened: Opened) -> None:
    """Two gateways on one PostgreSQL take in the same orders in opposite order, at once."""
    first, second = opened(server), opened(server)
    numbers = [f"SO-{place}" for place in range(40)]

    async def feed(store: Database, wanted: Sequence[str]) -> list[dict[str, Any]]:
        groups = [[order(one) for one in wanted[at : at + 10]] for at in range(0, 40, 10)]
        done = await asyncio.gather(*(store.write(take_in, group) for group in groups))
        return [answer for answers in done for answer in answers]

    done = await asyncio.gather(feed(first, numbers), feed(second, numbers[::-1]))
    answers = [answer for answers in done for answer in answers]
    assert sum(not answer["repeated"] for answer in answers) == 40
    assert len({answer["id"] for answer in answers}) == 40
    assert await count(first, documents) == await count(first, keys) == 40
    assert await count(second, consignments) == 40


async def test_versions_of_one_key_are_numbered_without_gaps(store: Database) -> None:
    """Other content of one key, from many callers at once: each content one version."""
    await asyncio.gather(
        *(store.write(take_in, [order("SO-1", digest=f"d{place % 6}")]) for place in range(18))
    )

    def versions(connection: Connection) -> list[int]:
        return list(
            connection.execute(select(documents.c.version).order_by(documents.c.version)).scalars()
        )

    assert await store.read(versions) == [1, 2, 3, 4, 5, 6]
    assert await count(store, keys) == 1


async def test_equal_receipts_are_kept_once(store: Database) -> None:
    """The same bytes from many deliveries at once: one receipt, one batch."""

    def arrived() -> receipts.Arrived:
        return receipts.Arrived(
            id=new_id(),
            authority="customs",
            digest="d",
            sealed_data=b"sealed",
            data_key="k",
            received_at=START,
        )

    done = await asyncio.gather(
        *(store.write(receipts.store, [arrived(), arrived()]) for _ in range(8))
    )
    assert sum(len(announced) for announced in done) == 1
    for table in (receipt_digests, receipt_rows, outbox):
        assert await count(store, table) == 1


async def test_a_discrepancy_is_open_once(store: Database) -> None:
    """Many who find the same fault open one entry; closed, it may be opened again."""
    opening = discrepancies.Opening(
        code="M05", subject_kind="consignment", subject_id="C", parties="||"
    )
    for _ in range(2):
        await asyncio.gather(
            *(store.write(discrepancies.open_all, [opening], START) for _ in range(8))
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


async def test_a_change_that_commits_late_is_not_skipped(server: str, opened: Opened) -> None:
    """Of two overlapping transactions the one with the smaller numbers commits last.

    While it is open, nothing of what came after it is shown; then everything is, in one order.
    """
    store = opened(server)
    (first,) = await store.write(take_in, [order("SO-1")])
    page = await store.read(changes, (0, 0), 10, None)
    assert [row["id"] for row in page.rows] == [first["id"]]
    written, commit = threading.Event(), threading.Event()

    def slow(connection: Connection) -> str:
        (answer,) = take_in(connection, [order("SO-2")])
        written.set()
        assert commit.wait(20)
        return str(answer["id"])

    late = asyncio.create_task(store.write(slow))
    assert await asyncio.to_thread(written.wait, 20)
    (quick,) = await store.write(take_in, [order("SO-3")])
    between = await store.read(changes, page.next, 10, None)
    assert (list(between.rows), between.next) == ([], page.next)
    commit.set()
    late_id = await late
    found, place = [], page.next
    while True:
        page = await store.read(changes, place, 1, None)
        found += [row["id"] for row in page.rows]
        place = page.next
        if not page.more:
            break
    assert found == [late_id, quick["id"]]


async def test_a_number_that_was_taken_early_and_committed_late_is_not_skipped(
    server: str, opened: Opened
) -> None:
    """The older transaction writes after the younger one: its larger number comes first."""
    store = opened(server)
    started, go_on = threading.Event(), threading.Event()

    def older(connection: Connection) -> str:
        connection.execute(insert(receipt_digests), {"digest": "x", "receipt_id": "1"})
        started.set()
        assert go_on.wait(20)
        (answer,) = take_in(connection, [order("SO-1")])
        return str(answer["id"])

    late = asyncio.create_task(store.write(older))
    assert await asyncio.to_thread(started.wait, 20)
    (younger,) = await store.write(take_in, [order("SO-2")])
    between = await store.read(changes, (0, 0), 10, None)
    go_on.set()
    late_id = await late
    after = await store.read(changes, between.next, 10, None)
    found = [row["id"] for row in (*between.rows, *after.rows)]
    assert sorted(found) == sorted([late_id, younger["id"]])


async def test_ended_backends_cost_no_transaction(server: str, opened: Opened) -> None:
    """The server ends all connections under load: everything happens, and nothing twice."""
    store = opened(server)
    feeding = [
        asyncio.ensure_future(store.write(take_in, [order(f"SO-{place}")])) for place in range(60)
    ]
    ended = 0
    other = opened(server)
    while not all(one.done() for one in feeding):
        ended += await other.read(_end_others)
        await asyncio.sleep(0.05)
    results = await asyncio.gather(*feeding, return_exceptions=True)
    failed = [one for one in results if isinstance(one, BaseException)]
    assert ended > 0
    # Whoever cannot know asks again, and finds the first try done if it was.
    for place, one in enumerate(results):
        if isinstance(one, BaseException):
            await store.write(take_in, [order(f"SO-{place}")])
    assert await count(store, documents) == 60
    assert len(failed) < 60


def _end_others(connection: Connection) -> int:
    return int(
        connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                " AND application_name = 'single-window-gateway'"
            )
        ).scalar_one()
    )


async def test_transactions_that_block_each_other_both_happen(server: str, opened: Opened) -> None:
    """A deadlock is rolled back for one of two, and that one is run again."""
    store = opened(server)
    await store.write(take_in, [order("SO-1"), order("SO-2")])
    meet = threading.Barrier(2, timeout=10)
    tries: list[str] = []

    def cross(connection: Connection, one: str, other: str) -> None:
        tries.append(one)
        first = sum(name == one for name in tries) == 1
        _touch(connection, one)
        if first:
            meet.wait()
        _touch(connection, other)

    await asyncio.gather(store.write(cross, "SO-1", "SO-2"), store.write(cross, "SO-2", "SO-1"))
    assert len(tries) == 3


def _touch(connection: Connection, number: str) -> None:
    connection.execute(
        update(consignments).where(consignments.c.order_no == number).values(updated_at=START)
    )


async def test_time_outs_and_name_reach_the_server(server: str, opened: Opened) -> None:
    """The settings are those of the session; a statement that takes too long is ended."""
    store = opened(server)

    def shown(connection: Connection) -> list[str]:
        names = (
            "statement_timeout",
            "lock_timeout",
            "idle_in_transaction_session_timeout",
            "application_name",
            "transaction_isolation",
        )
        return [connection.execute(text(f"SHOW {name}")).scalar_one() for name in names]

    assert await store.write(shown) == [
        "10s", "3s", "10s", "single-window-gateway", "read committed",
    ]  # fmt: skip
    assert (await store.read(shown))[-1] == "repeatable read"

    def slow(connection: Connection) -> None:
        connection.execute(text("SET LOCAL statement_timeout = 50"))
        connection.execute(text("SELECT pg_sleep(5)"))

    with pytest.raises(DBAPIError, match="statement timeout"):
        await store.write(slow)


async def test_a_process_knows_whether_it_is_alone(server: str, opened: Opened) -> None:
    """The first is alone, the second is not; after both have gone the next one is."""
    first, second = opened(server), opened(server)
    assert await first.alone()
    assert not await second.alone()
    first.close()
    second.close()
    assert await opened(server).alone()


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
