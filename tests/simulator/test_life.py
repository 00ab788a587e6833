"""What becomes of declarations that agree, and of those that wait."""

from __future__ import annotations

import re

import pytest

from tests.simulator.counter import Counter

GUID = re.compile(r"\[[0-9A-F-]{36}\]")


async def test_a_consignment_runs_to_its_end(counter: Counter) -> None:
    """Order, payment, waybill end at 120, the inventory at 899, the arrival at 399."""
    await counter.consignment("N1")
    counter.turn(6)
    assert counter.statuses("CEB312", "N1") == ["2", "120"]
    assert counter.statuses("CEB412", "TN1") == ["2", "120"]
    assert counter.statuses("CEB512", "LN1") == ["2", "120"]
    assert counter.statuses("CEB622", "CN1") == ["2", "120", "800", "899"]
    assert counter.statuses("CEB712", "AN1") == ["2", "399"]
    assert {one["verdict"] for one in counter.ledger()} == {"taken"}


async def test_a_waybill_status_ends_at_120_by_itself(counter: Counter) -> None:
    """It needs no other document, and a change after its end is refused."""
    trade = counter.trade
    await counter.send("CEB513", trade.waybill_status_of("N1"), trade.waybill_status_of("N2"))
    counter.turn(2)
    assert counter.statuses("CEB514", "LN1") == counter.statuses("CEB514", "LN2") == ["2", "120"]
    await counter.consignment("N1")
    counter.turn(6)
    assert counter.statuses("CEB622", "CN1")[-1] == "899"
    await counter.send("CEB513", trade.waybill_status_of("N1", 9, appType="2"))
    counter.turn(1)
    assert counter.statuses("CEB514", "LN1")[-1] == "-505014"


async def test_numbers_come_with_the_statuses_that_give_them(counter: Counter) -> None:
    """The preNo comes with 2, invtNo with 120, rkdNo with 399; the 2 names the guid."""
    await counter.consignment("N1")
    counter.turn(6)
    two, later, *_ = [one for one in counter.entries if one.type == "CEB622"]
    assert re.fullmatch(r"B[0-9]{17}", two.values["preNo"])
    assert "invtNo" not in two.values
    assert re.fullmatch(r"46012026I[0-9]{9}", later.values["invtNo"])
    assert later.values["preNo"] == two.values["preNo"]
    assert GUID.search(two.info)
    guids = {one["guid"] for one in counter.ledger()}
    twos = [one for one in counter.entries if one.status == "2"]
    assert {GUID.findall(one.info)[0].strip("[]") for one in twos} == guids
    last = [one for one in counter.entries if one.type == "CEB712"][-1]
    assert re.fullmatch(r"46012026[0-9]{10}", last.values["rkdNo"])


async def test_return_times_grow_for_each_document(counter: Counter) -> None:
    """A returnTime has 17 digits in Shanghai time and never stands still for one document."""
    await counter.consignment("N1", "N2")
    counter.turn(6)
    seen: dict[tuple[str, str], list[str]] = {}
    for one in counter.entries:
        seen.setdefault((one.type, one.own_number), []).append(one.values["returnTime"])
    for times in seen.values():
        assert times == sorted(set(times))
        assert all(re.fullmatch(r"20260201[0-9]{9}", time) for time in times)


@pytest.mark.parametrize(
    ("left_out", "words"),
    [("CEB311", "订单[N1]不存在"), ("CEB411", "支付单不存在"), ("CEB511", "运单[LN1]信息不存在")],
)
async def test_an_inventory_waits_for_its_partner(
    counter: Counter, left_out: str, words: str
) -> None:
    """M01-M03: status 2 says what is missing; nothing follows until it comes, then all does."""
    await counter.consignment("N1", without=[left_out])
    counter.turn(5)
    assert counter.statuses("CEB622", "CN1") == ["2"]
    assert words in next(one for one in counter.entries if one.type == "CEB622").info
    trade = counter.trade
    made = {"CEB311": trade.order, "CEB411": trade.payment_of, "CEB511": trade.waybill_of}
    await counter.send(left_out, made[left_out]("N1"))
    counter.turn(5)
    assert counter.statuses("CEB622", "CN1") == ["2", "120", "800", "899"]


async def test_an_inventory_waits_for_two_partners(counter: Counter) -> None:
    """The second partner wakes it, not the first."""
    await counter.consignment("N1", without=["CEB411", "CEB511"])
    await counter.send("CEB411", counter.trade.payment_of("N1"))
    counter.turn(5)
    assert counter.statuses("CEB622", "CN1") == ["2"]
    await counter.send("CEB511", counter.trade.waybill_of("N1"))
    counter.turn(5)
    assert counter.statuses("CEB622", "CN1")[-1] == "899"


async def test_a_parcel_is_released_only_with_its_arrival(counter: Counter) -> None:
    """Without an accepted CEB711 of the same bill the inventory stays at 120."""
    await counter.consignment("N1", without=["CEB711"])
    await counter.send("CEB711", counter.trade.arrival("OTHER", ["N1"], billNo="BILL2"))
    await counter.send("CEB711", counter.trade.arrival("PARCEL", ["N2"]))
    counter.turn(8)
    assert counter.statuses("CEB622", "CN1") == ["2", "120"]
    await counter.send("CEB711", counter.trade.arrival("RIGHT", ["N0", "N1"]))
    counter.turn(4)
    assert counter.statuses("CEB622", "CN1") == ["2", "120", "800", "899"]


async def test_an_arrival_may_come_first(counter: Counter) -> None:
    """The order in which the documents come does not matter."""
    trade = counter.trade
    await counter.send("CEB711", trade.arrival("A1", ["N1"]))
    await counter.send("CEB621", trade.inventory_of("N1"))
    counter.turn(3)
    await counter.send("CEB511", trade.waybill_of("N1"))
    await counter.send("CEB411", trade.payment_of("N1"))
    counter.turn(3)
    await counter.send("CEB311", trade.order("N1"))
    counter.turn(5)
    assert counter.statuses("CEB622", "CN1") == ["2", "120", "800", "899"]


async def test_the_end_is_reached_over_a_restart_at_each_pace(counter: Counter) -> None:
    """What is to happen stands in the store: nothing is skipped and nothing comes twice."""
    trade = counter.trade
    await counter.send("CEB311", trade.order("N1"))
    counter.restart()
    await counter.send("CEB411", trade.payment_of("N1"))
    await counter.send("CEB511", trade.waybill_of("N1"))
    await counter.send("CEB621", trade.inventory_of("N1"))
    await counter.send("CEB711", trade.arrival("A1", ["N1"]))
    for _ in range(8):
        counter.restart()
        counter.turn(1)
    assert counter.statuses("CEB622", "CN1") == ["2", "120", "800", "899"]
    assert counter.statuses("CEB712", "A1") == ["2", "399"]
    assert counter.statuses("CEB312", "N1") == ["2", "120"]


async def test_entries_of_many_documents_share_messages(counter: Counter) -> None:
    """At most 100 entries a message, and no more messages than that needs."""
    numbers = [f"N{place}" for place in range(150)]
    await counter.send("CEB311", *(counter.trade.order(one) for one in numbers[:100]))
    await counter.send("CEB311", *(counter.trade.order(one) for one in numbers[100:]))
    entries = counter.turn()
    assert [sum(one.message == number for one in entries) for number in range(2)] == [100, 50]
    assert {one.receiver for one in entries} == {counter.trade.platform.dxp_id}
