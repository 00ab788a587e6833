"""The receiving end: bytes from an authority become durable before anyone reads them."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection

from gateway.errors import Refused
from gateway.model import Caller
from gateway.ports import Announce, OutboxRow
from gateway.store.database import Database
from gateway.store.group import GroupCommit
from gateway.store.receipts import Arrived, store
from gateway.store.vault import Vault
from gateway.telemetry import Clock, new_id

RECEIPT_BYTES_MAX = 8_388_608
"""One receipt message holds at most 100 entries of about 2 KiB; CEB900 holds a whole request."""

ROLE = "authority"


@dataclass(frozen=True, slots=True)
class _Kept:
    announced: list[OutboxRow]


class Receiving:
    """Takes receipts of every authority; see `receive`."""

    def __init__(
        self,
        database: Database,
        vault: Vault,
        clock: Clock,
        announce: Announce,
        authorities: frozenset[str],
        keep: Callable[[bytes], Awaitable[None]] | None = None,
    ) -> None:
        """`keep` gets a copy of the exact bytes, where a setting asks for one."""
        self._keep = keep
        self._vault = vault
        self._clock = clock
        self._announce = announce
        self._authorities = authorities
        self._commit = GroupCommit[Arrived, _Kept](database, self._store)

    async def start(self) -> None:
        """Begin to commit."""
        self._commit.start()

    async def stop(self) -> None:
        """Commit what waits."""
        await self._commit.stop()

    async def receive(self, caller: Caller, authority: str, data: bytes) -> None:
        """Returns when the bytes are durable. Raises Refused (403, 404, 413, 503)."""
        if caller.role != ROLE:
            raise Refused(
                403, "A-role", "仅监管方可提交回执。", "Only an authority sends receipts."
            )
        if authority not in self._authorities:
            raise Refused(404, "N-authority", "没有该监管方。", "There is no such authority.")
        if len(data) > RECEIPT_BYTES_MAX:
            raise Refused(413, "S-size", "回执过大。", "The receipt is too large.")
        if self._keep is not None:
            await self._keep(data)
        receipt_id = new_id()
        arrived = Arrived(
            id=receipt_id,
            authority=authority,
            digest=hashlib.sha256(data).hexdigest(),
            sealed_data=self._vault.seal(receipt_id, data),
            data_key=self._vault.key_id,
            received_at=self._clock(),
        )
        (kept,) = await self._commit.commit([arrived])
        self._announce(kept.announced)

    def _store(self, connection: Connection, group: Sequence[Arrived]) -> Sequence[_Kept]:
        announced = store(connection, group)
        return [_Kept(announced if place == 0 else []) for place in range(len(group))]
