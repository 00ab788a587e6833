from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import Connection, delete, insert, select, update

from gateway.store.audit import Action, Break, append, verify
from gateway.store.database import make_engine
from gateway.store.tables import audit, metadata

AT = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture
def connection(tmp_path: Path) -> Iterator[Connection]:
    """A store with six rows of audit, in an open transaction."""
    engine = make_engine(f"sqlite:///{tmp_path / 'audit.sqlite'}")
    metadata.create_all(engine)
    with engine.connect() as opened, opened.begin():
        for number in range(3):
            append(opened, [_action(f"S-{number}-{part}") for part in range(2)], AT)
        yield opened
    engine.dispose()


def _action(subject: str) -> Action:
    return Action(actor="K-1", action="goods_put", subject=subject, detail="version 1")


def test_a_chain_that_nobody_touched_holds(connection: Connection) -> None:
    """Rows of several transactions form one chain."""
    assert verify(connection) is None
    assert len(connection.execute(select(audit)).all()) == 6


@pytest.mark.parametrize("column", ["actor", "action", "subject", "detail"])
def test_a_changed_row_shows(connection: Connection, column: str) -> None:
    """Whatever of a row is changed, its digest tells."""
    connection.execute(update(audit).where(audit.c.seq == 4).values({column: "other"}))
    assert verify(connection) == Break(seq=4, reason="changed")


def test_a_changed_time_shows(connection: Connection) -> None:
    """The time of an action is covered too."""
    later = AT.replace(hour=1)
    connection.execute(update(audit).where(audit.c.seq == 2).values(at=later))
    assert verify(connection) == Break(seq=2, reason="changed")


@pytest.mark.parametrize("seq", [1, 3])
def test_a_removed_row_shows(connection: Connection, seq: int) -> None:
    """A gap is told by the number that is missing."""
    connection.execute(delete(audit).where(audit.c.seq == seq))
    assert verify(connection) == Break(seq=seq, reason="missing")


def test_an_inserted_row_shows(connection: Connection) -> None:
    """A row that does not name the digest before it breaks the chain."""
    forged = {"at": AT, "actor": "x", "action": "x", "subject": "x", "detail": ""}
    connection.execute(insert(audit), forged | {"seq": 7, "previous": "0" * 64, "digest": "1" * 64})
    assert verify(connection) == Break(seq=7, reason="changed")


def test_rows_in_another_order_show(connection: Connection) -> None:
    """Two rows that change places are both wrong."""
    for old, new in ((2, 100), (3, 2), (100, 3)):
        connection.execute(update(audit).where(audit.c.seq == old).values(seq=new))
    assert verify(connection) == Break(seq=2, reason="changed")
