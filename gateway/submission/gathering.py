"""Gathering: documents of one signing group wait for each other, a short while, to share a message.

One clock per group: the first document starts it, `linger` later the group goes, or at once when
it is full by number or by bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from sqlalchemy import RowMapping

from gateway.errors import Refused
from gateway.messages import Catalogue
from gateway.ports import Postponed
from gateway.store import messages as statements
from gateway.store.database import Database
from gateway.store.registry import KeyChoice, Registers
from gateway.submission.writing import Writing
from gateway.telemetry import Clock

MESSAGE_FRAGMENT_BYTES_MAX = 4_194_304
"""Bytes of fragments in one message; the wire form is a third larger."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningGroup:
    """What all documents of one message have in common (derivation section 8, rule 6)."""

    type: str
    profile: str
    responsible: str


@dataclass(slots=True)
class _Gathered:
    choice: KeyChoice
    rows: list[RowMapping] = field(default_factory=list)
    size: int = 0
    timer: asyncio.TimerHandle | None = None
    committed: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Gathering:
    """The handler of the submission queue."""

    def __init__(
        self,
        writing: Writing,
        catalogue: Catalogue,
        registry: Registers,
        database: Database,
        clock: Clock,
        *,
        linger_seconds: float,
        committed: asyncio.Event,
    ) -> None:
        self._writing = writing
        self._catalogue = catalogue
        self._registry = registry
        self._database = database
        self._clock = clock
        self._linger_seconds = linger_seconds
        self._committed = committed
        self._groups: dict[SigningGroup, _Gathered] = {}
        self._writes: set[asyncio.Task[None]] = set()

    async def handle(self, ids: Sequence[str]) -> None:
        """Returns when every document of the batch stands in a committed message.

        Raises Postponed when a key profile is paused or not usable now.
        """
        rows = await self._database.read(statements.ready, ids)
        waits, postponed = [], set()
        for row in rows:
            try:
                waits.append(self._add(row))
            except Postponed as reason:
                postponed.add(str(reason))
        for wait in dict.fromkeys(waits):
            await asyncio.shield(wait)
        if postponed:
            raise Postponed(", ".join(sorted(postponed)))

    def _add(self, row: RowMapping) -> asyncio.Future[None]:
        group = SigningGroup(
            type=row["type"], profile=row["key_profile"], responsible=row["responsible"]
        )
        gathered = self._groups.get(group)
        if gathered is None:
            gathered = _Gathered(self._choose(row))
            self._groups[group] = gathered
            loop = asyncio.get_running_loop()
            gathered.timer = loop.call_later(self._linger_seconds, self._flush, group)
        if any(one["id"] == row["id"] for one in gathered.rows):
            return gathered.committed
        gathered.rows.append(row)
        gathered.size += len(row["sealed_fragment"])
        most = self._catalogue.type(group.type).schema.documents_max or 1
        if len(gathered.rows) >= most or gathered.size >= MESSAGE_FRAGMENT_BYTES_MAX:
            self._flush(group)
        return gathered.committed

    def _choose(self, row: RowMapping) -> KeyChoice:
        """The key as the registers have it now: it may have been renewed since the door."""
        try:
            choice = self._registry.signing([row["responsible"]], row["type"], self._clock())
        except Refused as reason:
            raise Postponed(reason.code) from reason
        if choice.paused:
            raise Postponed(f"key profile {choice.profile} is paused")
        return choice

    def _flush(self, group: SigningGroup) -> None:
        gathered = self._groups.pop(group, None)
        if gathered is None:
            return
        if gathered.timer is not None:
            gathered.timer.cancel()
        task = asyncio.get_running_loop().create_task(self._write(gathered))
        self._writes.add(task)
        task.add_done_callback(self._writes.discard)

    async def _write(self, gathered: _Gathered) -> None:
        try:
            await self._writing.write(gathered.rows, gathered.choice)
        except Exception as error:  # the batches that wait must hear of any fault
            log.exception("message_not_written")
            if not gathered.committed.done():
                gathered.committed.set_exception(error)
                gathered.committed.exception()
            return
        self._committed.set()
        if not gathered.committed.done():
            gathered.committed.set_result(None)
