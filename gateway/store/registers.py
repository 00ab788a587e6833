"""Statements for the registers: dated versions of a record, of which one is in force.

A register has a table and a key; its record is kept as JSON in `body`. Another content closes
the version in force and inserts the next one, so every past declaration can be explained.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    RowMapping,
    Table,
    bindparam,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from gateway.store.tables import declarant_profiles, enterprises, goods, key_profiles, mandates
from gateway.telemetry import new_id

Key = tuple[str, ...]
"""The key of a record in the order of `Register.key`; a part that is absent is empty."""

ENTERPRISE = "enterprise"
KEY_PROFILE = "key-profile"
GOODS = "goods"
PROFILE = "profile"
MANDATE = "mandate"


@dataclass(frozen=True, slots=True, kw_only=True)
class Register:
    """One register: its kind in the catalogue, its table, and columns to fields of the record.

    `codes` are the fields that hold the code of an enterprise: they are written to the columns
    as the identity of that enterprise.
    """

    kind: str
    table: Table
    key: Mapping[str, str]
    beside: Mapping[str, str] = field(default_factory=dict)
    codes: frozenset[str] = frozenset()

    def columns_of(self, fields: Iterable[str]) -> list[Column[Any]]:
        """The columns that hold these fields of the record."""
        names = {field: name for name, field in (*self.key.items(), *self.beside.items())}
        return [self.table.c[names[one]] for one in fields]


REGISTERS: Mapping[str, Register] = MappingProxyType(
    {
        one.kind: one
        for one in (
            Register(
                kind=ENTERPRISE,
                table=enterprises,
                key={"code": "code"},
                beside={"credit_code": "creditCode", "name": "name"},
            ),
            Register(
                kind=KEY_PROFILE,
                table=key_profiles,
                key={"profile": "profile"},
                beside={"enterprise": "enterprise"},
                codes=frozenset({"enterprise"}),
            ),
            Register(
                kind=GOODS,
                table=goods,
                key={"ebc_code": "ebcCode", "item_no": "itemNo", "direction": "direction"},
                codes=frozenset({"ebcCode"}),
            ),
            Register(
                kind=PROFILE,
                table=declarant_profiles,
                key={
                    "agent_code": "agentCode",
                    "mode": "mode",
                    "customs_code": "customsCode",
                    "ebc_code": "ebcCode",
                },
                codes=frozenset({"agentCode", "ebcCode"}),
            ),
            Register(
                kind=MANDATE,
                table=mandates,
                key={"mandate": "mandate"},
                beside={"principal": "principal", "holder": "holder"},
                codes=frozenset({"principal", "holder"}),
            ),
        )
    }
)
"""Every register by its kind, enterprises first: the others name them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One version of one record. `columns` holds the key and what stands beside it."""

    kind: str
    columns: Mapping[str, str | None]
    version: int
    valid_from: datetime
    body: Mapping[str, Any]
    paused: bool = False

    @property
    def key(self) -> Key:
        """The key in the order of the register."""
        return tuple(self.columns[name] or "" for name in REGISTERS[self.kind].key)


def in_force(connection: Connection, kind: str) -> list[Record]:
    """Every record of a register that is in force."""
    table = REGISTERS[kind].table
    rows = connection.execute(select(table).where(table.c.valid_to.is_(None))).mappings()
    return [_record(kind, row) for row in rows]


def current(connection: Connection, kind: str, keys: Iterable[Key]) -> dict[Key, Record]:
    """The records with these keys that are in force."""
    wanted = list(keys)
    if not wanted:
        return {}
    register = REGISTERS[kind]
    columns = [register.table.c[name] for name in register.key]
    rows = connection.execute(
        select(register.table).where(
            tuple_(*columns).in_(wanted), register.table.c.valid_to.is_(None)
        )
    ).mappings()
    return {one.key: one for one in (_record(kind, row) for row in rows)}


def page(
    connection: Connection,
    kind: str,
    *,
    visible: tuple[Sequence[str], str] | None,
    after: Key | None,
    limit: int,
) -> list[Record]:
    """Records in force in the order of their keys, after a key.

    `visible` (fields of the record, identity) keeps those that name this enterprise in one of
    these fields; None keeps all.
    """
    register = REGISTERS[kind]
    table = register.table
    columns = [table.c[name] for name in register.key]
    query = select(table).where(table.c.valid_to.is_(None))
    if visible is not None:
        fields, identity = visible
        query = query.where(or_(*(one == identity for one in register.columns_of(fields))))
    if after is not None:
        query = query.where(tuple_(*columns) > tuple_(*after))
    rows = connection.execute(query.order_by(*columns).limit(limit)).mappings()
    return [_record(kind, row) for row in rows]


def add_versions(connection: Connection, kind: str, records: Sequence[Record]) -> None:
    """Close the versions in force of these keys and insert the new ones; keys are distinct."""
    if not records:
        return
    register = REGISTERS[kind]
    table = register.table
    connection.execute(
        update(table)
        .where(
            *(table.c[name] == bindparam(f"key_{name}") for name in register.key),
            table.c.valid_to.is_(None),
        )
        .values(valid_to=bindparam("closed")),
        [
            {f"key_{name}": one.columns[name] for name in register.key} | {"closed": one.valid_from}
            for one in records
        ],
    )
    connection.execute(
        insert(table),
        [
            {
                "id": new_id(),
                **one.columns,
                "version": one.version,
                "valid_from": one.valid_from,
                "body": dict(one.body),
            }
            for one in records
        ],
    )


def set_pause(
    connection: Connection, profile: str, *, at: datetime | None, reason: str | None
) -> bool:
    """Pause a key profile (`at` given) or let it sign again; False when it is so already."""
    state = key_profiles.c.paused_at.is_(None) if at else key_profiles.c.paused_at.is_not(None)
    done = connection.execute(
        update(key_profiles)
        .where(key_profiles.c.profile == profile, key_profiles.c.valid_to.is_(None), state)
        .values(paused_at=at, paused_reason=reason)
    )
    return done.rowcount == 1


def _record(kind: str, row: RowMapping) -> Record:
    register = REGISTERS[kind]
    return Record(
        kind=kind,
        columns={name: row[name] for name in (*register.key, *register.beside)},
        version=row["version"],
        valid_from=row["valid_from"],
        body=row["body"],
        paused=row.get("paused_at") is not None,
    )
