"""BaseSubscribe: who else hears what an enterprise declares."""

from __future__ import annotations

from lxml import etree

from gateway.app.authorities import authorities
from gateway.check import judge
from gateway.messages import load_catalogue
from tests.flow import firms
from tests.flow.bench import Bench
from tests.flow.office import CEB


async def test_subscribers_of_an_enterprise_stand_in_its_messages(bench: Bench) -> None:
    """Those of the enterprise that transmits, in their order, under its signature; no others'."""
    wanted = [
        {"status": "RET", "dxpAddress": "DXPENT0000000008"},
        {"status": "ALL", "dxpAddress": "DXPENT0000000009"},
    ]
    (bench.folder / "again").mkdir()
    (mine,) = (
        one
        for one in firms.registers(bench.folder / "again", {})["enterprises"]
        if one["code"] == firms.LOGISTICS
    )
    await bench.post("operator", "enterprises", [mine | {"subscribers": wanted}])
    await bench.post("logistics", "import/waybill-statuses", firms.waybill_status("SO-1"))
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    (status,), (order,) = await bench.arrived("CEB513"), await bench.arrived("CEB311")
    found = [
        {name: one.findtext(f"{{{CEB}}}{name}") for name in ("status", "dxpAddress")}
        for one in etree.fromstring(status.message).iter(f"{{{CEB}}}BaseSubscribe")
    ]
    assert found == wanted
    assert b"BaseSubscribe" not in order.message
    assert judge(status.wire, load_catalogue(), list(authorities().values()))["ok"]
