"""What must be seen by a person: each silence, code and contradiction is a discrepancy in time."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest

from tests.flow import firms
from tests.flow import office as offices
from tests.flow.bench import Bench, Opener, now, told


@pytest.mark.parametrize("status", ["1", "300"])
async def test_a_partner_that_is_never_accepted_is_seen(open_bench: Opener, status: str) -> None:
    """A waybill stuck before its acceptance is a discrepancy in time; acceptance goes on."""
    bench: Bench = await open_bench(collecting_wait_seconds=1)
    await bench.accept("SO-1")
    order, payment, waybill = await bench.partners()
    await bench.tell(*told([order, payment], "2"), *told([waybill], status))
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    (found,) = await bench.queue("not_accepted")
    assert found["detail"]["missing"] == "waybill"
    await bench.tell(*told([waybill], "120"))
    await bench.arrived("CEB621")
    await bench.queue()


async def test_an_acceptance_with_a_failure_code_is_seen(bench: Bench) -> None:
    """120 with Code:1313 holds the inventory back and says so; a clean 120 lets it go."""
    await bench.accept("SO-1")
    order, payment, waybill = await bench.partners()
    await bench.tell(*told([order], "120", "[Code:1313;Desc:x]"), *told([payment, waybill], "2"))
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    (found,) = await bench.queue("failure_code")
    assert found["document_id"] == order.contents[0].head["guid"]
    assert bench.office.sent("CEB621") == []
    await bench.tell(*told([order], "120", "新增申报成功"))
    await bench.arrived("CEB621")
    await bench.queue()


@pytest.mark.parametrize("listed", [False, True])
async def test_a_shipment_that_is_missing_or_incomplete_is_seen(
    open_bench: Opener, *, listed: bool
) -> None:
    """A consignment that lacks only its shipment says so in time, and goes when it is whole."""
    bench: Bench = await open_bench(collecting_wait_seconds=1)
    whole = firms.shipment(["SO-1"])
    if listed:
        partly = {name: value for name, value in whole.items() if name != "trafNo"}
        await bench.post("site", "import/shipments", partly)
    await bench.accept("SO-1")
    await bench.tell(*told(await bench.partners(), "2"))
    await bench.queue("R-shipment")
    await bench.post("site", "import/shipments", whole)
    await bench.arrived("CEB621")
    await bench.queue()


async def test_what_lacks_first_and_what_lacks_then_are_both_seen(open_bench: Opener) -> None:
    """A late payment that comes at last closes M03; that customs does not take it is seen next."""
    bench: Bench = await open_bench(collecting_wait_seconds=0.5)
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    await bench.post("logistics", "import/waybills", firms.waybill("SO-1"))
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    order, waybill = [(await bench.arrived(one))[0] for one in ("CEB311", "CEB511")]
    await bench.tell(*told([order, waybill], "2"))
    await bench.queue("M03")
    await bench.post("payment", "import/payments", firms.payment("SO-1"))
    (payment,) = await bench.arrived("CEB411")
    await bench.tell(*told([payment], "1"))
    await bench.queue("not_accepted")
    await bench.tell(*told([payment], "2"))
    await bench.arrived("CEB621")
    await bench.queue()


async def test_an_arrival_without_a_shipment_is_seen(open_bench: Opener) -> None:
    """A tally whose shipment never comes belongs to no consignment, and is shown all the same."""
    bench: Bench = await open_bench(collecting_wait_seconds=0.5)
    answer = await bench.post("site", "import/arrivals", firms.arrival("A-1", ["SO-1"]))
    (found,) = await bench.queue("R-shipment")
    assert found["document_id"] == answer["id"]
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    await bench.arrived("CEB711")
    await bench.queue()


async def test_a_status_that_nobody_knows_is_seen(bench: Bench) -> None:
    """250 stands in no table: a discrepancy, and what is known of the document stays."""
    ids = await bench.accept("SO-1")
    order = (await bench.partners())[0]
    await bench.tell(*told([order], "2"))
    await bench.becomes(ids["orders"][0], "declaring")
    await bench.tell(*told([order], "250", "?"))
    await bench.queue("unknown_status")
    assert await bench.state(ids["orders"][0]) == "declaring"


async def test_a_status_that_nobody_knows_is_seen_when_it_is_the_first(bench: Bench) -> None:
    """Even as the only answer it opens a discrepancy."""
    await bench.accept("SO-1")
    order = (await bench.partners())[0]
    await bench.tell(*told([order], "250", "?"))
    await bench.queue("unknown_status")


@pytest.mark.parametrize("turn", list(permutations(("120", "100"))))
async def test_an_end_and_a_return_contradict_each_other(
    bench: Bench, turn: tuple[str, str]
) -> None:
    """100 beside 120 opens a contradiction, whichever comes first; the success stays."""
    ids = await bench.accept("SO-1")
    order = (await bench.partners())[0]
    start = now()
    for status in turn:
        at = start + timedelta(seconds={"120": 0, "100": 1}[status])
        await bench.tell(offices.receipt([offices.entry(order.contents[0], "CEB311", status, at)]))
        await asyncio.sleep(0.2)
    await bench.queue("contradiction")
    assert await bench.state(ids["orders"][0]) == "stored"


async def test_a_mended_finding_is_closed_while_the_shipment_lacks(bench: Bench) -> None:
    """The corrected payment closes M05 at once; the consignment waits for its shipment alone."""
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    wrong = await bench.post("payment", "import/payments", firms.payment("SO-1", amountPaid="309"))
    await bench.post("logistics", "import/waybills", firms.waybill("SO-1"))
    await bench.tell(*told(await bench.partners(), "2"))
    await bench.queue("M05")
    right = await bench.post("payment", "import/payments", firms.payment("SO-1"))
    await bench.tell(*told([(await bench.arrived("CEB411", 2))[1]], "2"))
    await bench.queue()
    assert right["version"] == wrong["version"] + 1
    assert await bench.consignment("SO-1") == "collecting"
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    await bench.arrived("CEB621")
