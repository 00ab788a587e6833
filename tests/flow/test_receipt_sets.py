"""Any order, doubling, delay and splitting of a set of receipts gives the same stored state."""

from __future__ import annotations

import asyncio
import random
from datetime import timedelta

import pytest
from sqlalchemy import Connection, select

from gateway.store.tables import consignments, document_state, documents
from tests.flow import firms
from tests.flow import office as offices
from tests.flow.bench import Bench, Opener, now, told

ORDERS = [f"SO-{number}" for number in range(6)]
INVENTORY = ("2", "120", "300", "500", "800", "899")
PARTNER = ("2", "120")


def states(connection: Connection) -> dict[str, tuple[str, str | None, str]]:
    """Per order: authority states of its documents by kind, and its consignment's state."""
    rows = connection.execute(
        select(
            consignments.c.order_no,
            consignments.c.state,
            documents.c.kind,
            document_state.c.authority_state,
        )
        .join(documents, documents.c.consignment_id == consignments.c.id)
        .join(document_state, document_state.c.document_id == documents.c.id)
    )
    return {
        f"{row.order_no}/{row.kind}": (row.kind, row.authority_state, row.state) for row in rows
    }


@pytest.mark.parametrize("seed", range(4))
async def test_the_end_does_not_depend_on_how_the_receipts_came(
    open_bench: Opener, seed: int
) -> None:
    """One set of entries, shuffled, doubled, cut into pieces of any size and posted at once."""
    chance = random.Random(seed)
    bench: Bench = await open_bench()
    await bench.accept(*ORDERS)
    partners = [(await bench.arrived(one))[0] for one in ("CEB311", "CEB411", "CEB511")]
    await bench.tell(*told(partners, "2"))
    await bench.post("site", "import/shipments", [firms.shipment(ORDERS)])
    (inventory,) = await bench.arrived("CEB621")
    start = now()
    entries = []
    for got in (*partners, inventory):
        steps = INVENTORY if got.type == "CEB621" else PARTNER
        for document in got.contents:
            for place, status in enumerate(steps):
                at = start + timedelta(milliseconds=100 * place)
                entries.append(offices.entry(document, got.type, status, at))
    entries += chance.choices(entries, k=len(entries) // 2)
    chance.shuffle(entries)
    by_type: dict[str, list[tuple[str, dict[str, str]]]] = {}
    for one in entries:
        by_type.setdefault(one[0], []).append(one)
    messages = []
    for of_type in by_type.values():
        while of_type:
            size = chance.randint(1, 9)
            messages.append(offices.receipt(of_type[:size]))
            del of_type[:size]
    chance.shuffle(messages)
    await asyncio.gather(*(bench.tell(one) for one in messages))
    expected = {
        f"{order}/{kind}": (kind, "closed" if kind == "inventory" else "stored", "closed")
        for order in ORDERS
        for kind in ("order", "payment", "waybill", "inventory")
    }
    found: dict[str, tuple[str, str | None, str]] = {}
    for _ in range(200):
        found = await bench.gateway.services.database.read(states)
        if found == expected:
            break
        await asyncio.sleep(0.05)
    assert found == expected
    assert len(bench.office.sent("CEB621")) == len(ORDERS)
