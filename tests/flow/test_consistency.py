"""What must agree at all times, whatever comes in between: inventories, versions, messages."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from itertools import permutations

import pytest
from aiohttp import web
from sqlalchemy import Connection, select

from gateway.store.tables import messages
from tests.flow import firms
from tests.flow import office as offices
from tests.flow.bench import Bench, Opener, now, told, until
from tests.flow.office import Received
from tests.flow.test_troubles import declared

A_WHILE_SECONDS = 0.8
"""Long enough for what must not happen to happen."""


def versions(bench: Bench, type_: str) -> list[tuple[str, str]]:
    """The (guid, appType) of every document of a type that customs got, in order."""
    return [(one.head["guid"], one.head["appType"]) for one in bench.office.sent(type_)]


async def open_codes(bench: Bench) -> list[str]:
    """The codes of the open discrepancies, sorted."""
    return sorted(one["code"] for one in await bench.discrepancies())


async def test_an_inventory_refused_for_its_signature_stays_the_living_one(bench: Bench) -> None:
    """After resume the same document goes again and closes; no change makes a second one."""
    (first,) = await declared(bench, "SO-1")
    guid = first.contents[0].head["guid"]
    await bench.tell(*told([first], "-621029", "验签失败"))
    await bench.becomes(guid, "refused")
    changed = firms.order("SO-1", note="x")
    await bench.post("merchant", "import/orders", changed, status=409)
    await bench.post("operator", f"key-profiles/key-{firms.AGENT}/resume", {}, status=200)
    again = (await bench.arrived("CEB621", 2))[1]
    await bench.tell(*told([again], "2"))
    await bench.becomes(guid, "declaring")
    await bench.post("merchant", "import/orders", changed, status=409)
    for status in ("120", "800", "899"):
        await bench.tell(*told([again], status))
    await bench.reaches("SO-1", "closed")
    await bench.queue()
    assert versions(bench, "CEB621") == [(guid, "1"), (guid, "1")]
    assert len(bench.office.sent("CEB311")) == 1


async def test_an_inventory_that_the_port_could_not_pass_on_lives(bench: Bench) -> None:
    """4 says that the electronic port tries again: no change of its order, no second inventory."""
    (first,) = await declared(bench, "SO-1")
    guid = first.contents[0].head["guid"]
    await bench.tell(*told([first], "4"))
    await bench.becomes(guid, "send_failed")
    await bench.post("merchant", "import/orders", firms.order("SO-1", note="x"), status=409)
    for status in ("2", "120", "800", "899"):
        await bench.tell(*told([first], status))
    await bench.reaches("SO-1", "closed")
    assert versions(bench, "CEB621") == [(guid, "1")]
    await bench.queue()


@pytest.mark.parametrize("turn", list(permutations(range(3))))
async def test_a_refused_inventory_lives_again_when_customs_takes_it(
    bench: Bench, turn: tuple[int, ...]
) -> None:
    """A negative answer and then 2 and 899: closed, in whatever order these receipts come."""
    (first,) = await declared(bench, "SO-1")
    document, start = first.contents[0], now()
    receipts = [
        offices.receipt([offices.entry(document, "CEB621", status, start + timedelta(seconds=at))])
        for at, status in enumerate(("-621001", "2", "899"))
    ]
    for place in turn:
        await bench.tell(receipts[place])
        await asyncio.sleep(0.1)
    await bench.becomes(document.head["guid"], "closed")
    await bench.reaches("SO-1", "closed")
    await bench.queue()
    assert len(bench.office.sent("CEB621")) == 1


async def test_resume_sends_no_version_that_was_corrected_meanwhile(bench: Bench) -> None:
    """Of an order refused for its signature and corrected since, only the correction goes."""
    first = await bench.post("merchant", "import/orders", firms.order("SO-1"))
    (got,) = await bench.arrived("CEB311")
    await bench.tell(*told([got], "-301020", "验签失败"))
    await bench.becomes(first["id"], "refused")
    second = await bench.post("merchant", "import/orders", firms.order("SO-1", note="v2"))
    await asyncio.sleep(0.3)
    await bench.post("operator", f"key-profiles/key-{firms.EBP}/resume", {}, status=200)
    await bench.arrived("CEB311", 2)
    await asyncio.sleep(A_WHILE_SECONDS)
    assert versions(bench, "CEB311") == [(first["id"], "1"), (second["id"], "1")]


async def test_a_change_of_an_arrival_waits_for_the_answer_to_the_first(bench: Bench) -> None:
    """CEB711 goes a second time only when the first is answered, then as a change."""
    await bench.post("site", "import/shipments", firms.shipment(["SO-1", "SO-2"]))
    first = await bench.post("site", "import/arrivals", firms.arrival("A-1", ["SO-1"]))
    (got,) = await bench.arrived("CEB711")
    more = firms.arrival("A-1", ["SO-1", "SO-2"])
    second = await bench.post("site", "import/arrivals", more)
    await asyncio.sleep(A_WHILE_SECONDS)
    assert await bench.state(second["id"]) == "waiting"
    assert versions(bench, "CEB711") == [(first["id"], "1")]
    await bench.tell(*told([got], "2"))
    await bench.arrived("CEB711", 2)
    assert versions(bench, "CEB711")[1:] == [(second["id"], "2")]


async def test_a_message_refused_before_its_answer_came_is_not_sent_again(
    open_bench: Opener,
) -> None:
    """CEB900 may be faster than the HTTP answer: that message is over, its halves go instead.

    The key is paused meanwhile, so that the documents still stand in the refused message.
    """
    bench: Bench = await open_bench(answer_wait_seconds=0.3, attempts_overdue=9)
    services = bench.gateway.services

    async def answer(got: Received) -> web.Response | None:
        if len(got.contents) == 4:
            await services.registers.pause(f"key-{firms.EBP}")
            await bench.tell(offices.refusal(got, now()))
            for _ in range(500):
                if await services.database.read(_refused):
                    break
                await asyncio.sleep(0.01)
        return None

    bench.office.answer = answer
    orders = [firms.order(f"SO-{number}") for number in range(4)]
    await bench.post("merchant", "import/orders", orders)
    await bench.arrived("CEB311")
    await asyncio.sleep(1.5)
    await bench.post("operator", f"key-profiles/key-{firms.EBP}/resume", {}, status=200)
    halves = (await bench.arrived("CEB311", 3))[1:]
    await bench.tell(*told(halves, "2"))
    await asyncio.sleep(A_WHILE_SECONDS)
    assert [len(got.contents) for got in bench.office.received] == [4, 2, 2]


def _refused(connection: Connection) -> bool:
    """Whether a message is known to be refused."""
    found = connection.execute(select(messages.c.id).where(messages.c.state == "refused"))
    return found.first() is not None


async def test_a_receipt_is_applied_while_the_next_version_waits_for_a_shipment(
    bench: Bench,
) -> None:
    """The answer to the first arrival counts; its correction goes when its shipment is here."""
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    first = await bench.post("site", "import/arrivals", firms.arrival("A-1", ["SO-1"]))
    (got,) = await bench.arrived("CEB711")
    moved = firms.arrival("A-1", ["SO-1"]) | {"billNo": "78412345676"}
    second = await bench.post("site", "import/arrivals", moved)
    await bench.tell(*told([got], "2"))
    await bench.becomes(first["id"], "declaring")
    assert await bench.state(second["id"]) == "waiting"
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"], billNo="78412345676"))
    await bench.arrived("CEB711", 2)
    assert versions(bench, "CEB711")[1:] == [(second["id"], "2")]
    await bench.queue()


async def test_a_receipt_that_cannot_be_applied_holds_up_no_other(bench: Bench) -> None:
    """The others of its batch count; a discrepancy shows the one, until it can be applied."""
    numbers = [f"SO-{number}" for number in range(12)]
    answer = await bench.post("merchant", "import/orders", [firms.order(one) for one in numbers])
    ids = {one["key"]["orderNo"]: one["id"] for one in answer["results"]}
    (got,) = await bench.arrived("CEB311")
    database = bench.gateway.services.database
    refuse = (
        "CREATE TRIGGER refuse BEFORE INSERT ON receipt_entries "
        """WHEN NEW.key_text LIKE '%"SO-3"%' BEGIN SELECT RAISE(ABORT, 'refused by a test'); END"""
    )
    await database.write(lambda connection: connection.exec_driver_sql(refuse))
    each = [offices.receipt([offices.entry(one, "CEB311", "2", now())]) for one in got.contents]
    await asyncio.gather(*map(bench.tell, each))
    for number in numbers:
        if number != "SO-3":
            await bench.becomes(ids[number], "declaring")
    await bench.queue("unapplied_receipt")
    await database.write(lambda connection: connection.exec_driver_sql("DROP TRIGGER refuse"))
    await bench.becomes(ids["SO-3"], "declaring")
    await bench.queue()


async def test_an_own_number_given_twice_holds_the_second_inventory_alone(bench: Bench) -> None:
    """The first consignment with a copNo is declared, the second is held, a third goes on."""
    mandate = {
        "mandate": "AGENT-EBC",
        "principal": firms.AGENT,
        "holder": firms.EBC,
        "messageTypes": ["CEB621"],
        "validFrom": "2026-01-01",
        "evidence": "委托书示例",
    }
    await bench.post("operator", "mandates", [mandate])
    numbers = ["SO-1", "SO-2", "SO-3"]
    own = {"SO-1": "MYNO1", "SO-2": "MYNO1", "SO-3": "MYNO3"}
    orders = [firms.order(one, inventory={"copNo": own[one]}) for one in numbers]
    await bench.post("merchant", "import/orders", orders)
    await bench.post("payment", "import/payments", [firms.payment(one) for one in numbers])
    await bench.post("logistics", "import/waybills", [firms.waybill(one) for one in numbers])
    await bench.tell(*told(await bench.partners(), "2"))
    await bench.post("site", "import/shipments", firms.shipment(numbers))
    await until(lambda: len(bench.office.sent("CEB621")) == 2, "two inventories")
    (found,) = await bench.queue("cop_no_used")
    heads = [one.head for one in bench.office.sent("CEB621")]
    assert sorted(head["copNo"] for head in heads) == ["MYNO1", "MYNO3"]
    (held,) = set(numbers) - {head["orderNo"] for head in heads}
    assert held != "SO-3"
    assert await bench.consignment(held) == "held"
    assert found["consignment_id"]


async def test_a_version_behind_a_refused_message_goes(bench: Bench) -> None:
    """CEB900 answers the document to blame: the correction that waited for it goes, as new."""
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    (first,) = await bench.arrived("CEB311")
    answer = await bench.post("merchant", "import/orders", firms.order("SO-1", note="v2"))
    assert await bench.state(answer["id"]) == "waiting"
    await bench.tell(offices.refusal(first, now()))
    await bench.arrived("CEB311", 2)
    assert versions(bench, "CEB311")[1:] == [(answer["id"], "1")]


async def test_an_inventory_refused_with_its_message_holds_until_a_correction(
    bench: Bench,
) -> None:
    """CEB900 for the inventory alone: held, seen, and the corrected order leads to the next."""
    (first,) = await declared(bench, "SO-1")
    guid = first.contents[0].head["guid"]
    await bench.tell(offices.refusal(first, now()))
    await bench.becomes(guid, "refused")
    await bench.reaches("SO-1", "held")
    assert await open_codes(bench) == ["refused_message"]
    await bench.post("merchant", "import/orders", firms.order("SO-1", note="x"))
    change = (await bench.arrived("CEB311", 2))[1]
    await bench.tell(*told([change], "2"))
    await bench.arrived("CEB621", 2)
    assert versions(bench, "CEB621")[1][1] == "1"
    assert versions(bench, "CEB621")[1][0] != guid


async def test_a_signature_refused_at_once_pauses_the_key_and_blames_nothing(
    bench: Bench,
) -> None:
    """DxpRep 1001: one message, then a pause; after resume its documents go in one new message."""
    refused = (
        f'<DxpRep xmlns="{offices.DXP}" ver="1.0"><RecevierId>x</RecevierId>'
        "<Response><ResponseCode>1001</ResponseCode></Response></DxpRep>"
    ).encode()
    bench.office.answer = lambda _: web.Response(
        status=400, body=refused, content_type="application/xml"
    )
    orders = [firms.order(f"SO-{number}") for number in range(4)]
    await bench.post("merchant", "import/orders", orders)
    await bench.arrived("CEB311")
    await asyncio.sleep(2)
    assert [len(got.contents) for got in bench.office.received] == [4]
    profiles = await bench.get("operator", "key-profiles")
    (paused,) = [one for one in profiles["records"] if one.get("paused")]
    assert paused["key"]["profile"] == f"key-{firms.EBP}"
    bench.office.answer = lambda _: None
    await bench.post("operator", f"key-profiles/key-{firms.EBP}/resume", {}, status=200)
    again = (await bench.arrived("CEB311", 2))[1]
    await bench.tell(*told([again], "2"))
    await asyncio.sleep(A_WHILE_SECONDS)
    first, second = bench.office.received
    assert {one.head["guid"] for one in first.contents} == {
        one.head["guid"] for one in second.contents
    }
    assert first.message_id != second.message_id
    await bench.queue()
