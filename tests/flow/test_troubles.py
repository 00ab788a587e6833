"""Troubles on the way, each with what the gateway must do about it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from aiohttp import web

from tests.flow import firms
from tests.flow import office as offices
from tests.flow.bench import Bench, Opener, now, told, until
from tests.flow.office import Received


async def declared(bench: Bench, *orders: str) -> list[Received]:
    """Hand in these orders with everything beside them, until their inventory arrives."""
    await bench.accept(*orders)
    partners = [(await bench.arrived(one))[0] for one in ("CEB311", "CEB411", "CEB511")]
    await bench.tell(*told(partners, "2"))
    await bench.post("site", "import/shipments", [firms.shipment(list(orders))])
    return await bench.arrived("CEB621")


async def test_a_returned_order_is_corrected_and_goes_again(bench: Bench) -> None:
    """100 opens a discrepancy; the corrected record is version 2 with appType 1 and closes it."""
    ids = await bench.accept("SO-1")
    (first,) = await bench.arrived("CEB311")
    await bench.tell(*told([first], "100", "[Code:1300;Desc:人工退单]"))
    await bench.becomes(ids["orders"][0], "returned")
    assert [one["code"] for one in await bench.discrepancies()] == ["returned"]
    fixed = firms.order("SO-1", buyerRegNo="u-78")
    answer = await bench.post("merchant", "import/orders", fixed)
    assert answer["version"] == 2
    second = (await bench.arrived("CEB311", 2))[1]
    head = second.contents[0].head
    assert (head["appType"], head["guid"]) == ("1", answer["id"])
    assert head["appTime"] > first.contents[0].head["appTime"]
    await bench.tell(*told([second], "2"))
    await bench.becomes(answer["id"], "declaring")
    assert await bench.discrepancies() == []


async def test_a_late_return_of_version_1_leaves_version_2_alone(bench: Bench) -> None:
    """A 100 that was given before version 2 went changes nothing of version 2."""
    ids = await bench.accept("SO-1")
    (first,) = await bench.arrived("CEB311")
    early = now()
    await bench.tell(*told([first], "100", "first"))
    await bench.becomes(ids["orders"][0], "returned")
    await asyncio.sleep(1)
    answer = await bench.post("merchant", "import/orders", firms.order("SO-1", buyerRegNo="u-78"))
    second = (await bench.arrived("CEB311", 2))[1]
    await bench.tell(*told([second], "2"))
    await bench.becomes(answer["id"], "declaring")
    late = offices.entry(first.contents[0], "CEB311", "100", early, "late")
    named = offices.entry(
        first.contents[0], "CEB311", "100", now() + timedelta(minutes=1),
        f"退单[{ids['orders'][0].lower()}]",
    )  # fmt: skip
    await bench.tell(offices.receipt([late]), offices.receipt([named]))
    await asyncio.sleep(0.5)
    assert await bench.state(answer["id"]) == "declaring"


async def test_receipts_in_any_order_and_number_give_the_same_end(bench: Bench) -> None:
    """Doubled, unordered and single-entry receipts: closed all the same, nothing sent twice."""
    (inventory,) = await declared(bench, "SO-1")
    document = inventory.contents[0]
    start = now()
    receipts = [
        offices.receipt(
            [offices.entry(document, "CEB621", status, start + timedelta(seconds=place))]
        )
        for place, status in enumerate(("2", "120", "800", "899"))
    ]
    await bench.tell(receipts[3], receipts[1], receipts[3], receipts[0], receipts[2], receipts[1])
    await bench.becomes(document.head["guid"], "closed")
    await asyncio.sleep(0.3)
    assert await bench.state(document.head["guid"]) == "closed"
    assert len(bench.office.sent("CEB621")) == 1


async def test_a_lost_answer_sends_the_same_bytes_again(bench: Bench) -> None:
    """Unknown is not failed: the repetition has the same bytes, and its duplicate code accepts."""
    lost: list[bytes] = []

    def answer(got: Received) -> web.Response | None:
        if got.type == "CEB311" and not lost:
            lost.append(got.wire)
            return web.Response(status=502, text="<html>bad gateway</html>")
        return None

    bench.office.answer = answer
    ids = await bench.accept("SO-1")
    first, second = await bench.arrived("CEB311", 2)
    assert first.wire == second.wire == lost[0]
    await bench.tell(*told([second], "-301010", "已存在相同编号的订单"))
    await bench.becomes(ids["orders"][0], "declaring")
    assert await bench.discrepancies() == []


async def test_a_duplicate_answer_to_the_first_sending_is_no_acceptance(bench: Bench) -> None:
    """Somebody else declared the key: refused, and a discrepancy."""
    ids = await bench.accept("SO-1")
    (first,) = await bench.arrived("CEB311")
    await bench.tell(*told([first], "-301010", "已存在相同编号的订单"))
    await bench.becomes(ids["orders"][0], "refused")
    assert [one["code"] for one in await bench.discrepancies()] == ["refused"]


async def test_a_refused_message_is_split_until_one_document_is_to_blame(bench: Bench) -> None:
    """CEB900 for every message with one bad order: seven good ones arrive, one is a discrepancy."""
    bad = "SO-5"

    def holds_bad(got: Received) -> bool:
        return any(one.head["orderNo"] == bad for one in got.contents)

    orders = [f"SO-{number}" for number in range(8)]
    answer = await bench.post("merchant", "import/orders", [firms.order(one) for one in orders])
    ids = {order: one["id"] for order, one in zip(orders, answer["results"], strict=True)}
    seen = 0
    for _ in range(200):
        new, seen = bench.office.received[seen:], len(bench.office.received)
        for got in new:
            refused = holds_bad(got)
            await bench.tell(*([offices.refusal(got, now())] if refused else told([got], "2")))
        if await bench.discrepancies():
            break
        await asyncio.sleep(0.05)
    (found,) = await bench.discrepancies()
    assert found["code"] == "refused_message"
    assert found["document_id"] == ids[bad]
    for order, one in ids.items():
        await bench.becomes(one, "refused" if order == bad else "declaring")
    sizes = [len(got.contents) for got in bench.office.received]
    assert sizes[0] == 8
    assert sorted(sizes[-2:]) == [1, 1]


async def test_a_refused_signature_pauses_the_key_profile(bench: Bench) -> None:
    """After one message nothing more is signed with that key; other keys go on."""
    ids = await bench.accept("SO-1")
    (first,) = await bench.arrived("CEB311")
    await bench.tell(*told([first], "-301020", "验签失败"))
    await bench.becomes(ids["orders"][0], "refused")
    await bench.post("merchant", "import/orders", firms.order("SO-2"))
    await bench.post("payment", "import/payments", firms.payment("SO-2"))
    await bench.arrived("CEB411", 2)
    await asyncio.sleep(0.5)
    assert len(bench.office.sent("CEB311")) == 1
    await bench.post("operator", f"key-profiles/key-{firms.EBP}/resume", {}, status=200)
    await until(lambda: len(bench.office.sent("CEB311")) == 3, "both orders")
    again = [got for got in bench.office.received if got.type == "CEB311"][1:]
    assert {one.head["orderNo"] for got in again for one in got.contents} == {"SO-1", "SO-2"}
    await bench.tell(*told(again, "2"))
    await bench.becomes(ids["orders"][0], "declaring")
    await bench.queue()


async def test_amounts_that_differ_hold_the_consignment(bench: Bench) -> None:
    """M05 finds it before customs does; the corrected payment frees it."""
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    await bench.post("payment", "import/payments", firms.payment("SO-1", amountPaid="309"))
    await bench.post("logistics", "import/waybills", firms.waybill("SO-1"))
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    partners = [(await bench.arrived(one))[0] for one in ("CEB311", "CEB411", "CEB511")]
    await bench.tell(*told(partners, "2"))
    await bench.queue("M05")
    assert bench.office.sent("CEB621") == []
    await bench.post("payment", "import/payments", firms.payment("SO-1"))
    change = (await bench.arrived("CEB411", 2))[1]
    assert change.contents[0].head["appType"] == "2"
    await bench.tell(*told([change], "2"))
    await bench.arrived("CEB621")
    assert await bench.discrepancies() == []


async def test_an_inventory_returned_by_customs_is_declared_anew_after_a_correction(
    bench: Bench,
) -> None:
    """100 on the inventory holds; a corrected partner leads to version 2 with the same copNo."""
    (inventory,) = await declared(bench, "SO-1")
    first = inventory.contents[0].head
    await bench.tell(*told([inventory], "100", "[Code:1327;Desc:购买人不一致]"))
    await bench.becomes(first["guid"], "returned")
    await asyncio.sleep(0.5)
    assert len(bench.office.sent("CEB621")) == 1
    changed = firms.order("SO-1", note="corrected")
    answer = await bench.post("merchant", "import/orders", changed)
    change = (await bench.arrived("CEB311", 2))[1]
    await bench.tell(*told([change], "2"))
    second = (await bench.arrived("CEB621", 2))[1].contents[0].head
    assert answer["version"] == 2
    assert second["copNo"] == first["copNo"]
    assert second["guid"] != first["guid"]
    assert second["appType"] == "1"


async def test_a_missing_payment_becomes_a_discrepancy_in_time(open_bench: Opener) -> None:
    """After its waiting time the consignment says which partner is missing; then it goes on."""
    bench: Bench = await open_bench(collecting_wait_seconds=0.3)
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    await bench.post("logistics", "import/waybills", firms.waybill("SO-1"))
    (found,) = await bench.queue("M03")
    assert found["next"]["zh"]
    assert found["next"]["en"]


async def test_a_message_without_receipts_is_overdue(open_bench: Opener) -> None:
    """After some repetitions a person is told; the receipt that comes at last closes it."""
    bench: Bench = await open_bench(answer_wait_seconds=0.1, attempts_overdue=2)
    ids = await bench.accept("SO-1")
    await bench.arrived("CEB311", 3)
    assert "overdue" in {one["code"] for one in await bench.discrepancies()}
    wires = {got.wire for got in bench.office.received if got.type == "CEB311"}
    assert len(wires) == 1
    await bench.tell(*told(bench.office.received[:3], "2"))
    await bench.becomes(ids["orders"][0], "declaring")


async def test_a_receipt_for_an_unknown_key_waits_in_the_queue(bench: Bench) -> None:
    """Nothing is lost or guessed: a discrepancy names the key."""
    await bench.accept("SO-1")
    (first,) = await bench.arrived("CEB311")
    type_, fields = offices.entry(first.contents[0], "CEB311", "2", now())
    await bench.tell(offices.receipt([(type_, fields | {"orderNo": "FOREIGN"})]))
    await bench.queue("unknown_key")


async def test_an_unreadable_receipt_is_kept_and_shown(bench: Bench) -> None:
    """HTML or a foreign root as a receipt: stored, a discrepancy, and nothing stops."""
    await bench.tell(b"<html><body>oops</body></html>", b"not xml at all")
    await bench.queue("unreadable_receipt", "unreadable_receipt")


async def test_a_waybill_without_platform_finds_its_order(bench: Bench) -> None:
    """CEB511 names no platform: joined by order number and consignee, whichever comes first."""
    loose = firms.waybill("SO-1")
    del loose["ebpCode"]
    await bench.post("logistics", "import/waybills", loose)
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    await bench.post("payment", "import/payments", firms.payment("SO-1"))
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    partners = [(await bench.arrived(one))[0] for one in ("CEB311", "CEB411", "CEB511")]
    await bench.tell(*told(partners, "2"))
    (inventory,) = await bench.arrived("CEB621")
    assert inventory.contents[0].head["logisticsNo"] == "W-SO-1"


@pytest.mark.parametrize("times", [1, 3])
async def test_a_change_while_the_outcome_is_unknown_waits(bench: Bench, times: int) -> None:
    """Version 2 goes only when version 1 is answered, then as a change; versions between never."""
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    (first,) = await bench.arrived("CEB311")
    answers = [
        await bench.post("merchant", "import/orders", firms.order("SO-1", buyerRegNo=f"v{number}"))
        for number in range(times)
    ]
    last = answers[-1]
    await asyncio.sleep(0.5)
    assert len(bench.office.sent("CEB311")) == 1
    assert await bench.state(last["id"]) == "waiting"
    await bench.tell(*told([first], "2"))
    second = (await bench.arrived("CEB311", 2))[1].contents[0].head
    assert (second["guid"], second["appType"]) == (last["id"], "2")


async def test_an_arrival_waits_for_its_shipment(bench: Bench) -> None:
    """The tally may come first; CEB711 goes when the master waybill is known."""
    answer = await bench.post("site", "import/arrivals", firms.arrival("A-1", ["SO-1"]))
    await asyncio.sleep(0.3)
    assert await bench.state(answer["id"]) == "waiting"
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    (list_,) = await bench.arrived("CEB711")
    head = list_.contents[0].head
    assert (head["copNo"], head["trafNo"], head["guid"]) == ("A-1", "CA1234", answer["id"])


async def test_frozen_values_of_a_shipment_are_refused(bench: Bench) -> None:
    """Once an inventory used them, head values of the shipment are 409; rows may still come."""
    await declared(bench, "SO-1")
    more = firms.shipment(["SO-1", "SO-2"])
    await bench.post("site", "import/shipments", more)
    moved = await bench.post("site", "import/shipments", more | {"trafNo": "CA9999"}, status=409)
    assert moved["code"] == "D-frozen"


async def test_one_order_never_gets_two_inventories(bench: Bench) -> None:
    """Receipts that come over and over, and shipments posted again, derive one inventory."""
    await declared(bench, "SO-1")
    partners = [got for got in bench.office.received if got.type != "CEB621"]
    for status in ("2", "120"):
        await bench.tell(*told(partners, status))
    await bench.post("site", "import/shipments", [firms.shipment(["SO-1"])])
    await asyncio.sleep(0.5)
    assert len(bench.office.sent("CEB621")) == 1


async def test_a_message_that_arrived_is_not_sent_again(open_bench: Opener) -> None:
    """One document answered proves arrival: the silent one is a discrepancy, nothing goes twice.

    Sending the same bytes again would declare anew what customs has returned meanwhile.
    """
    bench: Bench = await open_bench(answer_wait_seconds=0.4)
    answer = await bench.post(
        "merchant", "import/orders", [firms.order("SO-1"), firms.order("SO-2")]
    )
    (got,) = await bench.arrived("CEB311")
    returned, silent = got.contents
    await bench.tell(offices.receipt([offices.entry(returned, "CEB311", "100", now())]))
    await bench.queue("returned", "overdue")
    assert len(bench.office.received) == 1
    await bench.tell(offices.receipt([offices.entry(silent, "CEB311", "2", now())]))
    await bench.queue("returned")
    assert {one["id"] for one in answer["results"]} == {one.head["guid"] for one in got.contents}
