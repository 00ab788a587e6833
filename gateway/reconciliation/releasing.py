"""A version that waited for the outcome of the one before goes as soon as that is known."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping

from gateway.messages import Catalogue, write
from gateway.messages.versions import Known, release, versioned
from gateway.model import Content
from gateway.ports import OutboxRow
from gateway.store import documents as documents_store
from gateway.store.prepared import ARRIVALS, SUBMISSION, known_version
from gateway.store.queues import post
from gateway.store.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Releasing:
    """Writes the fragment of waiting versions, now that their appType is known."""

    catalogue: Catalogue
    vault: Vault

    def release(
        self, connection: Connection, key_ids: Sequence[str], now: datetime
    ) -> list[OutboxRow]:
        """Release what waited for these keys; outbox rows to announce after the commit."""
        versions = documents_store.versions_of(connection, key_ids)
        due: dict[str, str] = {}
        derived: list[str] = []
        for history in versions.values():
            last = history[-1]
            if last["local_state"] != "waiting" or len(history) == 1:
                continue
            if self.catalogue.type(last["type"]).row.resource is None:
                # What it lacks is derived from other records, by its own handler.
                derived.append(last["id"])
                continue
            known: list[Known] = [known_version(row) for row in history]
            app_type = release(known)
            if app_type is not None:
                due[last["id"]] = app_type
        rows = documents_store.documents_by_id(connection, due)
        documents_store.set_fragment(
            connection, [self._fragment(row, due[row["id"]]) for row in rows]
        )
        documents_store.move(connection, "complete", list(due), at=now)
        return post(connection, [(SUBMISSION, list(due)), (ARRIVALS, derived)], now)

    def _fragment(self, row: RowMapping, app_type: str) -> dict[str, object]:
        body = json.loads(self.vault.open(row["id"], row["sealed_body"], row["data_key"]))
        content = versioned(
            Content(body["head"], tuple(body["items"])), row["id"], app_type, row["app_time"]
        )
        fragment = write(self.catalogue.type(row["type"]), content)
        return {
            "row": row["id"],
            "fragment": self.vault.seal(row["id"], fragment),
            "app_kind": app_type,
        }
