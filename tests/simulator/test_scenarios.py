"""Steering by the end of the order number: each scenario, alone and with neighbours."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.errors import Misconfigured
from gateway.simulator.scenarios import load_scenarios, scenario_table
from tests.simulator.counter import Counter
from tests.simulator.trade import BUYER

GOOD = ["2", "120", "800", "899"]


async def test_an_unknown_ending_steers_nothing(counter: Counter) -> None:
    """An order number may end in anything else, or in nothing."""
    await counter.consignment("N1-XYZ", "RET", "N-")
    counter.turn(6)
    for number in ("N1-XYZ", "RET", "N-"):
        assert counter.statuses("CEB622", f"C{number}") == GOOD


async def test_the_first_version_is_returned(counter: Counter) -> None:
    """RET: 100 with Code 1300 for the first version, the usual life for the corrected one."""
    trade = counter.trade
    await counter.send("CEB311", trade.order("N1-RET"), trade.order("N2"))
    counter.turn(2)
    assert counter.statuses("CEB312", "N1-RET") == ["100"]
    assert next(one for one in counter.entries if one.status == "100").info.startswith(
        "[Code:1300;"
    )
    assert counter.statuses("CEB312", "N2") == ["2"]
    counter.restart()
    await counter.consignment("N1-RET", without=["CEB311"])
    counter.turn(4)
    assert counter.statuses("CEB622", "CN1-RET") == ["2"], "it waits for an order that lives"
    await counter.send("CEB311", trade.order("N1-RET", 2))
    counter.turn(6)
    assert counter.statuses("CEB312", "N1-RET") == ["100", "2", "120"]
    assert counter.statuses("CEB622", "CN1-RET") == GOOD
    orders = [one for one in counter.ledger() if one["key"].get("orderNo") == "N1-RET"]
    assert [one["verdict"] for one in orders] == ["taken", "returned", "taken"]


async def test_the_answer_is_lost_once(counter: Counter) -> None:
    """LST: processed without an answer, once for each kind of document, over a restart too."""
    trade = counter.trade
    envelope = await trade.envelope("CEB311", [trade.order("N1-LST"), trade.order("N2")])
    assert counter.post(envelope).lost
    assert counter.verdicts() == [("taken", "2"), ("taken", "2")]
    counter.restart()
    again = counter.post(envelope)
    assert (again.status, again.lost) == (200, False)
    assert [one for one, _ in counter.verdicts()[2:]] == ["duplicate", "duplicate"]
    assert (await counter.send("CEB411", trade.payment_of("N1-LST"))).lost
    assert (await counter.send("CEB511", trade.waybill_of("N1-LST"))).lost
    assert (await counter.send("CEB711", trade.arrival("A1", ["N0", "N1-LST"]))).lost
    assert (await counter.send("CEB621", trade.inventory_of("N1-LST"))).lost
    counter.turn(6)
    assert counter.statuses("CEB622", "CN1-LST") == GOOD


async def test_a_bad_gateway_once(counter: Counter) -> None:
    """H502: an HTML page and nothing processed, once an order; the neighbours come again too."""
    trade = counter.trade
    envelope = await trade.envelope("CEB311", [trade.order("N1-H502"), trade.order("N2")])
    first = counter.post(envelope)
    assert (first.status, first.content_type) == (502, "text/html")
    assert b"<html>" in first.body
    assert counter.ledger() == []
    assert counter.turn(2) == []
    counter.restart()
    assert counter.post(envelope).status == 200
    assert (await counter.send("CEB411", trade.payment_of("N1-H502"))).status == 200


async def test_the_bad_gateway_uses_up_nothing_else(counter: Counter) -> None:
    """A message that was not processed does not count for the other scenarios in it."""
    trade = counter.trade
    envelope = await trade.envelope("CEB311", [trade.order("N1-H502"), trade.order("N2-LST")])
    assert counter.post(envelope).status == 502
    assert counter.post(envelope).lost
    assert counter.post(envelope).status == 200


async def test_every_receipt_message_twice(counter: Counter) -> None:
    """DUP: each entry comes twice, and only the order's own."""
    await counter.consignment("N1-DUP", "N2")
    counter.turn(6)
    assert counter.statuses("CEB622", "CN1-DUP") == [s for s in GOOD for _ in range(2)]
    twice = [one.values["guid"] for one in counter.entries if one.own_number == "CN1-DUP"]
    assert len(set(twice)) == 4, "the same entries, not new ones"
    assert counter.statuses("CEB712", "AN1-DUP") == ["2", "2", "399", "399"]
    await counter.send("CEB513", counter.trade.waybill_status_of("N1-DUP"))
    counter.turn(2)
    assert counter.statuses("CEB514", "LN1-DUP") == ["2", "2", "120", "120"]


async def test_receipts_come_late(counter: Counter) -> None:
    """LATE: the inventory's 2 comes after its 800, 120 and 800 paces after their time."""
    await counter.consignment("N1-LATE", "N2")
    counter.turn(5)
    assert counter.statuses("CEB622", "CN1-LATE") == []
    assert counter.statuses("CEB622", "CN2") == GOOD
    counter.turn(20)
    assert counter.statuses("CEB622", "CN1-LATE") == ["120", "800", "2", "899"]
    assert counter.statuses("CEB312", "N1-LATE") == ["2", "120"]
    times = {
        one.status: one.values["returnTime"]
        for one in counter.entries
        if one.own_number == "CN1-LATE"
    }
    assert [status for status, _ in sorted(times.items(), key=lambda one: one[1])] == GOOD


async def test_receipts_come_unordered(counter: Counter) -> None:
    """UNO: 120 before 2, 899 before 800; a restart does not lose what is held back."""
    await counter.consignment("N1-UNO")
    counter.restart()
    counter.turn(2)
    assert counter.statuses("CEB622", "CN1-UNO") == ["120", "2"]
    counter.restart()
    counter.turn(8)
    assert counter.statuses("CEB622", "CN1-UNO") == ["120", "2", "899", "800"]


async def test_what_is_held_back_comes_when_nothing_else_will(counter: Counter) -> None:
    """A returned inventory gives its 2 too, though no 120 comes."""
    trade = counter.trade
    await counter.consignment("N1-UNO", without=["CEB411", "CEB711"])
    await counter.send("CEB411", trade.payment_of("N1-UNO", amountPaid="1"))
    counter.turn(6)
    assert counter.statuses("CEB622", "CN1-UNO") == ["100", "2"]


async def test_receipts_come_in_pieces(counter: Counter) -> None:
    """PCE: its entries stand alone in their messages, those of the neighbours together."""
    trade = counter.trade
    await counter.send("CEB311", *(trade.order(one) for one in ("N1", "N2-PCE", "N3")))
    entries = counter.turn()
    mine = next(one for one in entries if one.own_number == "N2-PCE")
    assert [one.own_number for one in entries if one.message == mine.message] == ["N2-PCE"]
    others = {one.message for one in entries if one.own_number != "N2-PCE"}
    assert len(others) == 1


async def test_the_whole_message_is_refused(counter: Counter) -> None:
    """R900: CEB900 with the original each time, nothing taken; without the order all is well."""
    trade = counter.trade
    both = [trade.order("N1-R900"), trade.order("N2")]
    for _ in range(2):
        outcome = await counter.send("CEB311", *both)
        assert outcome.status == 200
        (entry,) = counter.turn(1)
        assert (entry.type, entry.status) == ("CEB900", "-999999")
        assert entry.values["oriMessageType"] == "CEB311Message"
        assert BUYER["buyerName"] in entry.values["oriBizMessage"]
    assert counter.ledger() == []
    await counter.send("CEB311", both[1])
    await counter.send("CEB411", trade.payment_of("N1-R900"))
    assert [one.status for one in counter.turn()] == ["2", "2"]


async def test_the_signature_is_refused_once(counter: Counter) -> None:
    """SIGF: every order of the message gets -301020; the next message is taken."""
    trade = counter.trade
    orders = [trade.order("N1-SIGF"), trade.order("N2")]
    await counter.send("CEB311", *orders)
    assert [one.status for one in counter.turn()] == ["-301020", "-301020"]
    counter.restart()
    await counter.send("CEB311", *orders)
    assert [one.status for one in counter.turn()] == ["2", "2"]


def test_the_page_shows_the_data(root: Path) -> None:
    """docs/simulator.md holds the table of the scenarios as they are."""
    assert scenario_table(load_scenarios()) in (root / "docs" / "simulator.md").read_text("utf-8")


@pytest.mark.parametrize(
    "line",
    ["copy = 2", 'answer = "never"', 'counted_by = "day"', "delivery.order.2.later = 1"],
)
def test_a_wrong_scenario_is_refused(tmp_path: Path, line: str) -> None:
    """Unknown keys and values stop the start instead of steering nothing."""
    path = tmp_path / "scenarios.toml"
    path.write_text(f'[X]\nzh = "一"\nen = "one"\n{line}\n', encoding="utf-8")
    with pytest.raises(Misconfigured):
        load_scenarios(path)
