"""The use case behind POST: records in, one result each, nothing accepted before it is durable."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.errors import GatewayError, Invalid
from gateway.intake.door import Door, refusal
from gateway.intake.shipments import Shipments
from gateway.messages import MessageType, validate, write
from gateway.messages.versions import versioned
from gateway.model import Caller
from gateway.ports import Announce, OutboxRow
from gateway.store.accept import accept
from gateway.store.database import Database
from gateway.store.group import GroupCommit
from gateway.store.prepared import Accepting, Prepared


@dataclass(frozen=True, slots=True)
class _Stored:
    """What the group commit gives back for one document."""

    answer: dict[str, Any]
    announced: list[OutboxRow]


class Intake:
    """Takes records of every kind; see `submit`."""

    def __init__(
        self,
        door: Door,
        database: Database,
        announce: Announce,
        *,
        collecting: timedelta,
        backlog: Callable[[], int],
        backlog_max: int,
    ) -> None:
        self._door = door
        self._announce = announce
        self._backlog = backlog
        self._backlog_max = backlog_max
        self._accepting = Accepting(vault=door.vault, rewrite=_rewrite, collecting=collecting)
        self._commit = GroupCommit(database, self._store)
        self._shipments = Shipments(door, database, announce)

    async def start(self) -> None:
        """Begin to commit."""
        self._commit.start()

    async def stop(self) -> None:
        """Commit what waits."""
        await self._commit.stop()

    def overloaded(self) -> int | None:
        """Seconds to wait before trying again, when the backlog bounds intake; else None."""
        return 2 if self._commit.full or self._backlog() > self._backlog_max else None

    async def submit(
        self, caller: Caller, resource: str, records: Sequence[object], correlation: str
    ) -> list[dict[str, Any]]:
        """One result per record, in order: the status and body of the single answer.

        `resource` is the path below /v1, e.g. import/orders. Raises Refused (503) when nothing
        could be accepted at all.
        """
        type_ = self._door.catalogue.by_resource(resource)
        if type_.row.kind == "shipment":
            return await self._shipments.submit(caller, type_, records)
        results: list[dict[str, Any] | None] = [None] * len(records)
        prepared = self._prepare(caller, type_, records, correlation, results)
        if prepared:
            stored = await self._commit.commit([one for _, one in prepared])
            for (place, _), one in zip(prepared, stored, strict=True):
                results[place] = one.answer
            self._announce([row for one in stored for row in one.announced])
        return [{"index": index, **(one or {})} for index, one in enumerate(results)]

    def _prepare(
        self,
        caller: Caller,
        type_: MessageType,
        records: Sequence[object],
        correlation: str,
        results: list[dict[str, Any] | None],
    ) -> list[tuple[int, Prepared]]:
        """The good records with their places; what is refused is written into `results`."""
        prepared: list[tuple[int, Prepared]] = []
        for place, record in enumerate(records):
            try:
                prepared.append((place, self._door.prepare(caller, type_, record, correlation)))
            except GatewayError as error:
                results[place] = refusal(error)
        fragments = [(place, one) for place, one in prepared if one.fragment is not None]
        found = (
            validate(self._door.declared(type_), [one.fragment or b"" for _, one in fragments])
            if fragments
            else []
        )
        bad = {}
        for (place, _), problems in zip(fragments, found, strict=True):
            if problems:
                bad[place] = problems
                results[place] = refusal(Invalid(problems))
        return [(place, one) for place, one in prepared if place not in bad]

    def _store(self, connection: Connection, group: Sequence[Prepared]) -> Sequence[_Stored]:
        done = accept(connection, self._accepting, group)
        stored = [_Stored(answer, []) for answer in done.answers]
        stored[0].announced.extend(done.announced)
        return stored


def _rewrite(type_: MessageType, content: Any, document_id: str, app_type: str, at: Any) -> bytes:
    return write(type_, versioned(content, document_id, app_type, at))
