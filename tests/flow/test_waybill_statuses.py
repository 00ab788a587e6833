"""CEB513: the logistics firm tells that a parcel was signed for; customs answers with CEB514."""

from __future__ import annotations

import pytest

from gateway.app.authorities import authorities
from gateway.check import judge
from gateway.messages import load_catalogue
from tests.flow import firms
from tests.flow.bench import Bench, told

PATH = "import/waybill-statuses"
KEY = {"logisticsCode": firms.LOGISTICS, "logisticsNo": "W-SO-1", "logisticsStatus": "S"}


@pytest.mark.parametrize("end", ["120", "399"])
async def test_a_waybill_status_reaches_its_end(bench: Bench, end: str) -> None:
    """Signed with the firm's key, S filled in, ended by 120 or 399, shown with its consignment."""
    await bench.accept("SO-1")
    answer = await bench.post("logistics", PATH, firms.waybill_status("SO-1"))
    assert (answer["kind"], answer["key"]) == ("waybill-status", KEY)
    (got,) = await bench.arrived("CEB513")
    head = got.contents[0].head
    assert {**head, **KEY, "guid": answer["id"], "appType": "1", "appStatus": "2"} == head
    assert got.sender == f"DXPENT{firms.LOGISTICS}"
    verdict = judge(got.wire, load_catalogue(), list(authorities().values()))
    assert verdict["ok"], verdict
    await bench.tell(*told([got], "2"), *told([got], end))
    await bench.becomes(answer["id"], "stored" if end == "120" else "reviewed")
    found = await bench.get("logistics", f"documents/{answer['id']}")
    assert {one["type"] for one in found["receipts"]} == {"CEB514"}
    home = await bench.get(
        "operator", f"consignments?direction=import&ebpCode={firms.EBP}&orderNo=SO-1"
    )
    assert answer["id"] in {one["id"] for one in home["documents"]}
    assert await bench.discrepancies() == []


async def test_a_waybill_status_without_its_waybill_goes_too(bench: Bench) -> None:
    """Another system may have declared the waybill: the status stands by itself."""
    answer = await bench.post("logistics", PATH, firms.waybill_status("SO-9"))
    (got,) = await bench.arrived("CEB513")
    await bench.tell(*told([got], "120"))
    await bench.becomes(answer["id"], "stored")


async def test_a_waybill_status_is_the_logistics_firms_own(bench: Bench) -> None:
    """Others may not tell it, and no other status than S is declared."""
    status = firms.waybill_status("SO-1")
    await bench.post("merchant", PATH, status, status=403)
    await bench.post("logistics", PATH, status | {"logisticsStatus": "R"}, status=422)
    other = status | {"logisticsCode": firms.PAY}
    await bench.post("logistics", PATH, other, status=403)
    assert bench.office.received == []


async def test_a_waybill_status_is_corrected_and_repeated(bench: Bench) -> None:
    """The same record twice is one declaration; another time is version 2, after a 100 anew."""
    first = await bench.post("logistics", PATH, firms.waybill_status("SO-1"))
    again = await bench.post("logistics", PATH, firms.waybill_status("SO-1"))
    assert (again["id"], again["repeated"]) == (first["id"], True)
    (got,) = await bench.arrived("CEB513")
    await bench.tell(*told([got], "100", "[Code:1300;Desc:人工退单]"))
    await bench.becomes(first["id"], "returned")
    (found,) = await bench.queue("returned")
    assert found["detail"]["kind"] == "waybill-status"
    later = firms.waybill_status("SO-1", logisticsTime="20260305111500")
    answer = await bench.post("logistics", PATH, later)
    second = (await bench.arrived("CEB513", 2))[1]
    assert (answer["version"], second.contents[0].head["appType"]) == (2, "1")
    await bench.tell(*told([second], "120"))
    await bench.becomes(answer["id"], "stored")
    await bench.queue()
