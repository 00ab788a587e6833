"""One consignment from the door to 899, and what must not happen on the way."""

from __future__ import annotations

import pytest

from gateway.app.authorities import authorities
from gateway.check import judge
from gateway.messages import load_catalogue
from tests.flow import firms
from tests.flow.bench import Bench, Opener, told

CATALOGUE = load_catalogue()


@pytest.mark.parametrize("signature", ["rsa-sha1", "sm2-sm3"])
async def test_a_consignment_closes(open_bench: Opener, signature: str) -> None:
    """Order, payment and waybill in; the inventory is derived, released after 711, and closed."""
    bench: Bench = await open_bench(dict.fromkeys(firms.SIGNERS, signature))
    ids = await bench.accept("SO-1")
    partners = [(await bench.arrived(one))[0] for one in ("CEB311", "CEB411", "CEB511")]
    await bench.tell(*told(partners, "2"))
    await bench.post("site", "import/shipments", [firms.shipment(["SO-1"])])
    (inventory,) = await bench.arrived("CEB621")
    arrival = await bench.post("site", "import/arrivals", firms.arrival("A-1", ["SO-1"]))
    (list_,) = await bench.arrived("CEB711")
    head = inventory.contents[0].head
    assert head["netWeight"] == "1.6"
    assert head["tradeMode"] == "9610"
    assert head["billNo"] == "78412345675"
    await bench.tell(*told([inventory], "2"), *told([list_], "399"), *told(partners, "120"))
    for status in ("120", "800", "899"):
        await bench.tell(*told([inventory], status))
    await bench.becomes(head["guid"], "closed")
    await bench.becomes(arrival["id"], "reviewed")
    await bench.becomes(ids["orders"][0], "stored")
    found = await bench.get(
        "operator", f"consignments?direction=import&ebpCode={firms.EBP}&orderNo=SO-1"
    )
    assert found["state"] == "closed"
    assert await bench.discrepancies() == []
    adapters = list(authorities().values())
    for got in bench.office.received:
        verdict = judge(got.wire, CATALOGUE, adapters)
        assert verdict["ok"], verdict
        assert verdict["signature"]["algorithm"] == signature
