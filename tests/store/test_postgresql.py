"""PostgreSQL: overlapping transactions, broken connections, several processes."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import Connection, insert, text, update
from sqlalchemy.exc import DBAPIError

from gateway.store import receipts
from gateway.store.database import Database, OutcomeUnknown
from gateway.store.group import GroupCommit
from gateway.store.tables import (
    consignments,
    documents,
    keys,
    receipt_digests,
)
from gateway.store.tables import receipts as receipt_rows
from gateway.store.views import changes
from tests.store.sample import START, arrived, count, order, take_in

Opened = Callable[[str], Database]


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
    server: str,
    opened: Opened,
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
                " AND application_name = 'single-window-gateway'",
            ),
        ).scalar_one(),
    )


SLOW_COMMIT = """
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN PERFORM pg_sleep(1); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON receipt_digests
  DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION slow();
"""
"""A second passes inside COMMIT, in which the test can end the connection."""


async def test_a_connection_lost_during_commit_is_told_and_repeated_by_key(
    server: str,
    opened: Opened,
) -> None:
    """The work is not run again behind the caller's back; the group commit asks again itself."""
    store, other = opened(server), opened(server)
    await store.write(lambda connection: connection.execute(text(SLOW_COMMIT)))
    runs: list[int] = []

    def keep(connection: Connection, items: Sequence[receipts.Arrived]) -> Sequence[int]:
        runs.append(len(items))
        return [len(receipts.store(connection, items)), *[0] * (len(items) - 1)]

    async def cut() -> None:
        while not await other.read(_end_committing):  # noqa: ASYNC110 - what is awaited is the server
            await asyncio.sleep(0.05)

    with pytest.raises(OutcomeUnknown):
        await asyncio.gather(store.write(keep, [arrived("a")]), cut())
    assert runs == [1]
    group = GroupCommit[receipts.Arrived, int](store, keep)
    group.start()
    results, _ = await asyncio.gather(group.commit([arrived("b")]), cut())
    await group.stop()
    assert (list(results), runs) == ([1], [1, 1, 1])
    assert await count(store, receipt_rows) == 1


def _end_committing(connection: Connection) -> int:
    return int(
        connection.execute(
            text(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
                " WHERE datname = current_database() AND query LIKE 'COMMIT%' AND state = 'active'",
            ),
        ).scalar_one(),
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
        update(consignments).where(consignments.c.order_no == number).values(updated_at=START),
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
