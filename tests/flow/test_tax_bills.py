"""CEB816 and CEB818 answer nothing of ours: they are kept with the inventory that they name."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.flow import office as offices
from tests.flow.bench import Bench, now, told
from tests.flow.office import Received
from tests.flow.test_troubles import declared

NUMBER = "513020261000000001"
BILL = f"{NUMBER}_0"


async def numbered(bench: Bench, *statuses: str) -> Received:
    """An inventory that has its number from customs, in the last of these statuses."""
    (inventory,) = await declared(bench, "SO-1")
    for status in statuses:
        more = {"preNo": "B00000000000000001", "invtNo": NUMBER}
        await bench.tell(*told([inventory], status, **more))
    return inventory


async def receipts(bench: Bench, document_id: str, count: int) -> list[dict[str, Any]]:
    """Wait until the document shows so many receipts."""
    found: list[dict[str, Any]] = []
    for _ in range(500):
        answer = await bench.get("operator", f"documents/{document_id}")
        found = answer["receipts"]
        if len(found) >= count:
            return found
        await asyncio.sleep(0.02)
    pytest.fail(f"{len(found)} receipts, not {count}")


async def test_a_bill_and_its_status_stand_beside_the_inventory(bench: Bench) -> None:
    """Both are shown with the document, move no state, and may come twice."""
    inventory = await numbered(bench, "120", "800")
    document = inventory.contents[0].head["guid"]
    await bench.becomes(document, "released")
    bill = offices.tax_bill(NUMBER, BILL, now())
    await bench.tell(bill, bill, offices.tax_status(NUMBER, BILL, now(), "2"))
    found = await receipts(bench, document, 4)
    assert [(one["type"], one["status"]) for one in found] == [
        ("CEB622", "120"), ("CEB622", "800"), ("CEB816", "1"), ("CEB818", "2"),
    ]  # fmt: skip
    assert await bench.state(document) == "released"
    await bench.tell(*told([inventory], "899"))
    await bench.becomes(document, "closed")
    assert await bench.discrepancies() == []


async def test_a_bill_of_a_foreign_inventory_is_a_discrepancy(bench: Bench) -> None:
    """The number belongs to no inventory of ours: a person is told, and nothing else stops."""
    foreign = "513020261999999999"
    await bench.tell(offices.tax_bill(foreign, f"{foreign}_0", now()))
    (found,) = await bench.queue("unknown_key")
    assert found["detail"]["type"] == "CEB816"
    inventory = await numbered(bench, "120")
    await bench.becomes(inventory.contents[0].head["guid"], "stored")
    await bench.queue("unknown_key")


async def test_a_bill_before_the_number_is_known_finds_its_inventory(bench: Bench) -> None:
    """Receipts come in any order: the discrepancy closes when customs tells the number."""
    await bench.tell(offices.tax_bill(NUMBER, BILL, now()))
    await bench.queue("unknown_key")
    inventory = await numbered(bench, "120")
    found = await receipts(bench, inventory.contents[0].head["guid"], 2)
    assert {one["type"] for one in found} == {"CEB622", "CEB816"}
    await bench.queue()
