"""What follows when an authority refuses a whole message (CEB900, or an error DxpRep)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.ports import OutboxRow
from gateway.store import documents as documents_store
from gateway.store import messages as statements
from gateway.store.queues import post

SPLITTING = "splitting"


def refuse_message(
    connection: Connection, message: Mapping[Any, Any], code: str, at: datetime
) -> list[OutboxRow]:
    """Mark the message refused and queue it for splitting; nothing for one refused before."""
    if not statements.move_message(connection, message["id"], "refuse"):
        return []
    statements.end_message(connection, message["id"], code)
    documents_store.add(
        connection,
        {
            "events": [
                {
                    "at": at,
                    "name": "message_refused",
                    "detail": {"message": message["id"], "code": code},
                    "correlation": message["correlation"],
                }
            ]
        },
    )
    return post(connection, [(SPLITTING, [message["id"]])], at)
