"""Writing the registers: records in, one result each; other content is the next version."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.errors import GatewayError, Refused
from gateway.messages import MessageType, decode_register
from gateway.model import Caller
from gateway.registers.checks import Checks, LoadKey
from gateway.store import audit
from gateway.store import registers as statements
from gateway.store.database import Database
from gateway.store.queues import RECONSIDERING, RESUMPTION, post
from gateway.store.racing import Turn, take_turn
from gateway.store.registers import KEY_PROFILE, REGISTERS, Key, Record, Register
from gateway.store.registry.snapshot import Registers
from gateway.telemetry import Clock

OPERATOR = "operator"
SUBJECT_CHARACTERS_MAX = 128
"""What the audit keeps of a key; no key of a register comes near it but a mandate's own id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """A record that is in force now; `repeated` when it already was, word for word."""

    kind: str
    key: Mapping[str, str]
    version: int
    repeated: bool


@dataclass(frozen=True, slots=True)
class _Wanted:
    place: int
    columns: Mapping[str, str | None]
    body: Mapping[str, Any]


class Registrar:
    """Takes records of every register; see `put`."""

    def __init__(
        self, registers: Registers, database: Database, clock: Clock, load_key: LoadKey
    ) -> None:
        self._registers = registers
        self._database = database
        self._clock = clock
        self._checks = Checks(registers=registers, load_key=load_key)
        self._turn = asyncio.Lock()

    async def put(
        self, caller: Caller, type_: MessageType, records: Sequence[object]
    ) -> list[Put | GatewayError]:
        """One result per record, in order; a bad record never stops its neighbours.

        The operator writes everything, an enterprise what names it in the fields of
        `type_.row.parties`. A key that comes twice is decided in the order of the records.
        """
        register = REGISTERS[type_.row.kind]
        results: list[Put | GatewayError | None] = [None] * len(records)
        async with self._turn:  # the checks look at what the write before left behind
            wanted = await asyncio.to_thread(
                lambda: list(self._check(caller, type_, records, results))
            )
            for group in _rounds(register, wanted):
                done, changed = await self._database.write(
                    self._store, register, group, caller.key_id, self._clock()
                )
                self._registers.apply(changed)
                for one, put in zip(group, done, strict=True):
                    results[one.place] = put
        return [one for one in results if one is not None]

    def _check(
        self,
        caller: Caller,
        type_: MessageType,
        records: Sequence[object],
        results: list[Put | GatewayError | None],
    ) -> Iterator[_Wanted]:
        """The good records; what is refused is written into `results`.

        Runs in a thread: a body may hold a thousand records, and key files are read from disk.
        """
        claimed: dict[str, str] = {}
        now = self._clock()
        for place, record in enumerate(records):
            try:
                body = decode_register(type_, record)
                _check_owner(caller, type_, body)
                body = self._checks.check(type_.row.kind, body, claimed, now)
                yield _Wanted(place, self._columns(type_.row.kind, body), _plain(body))
            except GatewayError as error:
                results[place] = error

    def _columns(self, kind: str, body: Mapping[str, Any]) -> dict[str, str | None]:
        """The columns beside the body, codes as identities; the key's absent parts are empty."""
        register = REGISTERS[kind]
        columns: dict[str, str | None] = {}
        for name, source in (*register.key.items(), *register.beside.items()):
            value = body.get(source)
            if value and source in register.codes:
                value = self._registers.identity(value)
            columns[name] = "" if value is None and name in register.key else value
        return columns

    def _store(
        self,
        connection: Connection,
        register: Register,
        group: Sequence[_Wanted],
        actor: str,
        at: datetime,
    ) -> tuple[list[Put], list[Record]]:
        take_turn(connection, Turn.AUDIT)
        keys = [_key(register, one) for one in group]
        known = statements.current(connection, register.kind, keys)
        done, changed = [], []
        for key, one in zip(keys, group, strict=True):
            old = known.get(key)
            repeated = old is not None and old.body == one.body
            version = old.version + (not repeated) if old else 1
            names = dict(zip(register.key.values(), key, strict=True))
            done.append(
                Put(
                    kind=register.kind,
                    key={name: value for name, value in names.items() if value},
                    version=version,
                    repeated=repeated,
                )
            )
            if not repeated:
                changed.append(
                    Record(
                        kind=register.kind,
                        columns=one.columns,
                        version=version,
                        valid_from=at,
                        body=one.body,
                    )
                )
        statements.add_versions(connection, register.kind, changed)
        if register.kind == KEY_PROFILE:
            renewed = [record.key[0] for record in changed]
            post(connection, [(RESUMPTION, renewed)], at, lease=timedelta(0))
        if changed:
            post(connection, [(RECONSIDERING, [register.kind])], at, lease=timedelta(0))
        audit.append(
            connection,
            [
                audit.Action(
                    actor=actor,
                    action=f"{register.kind}_put",
                    subject="/".join(record.key)[:SUBJECT_CHARACTERS_MAX],
                    detail=f"version {record.version}",
                )
                for record in changed
            ],
            at,
        )
        return done, changed


def _check_owner(caller: Caller, type_: MessageType, body: Mapping[str, Any]) -> None:
    if caller.role == OPERATOR:
        return
    if not {body.get(name) for name in type_.row.parties} & caller.codes:
        raise Refused(
            403,
            "A-foreign",
            "该记录不属于调用方企业。",
            "This record belongs to another enterprise.",
        )


def _key(register: Register, one: _Wanted) -> Key:
    return tuple(one.columns[name] or "" for name in register.key)


def _rounds(register: Register, wanted: Sequence[_Wanted]) -> Iterator[list[_Wanted]]:
    """Groups of distinct keys: the second of a pair is decided when the first is stored."""
    pending = list(wanted)
    while pending:
        seen: set[Key] = set()
        turn: list[_Wanted] = []
        later: list[_Wanted] = []
        for one in pending:
            key = _key(register, one)
            (later if key in seen else turn).append(one)
            seen.add(key)
        yield turn
        pending = later


def _plain(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """The record as JSON gives it back, so that old and new compare alike."""
    plain: Mapping[str, Any] = json.loads(json.dumps(body, ensure_ascii=False))
    return plain
