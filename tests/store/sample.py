"""Orders and receipts for the tests of the store."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select

from gateway.messages import load_catalogue
from gateway.model import Content
from gateway.store import receipts
from gateway.store.accept import accept
from gateway.store.database import Database
from gateway.store.prepared import Accepting, Prepared, Reference
from gateway.store.vault import Vault
from gateway.telemetry import new_id

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
VAULT = Vault(bytes(32))
ORDER = load_catalogue().type("CEB311")
ACCEPTING = Accepting(vault=VAULT, rewrite=lambda *_: b"<rewritten/>", collecting=timedelta(days=2))


def order(number: str, digest: str = "a") -> Prepared:
    """An order that passed the door."""
    return Prepared(
        document_id=new_id(),
        type=ORDER,
        submitted=ORDER,
        content=Content({"orderNo": number}, ()),
        extension={},
        key_text=f'["4403960001","{number}"]',
        digest=digest,
        buyer_hash=None,
        fragment=b"<fragment/>",
        moment=START,
        submitted_by="4403960002",
        responsible="4403960002",
        key_profile="k",
        parties="|4403960001|4403960002|",
        reference=Reference(
            direction="I",
            ebp_code="4403960001",
            order_no=number,
            slot="order",
            mode="m",
        ),
        correlation=new_id(),
    )


def take_in(connection: Connection, group: Sequence[Prepared]) -> list[dict[str, Any]]:
    """Accept a group; the answers."""
    return accept(connection, ACCEPTING, group).answers


def arrived(digest: str) -> receipts.Arrived:
    """Receipt bytes as they came."""
    return receipts.Arrived(
        id=new_id(),
        authority="customs",
        digest=digest,
        sealed_data=b"sealed",
        data_key="k",
        received_at=START,
    )


def rows(connection: Connection, table: Any) -> int:
    """How many rows a table has."""
    return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


async def count(store: Database, table: Any) -> int:
    """How many rows a table has."""
    return await store.read(rows, table)
