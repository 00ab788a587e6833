"""Who sees what of a consignment that was declared, over every address that shows it."""

from __future__ import annotations

import json

import pytest

from tests.flow import firms
from tests.flow.bench import Bench, told

WHERE = f"consignments?direction=import&ebpCode={firms.EBP}&orderNo=SO-1"
SEEN = {
    "operator": {"order", "payment", "waybill", "inventory"},
    "platform": {"order", "payment", "waybill", "inventory"},
    "merchant": {"order", "inventory"},
    "declarant": {"order", "inventory"},
    "payment": {"payment"},
    "logistics": {"waybill"},
}
"""Kinds of documents by role: those in which the enterprise stands."""


async def _status(bench: Bench, role: str, path: str) -> int:
    headers = {"Authorization": f"Bearer {bench.keys[role]}"}
    async with bench.http.get(f"{bench.url}/v1/{path}", headers=headers) as got:
        return int(got.status)


async def test_the_derived_inventory_is_for_those_who_stand_in_it(bench: Bench) -> None:
    """Payment and logistics firms see their own document alone, whichever way they ask."""
    await bench.accept("SO-1")
    partners = [(await bench.arrived(one))[0] for one in ("CEB311", "CEB411", "CEB511")]
    await bench.tell(*told(partners, "2"))
    await bench.post("site", "import/shipments", [firms.shipment(["SO-1"])])
    (sent,) = await bench.arrived("CEB621")
    inventory = sent.contents[0].head["guid"]
    await bench.tell(*told([sent], "100", "[Code:1327;Desc:订购人甲测试与支付人不一致]"))
    await bench.becomes(inventory, "returned")
    for role, kinds in SEEN.items():
        consignment = await bench.get(role, WHERE)
        assert {one["kind"] for one in consignment["documents"]} == kinds, role
        changes = (await bench.get(role, "changes?limit=1000"))["changes"]
        assert {one["kind"] for one in changes} - {"shipment"} == kinds, role
        sees = "inventory" in kinds
        assert await _status(bench, role, f"documents/{inventory}") == (200 if sees else 404), role
        queued = (await bench.get(role, "discrepancies?state=open"))["discrepancies"]
        assert [one["code"] for one in queued] == (["returned"] if sees else []), role
        if sees:
            (receipt,) = (await bench.get(role, f"documents/{inventory}"))["receipts"]
            assert (receipt["info"] is not None) is (role == "declarant"), role
            assert receipt["codes"] == ["1327"]


@pytest.mark.parametrize("role", SEEN)
async def test_a_contradiction_is_quoted_to_those_who_see_both_sides(
    bench: Bench, role: str
) -> None:
    """Another amount paid holds the consignment: everybody hears of it, few of the amounts."""
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    await bench.post("payment", "import/payments", firms.payment("SO-1", amountPaid="311.11"))
    await bench.post("logistics", "import/waybills", firms.waybill("SO-1"))
    partners = [(await bench.arrived(one))[0] for one in ("CEB311", "CEB411", "CEB511")]
    await bench.tell(*told(partners, "2"))
    await bench.post("site", "import/shipments", [firms.shipment(["SO-1"])])
    (whole,) = await bench.queue("M05")
    values = whole["detail"]["findings"][0]["values"]
    assert values == {"order.acturalPaid": "310", "payment.amountPaid": "311.11"}
    (queued,) = (await bench.get(role, "discrepancies?state=open"))["discrepancies"]
    (shown,) = (await bench.get(role, WHERE))["discrepancies"]
    assert shown == queued
    found = queued["detail"]["findings"][0]
    sees = SEEN[role] >= {"order", "payment"}
    assert found["values"] == (values if sees else {})
    assert ("311.11" in json.dumps(queued, ensure_ascii=False)) is sees
    assert queued["en"].startswith("Does not hold: ")
    assert queued["zh"].startswith("不符合：")
