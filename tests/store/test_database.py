"""The embedded store: one process, durable, at the newest revision; group commits that share."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, insert, select, text
from sqlalchemy.exc import IntegrityError

from gateway.errors import Misconfigured, Refused
from gateway.store.database import Database, make_engine
from gateway.store.group import GroupCommit
from gateway.store.migrate import upgrade
from gateway.store.tables import metadata, receipt_digests


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An empty store at the newest revision."""
    made = Database(f"sqlite:///{tmp_path / 'store.sqlite'}", lock_file=tmp_path / "lock")
    upgrade(made.engine)
    yield made
    made.close()


def test_the_revisions_lead_to_the_tables_that_the_program_uses(tmp_path: Path) -> None:
    """Alembic from empty gives exactly the defined tables: nothing to add, drop or change."""
    engine = make_engine(f"sqlite:///{tmp_path / 'store.sqlite'}")
    upgrade(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


async def test_commits_survive_power_loss_settings(database: Database) -> None:
    """Every connection writes ahead and flushes at each commit."""

    def pragmas(connection: Connection) -> tuple[str, int]:
        mode = connection.execute(text("PRAGMA journal_mode")).scalar_one()
        flush = connection.execute(text("PRAGMA synchronous")).scalar_one()
        return mode, flush

    assert await database.write(pragmas) == ("wal", 2)
    assert await database.read(pragmas) == ("wal", 2)


async def test_a_second_process_cannot_open_the_same_store(
    database: Database,
    tmp_path: Path,
) -> None:
    """The file lock refuses another process with a sentence, and this one goes on."""
    del database
    script = (
        "import sys; from pathlib import Path; from gateway.store.database import Database\n"
        "try:\n"
        "    Database('sqlite://', lock_file=Path(sys.argv[1]))\n"
        "except Exception as error: print(type(error).__name__)"
    )
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", script, str(tmp_path / "lock")],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.strip() == Misconfigured.__name__


async def test_a_failed_transaction_leaves_nothing(database: Database) -> None:
    """An error inside a write rolls all of it back, and the next write works."""

    def half(connection: Connection) -> None:
        connection.execute(insert(receipt_digests), {"digest": "a", "receipt_id": "1"})
        raise RuntimeError

    with pytest.raises(RuntimeError):
        await database.write(half)
    assert await database.read(_digests) == []
    await database.write(_add, ["b"])
    assert await database.read(_digests) == ["b"]


def _digests(connection: Connection) -> list[str]:
    return list(connection.execute(select(receipt_digests.c.digest)).scalars())


def _add(connection: Connection, digests: Sequence[str]) -> Sequence[str]:
    for digest in digests:
        connection.execute(insert(receipt_digests), {"digest": digest, "receipt_id": "1"})
    return digests


async def test_one_bad_part_poisons_no_other(database: Database) -> None:
    """Of parts that share a transaction, the one the database refuses fails alone."""
    group = GroupCommit[str, str](database, _add)
    waiting = [
        asyncio.ensure_future(group.commit([digest])) for digest in ("a", "b", "a", "c", "d")
    ]
    await asyncio.sleep(0)
    group.start()
    results = await asyncio.gather(*waiting, return_exceptions=True)
    await group.stop()
    assert [one for one in results if not isinstance(one, BaseException)] == [
        ["a"],
        ["b"],
        ["c"],
        ["d"],
    ]
    assert isinstance(results[2], Refused)
    assert results[2].status == 503
    assert sorted(await database.read(_digests)) == ["a", "b", "c", "d"]


async def test_parts_that_wait_together_share_a_transaction(database: Database) -> None:
    """A hundred callers cost far fewer commits than a hundred."""
    commits = 0

    def count(connection: Connection, digests: Sequence[str]) -> Sequence[str]:
        nonlocal commits
        commits += 1
        return _add(connection, digests)

    group = GroupCommit[str, str](database, count)
    group.start()
    await asyncio.gather(*(group.commit([str(one)]) for one in range(100)))
    await group.stop()
    assert len(await database.read(_digests)) == 100
    assert commits <= 3


async def test_the_database_names_what_it_refuses(database: Database) -> None:
    """An equal digest is refused by the unique key, whoever asks first."""
    await database.write(_add, ["a"])
    with pytest.raises(IntegrityError):
        await database.write(_add, ["a"])
