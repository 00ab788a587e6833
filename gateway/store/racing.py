"""What keeps statements right when several writers run at once.

PostgreSQL has several writing transactions at a time, each seeing what is committed when a
statement begins (READ COMMITTED). So whoever decides from what it reads locks it first, and reads
after the lock. Rows are locked in one order everywhere: business keys, messages, document states,
consignments; within a table by id. What still ends in a deadlock is rolled back by the server and
run again (`gateway/store/lanes.py`). SQLite has one writer, and nothing here costs it anything.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from enum import IntEnum
from typing import Any, TypeVar

from sqlalchemy import Column, Connection, RowMapping, Table, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

K = TypeVar("K")
T = TypeVar("T")

POSTGRESQL = "postgresql"


class Turn(IntEnum):
    """What only one transaction may do at a time; the numbers name advisory locks."""

    MIGRATION = 0x53574701
    AUDIT = 0x53574702
    """Registers and their audit: each row of the chain holds the digest of the one before."""
    SHIPMENTS = 0x53574703
    """A shipment wakes the arrivals that wait for it; an arrival looks whether it must wait."""
    PRESENCE = 0x53574704
    """Held, shared, by each process for as long as it runs."""


def take_turn(connection: Connection, turn: Turn) -> None:
    """Wait until no other transaction has this turn; it ends with the transaction."""
    if connection.dialect.name == POSTGRESQL:
        connection.execute(select(func.pg_advisory_xact_lock(int(turn))))


def lock(connection: Connection, column: Column[Any], values: Iterable[str | None]) -> None:
    """Lock the rows with these values of a unique column, in its order.

    Statements after this one see what the transactions that were waited for have committed.
    """
    wanted = {value for value in values if value is not None}
    if wanted and connection.dialect.name == POSTGRESQL:
        connection.execute(
            select(literal(1)).where(column.in_(wanted)).order_by(column).with_for_update()
        ).all()


def insert_missing(
    connection: Connection, table: Table, rows: Sequence[dict[str, Any]], told: Column[T]
) -> set[T]:
    """Insert the rows that no unique key refuses; `told` of those that went in.

    Waits for a transaction that is inserting an equal key. Rows come in the order of that key, so
    that two transactions wait for each other in one direction.
    """
    if not rows:
        return set()
    insert = postgresql.insert if connection.dialect.name == POSTGRESQL else sqlite.insert
    statement = insert(table).on_conflict_do_nothing().returning(told)
    return set(connection.execute(statement, list(rows)).scalars())


def take(
    connection: Connection,
    table: Table,
    made: Mapping[K, dict[str, Any]],
    read: Callable[[Connection, Collection[K]], Mapping[K, RowMapping]],
) -> dict[K, dict[str, Any]]:
    """The rows with these keys for this transaction alone; the missing ones are put in as `made`.

    `read` locks what it finds. A row that went in now carries `made` True beside its columns.
    """
    found: dict[K, dict[str, Any]] = {}
    missing = list(made)
    while missing:  # a second time for what another transaction put in meanwhile
        found |= {key: dict(row) for key, row in read(connection, missing).items()}
        missing = [key for key in missing if key not in found]
        new = insert_missing(connection, table, [made[key] for key in missing], table.c.id)
        found |= {key: made[key] | {"made": True} for key in missing if made[key]["id"] in new}
        missing = [key for key in missing if key not in found]
    return found
