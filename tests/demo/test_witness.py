"""The comparison on a real run: it finds a gateway that forgets, and one that declares anew."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

from rich.console import Console

from gateway.demo.progress import progress_on
from gateway.demo.report import result
from gateway.demo.run import Demo, Options, running

CONSIGNMENTS = 3
QUICK, NEVER = 0.2, 3600.0
PATIENCE_SECONDS = 30


def _options(data: Path, linger_seconds: float) -> Options:
    return Options(
        consignments=CONSIGNMENTS,
        seed=3,
        data=data,
        settings={"linger_seconds": linger_seconds},
        idle_seconds=5,
    )


def _waybill(connection: sqlite3.Connection) -> str:
    """The id of some waybill."""
    query = "SELECT id FROM documents WHERE kind = 'waybill' ORDER BY id LIMIT 1"
    found: str = connection.execute(query).fetchone()[0]
    return found


def _forget(store: Path) -> None:
    """Take one accepted document out of the store, with all that speaks of it."""
    with closing(sqlite3.connect(store)) as connection, connection:
        lost = _waybill(connection)
        for statement in (
            "DELETE FROM events WHERE document_id = ?",
            "DELETE FROM document_state WHERE document_id = ?",
            "DELETE FROM documents WHERE id = ?",
        ):
            assert connection.execute(statement, (lost,)).rowcount >= 1


def _declare_anew(store: Path) -> str:
    """Make a document look as if it had never been sent, and queue it; its id."""
    with closing(sqlite3.connect(store)) as connection, connection:
        chosen = _waybill(connection)
        connection.execute(
            "UPDATE document_state SET local_state = 'accepted', authority_state = NULL,"
            " authority_status = NULL, authority_final = 0, message_id = NULL, sent_at = NULL"
            " WHERE document_id = ?",
            (chosen,),
        )
        connection.execute(
            "INSERT INTO outbox (id, queue, ids, tries, next_at)"
            " VALUES ('ANEW', 'submission', json_array(?), 0, '2026-01-01 00:00:00.000000')",
            (chosen,),
        )
        return chosen


async def _declared(demo: Demo, guid: str, times: int) -> None:
    """Wait until the authority has seen a document so often."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            ledger = await demo.installation.simulation.ledger()
            if sum(one.guid == guid for one in ledger) >= times:
                return
            await asyncio.sleep(0.2)


async def test_a_forgotten_document_is_counted_as_lost(tmp_path: Path) -> None:
    """Deleted from the store after the 202: no row tells of it any more, the answer did."""
    async with running(
        _options(tmp_path / "data", NEVER), progress_on(Console(stderr=True))
    ) as demo:
        await demo.submit()
        await demo.installation.gateway.kill()
        _forget(demo.installation.store)
        demo.installation.write_settings({"linger_seconds": QUICK})
        await demo.installation.gateway.start()
        left = await demo.follow()
        found = result(await demo.count())
    assert len(left) == 1, "the parcel of the forgotten waybill cannot be declared"
    assert (found["lost"], found["declared_twice"], found["ok"]) == (1, 0, False)


async def test_a_document_declared_anew_is_counted_as_declared_twice(tmp_path: Path) -> None:
    """Sent in a second message after customs took it; before that the run was without fault."""
    async with running(
        _options(tmp_path / "data", QUICK), progress_on(Console(stderr=True))
    ) as demo:
        await demo.submit()
        assert await demo.follow() == []
        before = result(await demo.count())
        await demo.installation.gateway.stop()
        guid = _declare_anew(demo.installation.store)
        await demo.installation.gateway.start()
        await _declared(demo, guid, 2)
        after = result(await demo.count())
    assert (before["lost"], before["declared_twice"], before["ok"]) == (0, 0, True)
    assert (after["lost"], after["declared_twice"], after["ok"]) == (0, 1, False)
