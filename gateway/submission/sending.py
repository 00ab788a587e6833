"""Sending: due messages go to their authority, the same bytes at every attempt.

The intent (an attempt row) is committed before the first byte. A lost answer is *unknown*: the
message is due again after a waiting time, with the same bytes and the same CopMsgId. A message
that was transmitted and not answered in time is sent again too, a bounded number of times; then
a person must look.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import Connection, RowMapping

from gateway.errors import GatewayError
from gateway.model import Answer
from gateway.ports import Announce, Authority, OutboxRow, Transport
from gateway.store import discrepancies, refusals
from gateway.store import documents as documents_store
from gateway.store import messages as statements
from gateway.store.database import Database
from gateway.store.vault import Vault
from gateway.submission.writing import envelope_of
from gateway.telemetry import Clock

UNDER_WAY_MAX = 16
"""Transmissions at once to all authorities."""
BACKOFF_FACTOR_MAX = 16
"""Waiting times double with each attempt, up to this factor."""

DAMAGED = "damaged"
"""The outcome of a message that was not sent, because its stored parts do not fit."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """Waiting times of sending, each with its unit; all are settings."""

    answer_seconds: float
    """After a transmission, until the same bytes go again when no receipt has come."""
    unknown_seconds: float
    """After a lost answer, until the same bytes go again."""
    lease_seconds: float
    """How long a claimed message is left to its sender; longer than the transport's total."""
    poll_seconds: float
    attempts_overdue: int
    """After so many attempts without an answer the message is a discrepancy."""
    attempts_max: int
    """After so many attempts nothing is sent any more until a person says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """How one authority is reached."""

    authority: Authority
    transport: Transport


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyGuard:
    """Pauses the key profile of a message that was refused with one of these codes."""

    pause: Callable[[str], Awaitable[None]]
    signature_codes: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Sent:
    claim: statements.Claim
    answer: Answer
    fault: str


class Damaged(GatewayError):
    """The stored parts of a message no longer give the bytes that were committed."""


class Sending:
    """Sends what is due, at most UNDER_WAY_MAX messages at once; a slow answer delays no other."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        channels: Mapping[str, Channel],
        announce: Announce,
        waits: Waits,
        *,
        guard: KeyGuard,
        kick: asyncio.Event,
    ) -> None:
        self._guard = guard
        self._database = database
        self._vault = vault
        self._clock = clock
        self._channels = channels
        self._announce = announce
        self._waits = waits
        self._kick = kick
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Take up what an earlier process left, then send what is due."""
        if await self._database.alone():
            await self._database.write(statements.hasten, self._clock())
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End after the transmissions under way; what is cut off is unknown, and sent again."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        under_way: set[asyncio.Task[_Sent]] = set()
        try:
            while True:
                try:
                    under_way |= await self._claim(UNDER_WAY_MAX - len(under_way))
                    under_way = await self._finish(under_way)
                except Exception:  # the sender outlives a fault of the store
                    log.exception("sending_failed")
                    await asyncio.sleep(self._waits.poll_seconds)
        finally:
            for task in under_way:
                task.cancel()

    async def _claim(self, room: int) -> set[asyncio.Task[_Sent]]:
        """Start to send what is due, as far as there is room."""
        if room <= 0:
            return set()
        now = self._clock()
        lease = now + timedelta(seconds=self._waits.lease_seconds)
        claims = await self._database.write(self._take, now, lease, room)
        loop = asyncio.get_running_loop()
        return {loop.create_task(self._send(claim)) for claim in claims}

    def _take(
        self, connection: Connection, now: datetime, lease: datetime, room: int
    ) -> Sequence[statements.Claim]:
        """Claim what is due; documents that alone stayed silent become discrepancies."""
        due = statements.claim(connection, now, lease, room)
        discrepancies.open_all(connection, map(_silent, due.silent), now)
        return due.claims

    async def _finish(self, under_way: set[asyncio.Task[_Sent]]) -> set[asyncio.Task[_Sent]]:
        """Record what has ended, all of it with one transaction; what goes on."""
        kicked = asyncio.ensure_future(self._kick.wait())
        waiting: set[asyncio.Future[Any]] = {*under_way, kicked}
        done, _ = await asyncio.wait(
            waiting,
            timeout=self._waits.poll_seconds,
            return_when=asyncio.FIRST_COMPLETED,
        )
        kicked.cancel()
        self._kick.clear()
        ended = [task for task in under_way if task in done]
        sent = [task.result() for task in ended if task.exception() is None]
        for task in ended:
            if task.exception() is not None:
                log.error("message_not_sent", exc_info=task.exception())
        if sent:
            announced = await self._database.write(self._record, sent)
            for profile in self._refused_keys(sent):
                await self._guard.pause(profile)
            self._announce(announced)
        return under_way.difference(ended)

    def _refused_keys(self, sent: Sequence[_Sent]) -> list[str]:
        """Key profiles whose signature or certificate the authority refused at once."""
        refused = [one for one in sent if one.answer.outcome == "refused"]
        return list(
            dict.fromkeys(
                one.claim.row["key_profile"]
                for one in refused
                if one.answer.code in self._guard.signature_codes
            )
        )

    async def _send(self, claim: statements.Claim) -> _Sent:
        row = claim.row
        channel = self._channels[row["authority"]]
        authority = channel.authority
        try:
            wire = self._wire(claim, authority)
        except GatewayError as error:
            log.error("message_damaged", message=row["id"], code=error.code)  # noqa: TRY400
            return _Sent(claim=claim, answer=Answer(outcome=DAMAGED, code=error.code), fault="")
        delivery = await channel.transport.send(wire, row["id"])
        answer = (
            authority.read_answer(delivery.status, delivery.body)
            if delivery.status
            else Answer(outcome="unknown")
        )
        log.info(
            "message_sent",
            message=row["id"],
            correlation=row["correlation"],
            type=row["type"],
            attempt=claim.number,
            documents=len(row["document_ids"]),
            outcome=answer.outcome,
            fault=delivery.fault,
        )
        return _Sent(claim=claim, answer=answer, fault=delivery.fault)

    def _wire(self, claim: statements.Claim, authority: Authority) -> bytes:
        """The bytes of the recipe, checked against what was committed before the first attempt."""
        row = claim.row
        fragments = [
            self._vault.open(one["id"], one["sealed_fragment"], one["data_key"])
            for one in claim.fragments
        ]
        data = b"".join((row["head"], *fragments, row["tail"]))
        wire = authority.wrap(data, envelope_of(row))
        digests = hashlib.sha256(data).hexdigest(), hashlib.sha256(wire).hexdigest()
        if digests != (row["digest"], row["wire_digest"]):
            raise Damaged(
                "K-damaged",
                "报文与提交时的摘要不符，不予发送。",
                f"The stored parts of message {row['id']} no longer give its digest.",
            )
        return wire

    def _record(self, connection: Connection, sent: Sequence[_Sent]) -> list[OutboxRow]:
        now = self._clock()
        statements.lock_messages(connection, [one.claim.row["id"] for one in sent])
        statements.end_attempts(
            connection,
            [
                {
                    "message": one.claim.row["id"],
                    "place": one.claim.number,
                    "ended": now,
                    "result": one.answer.outcome,
                    "answer_code": one.answer.code,
                    "what": one.fault,
                }
                for one in sent
            ],
        )
        announced: list[OutboxRow] = []
        waiting = statements.unanswered(connection, [one.claim.row["id"] for one in sent])
        for one in sent:
            announced += self._record_one(connection, one, waiting, now)
        return announced

    def _record_one(
        self, connection: Connection, one: _Sent, waiting: set[str], now: datetime
    ) -> list[OutboxRow]:
        row = one.claim.row
        if one.answer.outcome == "refused":
            return refusals.refuse_message(connection, row, one.answer.code, now)
        if one.answer.outcome == DAMAGED:
            statements.schedule(connection, [{"row": row["id"], "at": None}])
            discrepancies.open_message(connection, row, "damaged_message", {}, now)
            return []
        happened = "transmit" if one.answer.outcome == "transmitted" else "lose"
        if not statements.move_message(connection, row["id"], happened):
            # Refused while it was under way: its documents go in other messages by now.
            return []
        documents_store.move(connection, happened, row["document_ids"], at=now)
        due = self._next(one, now) if row["id"] in waiting else None
        statements.schedule(connection, [{"row": row["id"], "at": due}])
        if due is not None and one.claim.number >= self._waits.attempts_overdue:
            detail = {"attempts": one.claim.number}
            discrepancies.open_message(connection, row, "overdue", detail, now)
        return []

    def _next(self, one: _Sent, now: datetime) -> datetime | None:
        """When the same bytes go again; None after the last attempt of a transmitted message."""
        transmitted = one.answer.outcome == "transmitted"
        if transmitted and one.claim.number >= self._waits.attempts_max:
            return None
        seconds = self._waits.answer_seconds if transmitted else self._waits.unknown_seconds
        factor = min(2 ** (one.claim.number - 1), BACKOFF_FACTOR_MAX)
        return now + timedelta(seconds=seconds * factor)


def _silent(row: RowMapping) -> discrepancies.Opening:
    """A document without a receipt in a message whose other documents have theirs."""
    return discrepancies.Opening(
        code="overdue",
        subject_kind="document",
        subject_id=row["id"],
        consignment_id=row["consignment_id"],
        document_id=row["id"],
        parties=row["parties"],
        detail={"type": row["type"]},
    )
