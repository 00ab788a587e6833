"""Writing a message: fragments joined, signed with the business key, committed as a recipe."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping

from gateway.messages import Catalogue, assemble
from gateway.model import Envelope
from gateway.ports import Authority, Signer
from gateway.signing.element import sign
from gateway.store import documents as documents_store
from gateway.store import messages as statements
from gateway.store.database import Database
from gateway.store.registry import KeyChoice, Registers
from gateway.store.vault import Vault
from gateway.telemetry import Clock, new_id


class Changed(Exception):
    """Some of the documents are no longer free for this message; `left` still are."""

    def __init__(self, left: set[str]) -> None:
        super().__init__(f"{len(left)} documents left")
        self.left = left


@dataclass(frozen=True, slots=True, kw_only=True)
class Writing:
    """Makes messages of documents that share a signing group."""

    catalogue: Catalogue
    registry: Registers
    authorities: Mapping[str, Authority]
    receivers: Mapping[str, str]
    """Direction (import, export) to the authority's receiver id: a setting, see the specs."""
    signer: Callable[[KeyChoice], Signer]
    database: Database
    vault: Vault
    clock: Clock

    async def write(
        self,
        rows: Sequence[RowMapping],
        choice: KeyChoice,
        *,
        happened: str = "sign",
        split_from: RowMapping | None = None,
    ) -> str | None:
        """Sign and commit one message of these documents; its id, or None when none was free.

        `happened` is the local event: `sign` takes accepted documents, `split` those of a
        refused message.
        """
        left = list(rows)
        while left:
            moment, message_id = self.clock(), new_id()
            row = await self._message(left, choice, moment, message_id, split_from)
            try:
                await self.database.write(self._commit, row, happened, moment)
            except Changed as changed:
                left = [one for one in left if one["id"] in changed.left]
                continue
            return message_id
        return None

    async def _message(
        self,
        rows: Sequence[RowMapping],
        choice: KeyChoice,
        moment: datetime,
        message_id: str,
        split_from: RowMapping | None,
    ) -> dict[str, Any]:
        type_ = self.catalogue.type(rows[0]["type"])
        fragments = [
            self.vault.open(one["id"], one["sealed_fragment"], one["data_key"]) for one in rows
        ]
        unsigned = assemble(type_, message_id, fragments, choice.transfer, choice.subscribers)
        signature = await sign(unsigned.data, self.signer(choice), choice.signature_set)
        data = unsigned.with_signature(signature)
        row: dict[str, Any] = {
            "id": message_id,
            "authority": type_.row.authority,
            "type": type_.name,
            "key_profile": choice.profile,
            "signature_set": choice.signature_set,
            "sender": choice.transfer.dxpId,
            "receiver": self.receivers[type_.row.direction],
            "head": unsigned.head,
            "tail": data[len(unsigned.head) + sum(map(len, fragments)) :],
            "document_ids": [one["id"] for one in rows],
            "digest": hashlib.sha256(data).hexdigest(),
            "state": "signed",
            "next_attempt_at": moment,
            "split_from": split_from["id"] if split_from else None,
            "splits": split_from["splits"] + 1 if split_from else 0,
            "correlation": rows[0]["correlation"],
            "created_at": moment,
        }
        wire = self.authorities[row["authority"]].wrap(data, envelope_of(row))
        return row | {"wire_digest": hashlib.sha256(wire).hexdigest()}

    def _commit(
        self, connection: Connection, row: dict[str, Any], happened: str, moment: datetime
    ) -> None:
        moved = documents_store.move(
            connection, happened, row["document_ids"], at=moment, message_id=row["id"]
        )
        if len(moved) < len(row["document_ids"]):
            raise Changed(moved)
        statements.add_message(connection, row)
        documents_store.add(
            connection,
            {
                "events": [
                    {
                        "at": moment,
                        "name": happened,
                        "document_id": one,
                        "state": "signed",
                        "detail": {"message": row["id"]},
                        "correlation": row["correlation"],
                    }
                    for one in row["document_ids"]
                ]
            },
        )


def envelope_of(row: Mapping[Any, Any]) -> Envelope:
    """The envelope that a message row fixes, the same at every attempt."""
    return Envelope(
        message_id=row["id"],
        message_type=f"{row['type']}Message",
        sender=row["sender"],
        receivers=(row["receiver"],),
        created=row["created_at"],
    )
