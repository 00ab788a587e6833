"""What must hold between documents, shipments, registers, keys and restarts."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web
from sqlalchemy import Connection, select

from gateway.app.running import running
from gateway.matching.declaring import declare
from gateway.matching.deriving import Deriving, Held
from gateway.matching.loading import load
from gateway.matching.sources import Sources
from gateway.messages import load_catalogue
from gateway.messages.derivation import DerivationSettings
from gateway.messages.modes import load_modes
from gateway.messages.rules import load_rules
from gateway.registers import ApiKeys
from gateway.store import queues
from gateway.store.tables import consignments, shipment_rows
from gateway.web.server import make_app, serving
from tests.flow import firms
from tests.flow import office as offices
from tests.flow.bench import Bench, Opener, now, register, settings_for, told, until
from tests.flow.office import Received
from tests.flow.test_troubles import declared

A_WHILE_SECONDS = 0.8
"""Long enough for what must not happen to happen."""
STRANGER = "4403969999"


async def test_a_duplicate_answer_that_counts_as_acceptance_declares(bench: Bench) -> None:
    """After a lost answer "known already" proves the first attempt: the inventory goes."""
    lost: list[str] = []

    def answer(got: Received) -> web.Response | None:
        if got.type == "CEB311" and not lost:
            lost.append(got.message_id)
            return web.Response(status=502, text="<html>")
        return None

    bench.office.answer = answer
    await bench.accept("SO-1")
    _, second = await bench.arrived("CEB311", 2)
    _, payment, waybill = await bench.partners()
    await bench.tell(*told([payment, waybill], "2"), *told([second], "-301010", "重复申报"))
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    await bench.arrived("CEB621")
    await bench.queue()


async def test_a_returned_arrival_can_be_corrected(bench: Bench) -> None:
    """100 on CEB711: the corrected tally is version 2, new."""
    await bench.post("site", "import/shipments", firms.shipment(["SO-1", "SO-2"]))
    first = await bench.post("site", "import/arrivals", firms.arrival("A-1", ["SO-1"]))
    (got,) = await bench.arrived("CEB711")
    await bench.tell(*told([got], "100"))
    await bench.becomes(first["id"], "returned")
    more = firms.arrival("A-1", ["SO-1", "SO-2"])
    second = await bench.post("site", "import/arrivals", more)
    change = (await bench.arrived("CEB711", 2))[1].contents[0].head
    assert (change["guid"], change["appType"]) == (second["id"], "1")


async def test_an_order_returned_while_its_inventory_lives_can_be_corrected(bench: Bench) -> None:
    """A failed match comes back on the order too: its correction is accepted, none other is."""
    (inventory,) = await declared(bench, "SO-1")
    await bench.tell(*told([inventory], "2"))
    order, payment, _ = await bench.partners()
    await bench.tell(*told([order], "100", "[Code:1327;Desc:购买人不一致]"))
    await bench.becomes(order.contents[0].head["guid"], "returned")
    fixed = firms.order("SO-1", note="fixed")
    answer = await bench.post("merchant", "import/orders", fixed)
    change = (await bench.arrived("CEB311", 2))[1].contents[0].head
    assert (change["guid"], change["appType"]) == (answer["id"], "1")
    other = firms.payment("SO-1", note="x")
    await bench.post("payment", "import/payments", other, status=409)
    assert len(bench.office.sent("CEB621")) == 1
    assert payment.contents


async def test_goods_registered_later_free_the_consignment(bench: Bench) -> None:
    """R-goods needs no new document: what the register lacked is put in, and the inventory goes."""
    order = firms.order("SO-1")
    order["items"][0]["itemNo"] = "SKU-2"
    await bench.post("merchant", "import/orders", order)
    await bench.post("payment", "import/payments", firms.payment("SO-1"))
    await bench.post("logistics", "import/waybills", firms.waybill("SO-1"))
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    await bench.tell(*told(await bench.partners(), "2"))
    await bench.queue("R-goods")
    goods = _registers(bench)["goods"][0] | {"itemNo": "SKU-2"}
    await bench.post("operator", "goods", [goods])
    await bench.arrived("CEB621")
    await bench.queue()


async def test_a_payment_of_a_living_consignment_stays_with_its_order(bench: Bench) -> None:
    """Another order number is another content: 409 while the inventory lives."""
    await declared(bench, "SO-1")
    moved = firms.payment("SO-1", orderNo="SO-9")
    refused = await bench.post("payment", "import/payments", moved, status=409)
    assert refused["code"] == "D-conflict"
    assert len(bench.office.sent("CEB411")) == 1


async def test_an_attached_waybill_stays_with_its_order(open_bench: Opener) -> None:
    """Its repeat makes no empty consignment, and its change is 409 while the inventory lives."""
    bench: Bench = await open_bench(collecting_wait_seconds=1)
    loose = firms.waybill("SO-1")
    del loose["ebpCode"]
    await bench.post("logistics", "import/waybills", loose)
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    await bench.post("payment", "import/payments", firms.payment("SO-1"))
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    await bench.tell(*told(await bench.partners(), "2"))
    await bench.arrived("CEB621")
    again = await bench.post("logistics", "import/waybills", loose)
    assert again["repeated"]
    await bench.post("logistics", "import/waybills", loose | {"weight": "9.9"}, status=409)
    await asyncio.sleep(1.5)
    await bench.queue()
    assert await _count(bench, consignments) == 1


async def test_a_register_that_changes_makes_no_other_content(bench: Bench) -> None:
    """The identical order stays a repeat when the declarant's profile names another customs."""
    first = await bench.post("merchant", "import/orders", firms.order("SO-1"))
    await bench.arrived("CEB311")
    (profile,) = _registers(bench)["profiles"]
    moved = profile | {"customsCode": "5141", "portCode": "5141", "ebcCode": firms.EBC}
    await bench.post("operator", "profiles", [moved])
    again = await bench.post("merchant", "import/orders", firms.order("SO-1"))
    assert (again["repeated"], again["id"]) == (True, first["id"])


async def test_a_second_waybill_does_not_displace_the_first(bench: Bench) -> None:
    """It is shown to a person; the consignment is declared with the first."""
    await bench.accept("SO-1")
    await bench.post("logistics", "import/waybills", firms.waybill("SO-1", logisticsNo="W-OTHER"))
    await until(lambda: len(bench.office.sent("CEB511")) == 2, "both waybills")
    await bench.partners()
    await bench.tell(*told(bench.office.received, "2"))
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    (inventory,) = await bench.arrived("CEB621")
    assert inventory.contents[0].head["logisticsNo"] == "W-SO-1"
    await bench.queue("second_document")


@pytest.mark.parametrize("turn", [("W-A", "W-B"), ("W-B", "W-A")])
async def test_the_loose_waybill_that_fits_its_order_is_attached(
    bench: Bench, turn: tuple[str, str]
) -> None:
    """Two waybills of one order number name no platform: consignee and address tell them apart."""
    consignees = {"W-A": "丙测试", "W-B": "乙测试"}
    for number in turn:
        loose = firms.waybill("SO-1", logisticsNo=number, consignee=consignees[number])
        del loose["ebpCode"]
        await bench.post("logistics", "import/waybills", loose)
    await bench.post("merchant", "import/orders", firms.order("SO-1"))
    await bench.post("payment", "import/payments", firms.payment("SO-1"))
    rows = [{"logisticsNo": "W-A"}, {"logisticsNo": "W-B"}]
    await bench.post("site", "import/shipments", firms.shipment([], items=rows))
    await until(lambda: len(bench.office.sent("CEB511")) == 2, "both waybills")
    await bench.partners()
    await bench.tell(*told(bench.office.received, "2"))
    (inventory,) = await bench.arrived("CEB621")
    assert inventory.contents[0].head["logisticsNo"] == "W-B"


@pytest.mark.parametrize("change", ["none", "shipment", "receipt"])
async def test_nothing_is_declared_on_facts_that_have_changed(bench: Bench, change: str) -> None:
    """Between reading and writing a shipment or a receipt may come: then matching looks again."""
    (inventory,) = await declared(bench, "SO-1")
    await bench.tell(*told([inventory], "100"))
    await bench.reaches("SO-1", "held")
    sources = _sources(bench)
    database = bench.gateway.services.database
    home = await database.read(lambda one: one.execute(select(consignments.c.id)).scalar_one())
    (loaded,) = await database.read(load, [home])
    declaration = Deriving(sources).derive(loaded)
    assert not isinstance(declaration, Held)
    if change == "shipment":
        more = firms.shipment(["SO-1"], loctNo="5130A")
        await bench.post("site", "import/shipments", more)
    if change == "receipt":
        order = (await bench.partners())[0]
        await bench.tell(*told([order], "100"))
        await bench.becomes(order.contents[0].head["guid"], "returned")

    def store(connection: Connection) -> Any:
        return declare(connection, [declaration], sources.vault, now(), closing=timedelta(days=1))

    done = await database.write(store)
    assert done.changed == ([] if change == "none" else [home])
    assert bool(done.announced) == (change == "none")
    assert await bench.consignment("SO-1") == ("declared" if change == "none" else "held")


async def test_a_stranger_cannot_change_a_shipment(bench: Bench) -> None:
    """A shipment belongs to the enterprises in it: who names himself there changes nothing."""
    await bench.post("site", "import/shipments", firms.shipment(["SO-1"]))
    await _enrol(bench, STRANGER, "site")
    foreign = firms.shipment(["X"], operatorCode=STRANGER, trafNo="EVIL1", voyageNo="EVIL1")
    refused = await bench.post("stranger", "import/shipments", foreign, status=403)
    assert refused["code"] == "A-foreign"
    await bench.accept("SO-1")
    await bench.tell(*told(await bench.partners(), "2"))
    (inventory,) = await bench.arrived("CEB621")
    assert inventory.contents[0].head["trafNo"] == "CA1234"


async def test_a_paused_key_does_not_close_the_door_to_others(open_bench: Opener) -> None:
    """What waits for a paused key is no backlog of other enterprises."""
    bench: Bench = await open_bench(backlog_max=10)
    first = await bench.post("merchant", "import/orders", firms.order("SO-0"))
    (got,) = await bench.arrived("CEB311")
    await bench.tell(*told([got], "-301020", "验签失败"))
    await bench.becomes(first["id"], "refused")
    for number in range(1, 14):
        await bench.post("merchant", "import/orders", firms.order(f"SO-{number}"))
        await _tried(bench)
    # The backlog is that of the last sweep.
    await asyncio.sleep(bench.settings.sweep_seconds * 4)
    assert len(bench.office.sent("CEB311")) == 1
    await bench.post("payment", "import/payments", firms.payment("SO-1"))
    await bench.arrived("CEB411")


async def test_a_parcel_listed_twice_in_a_shipment_is_one_row(bench: Bench) -> None:
    """A doubled line of a master waybill is no fault."""
    await bench.post("site", "import/shipments", firms.shipment(["SO-2", "SO-2"]))
    assert await _count(bench, shipment_rows) == 1


async def test_restarts_do_not_send_a_message_again_and_again(tmp_path: Path) -> None:
    """An attempt that a kill cut off is repeated once; further starts find nothing open."""
    async with offices.opened(load_catalogue()) as office:
        settings = settings_for(tmp_path, office.url, answer_wait_seconds=600)
        async with (
            running(settings) as gateway,
            serving(make_app(gateway.services), "127.0.0.1", 0) as url,
            aiohttp.ClientSession() as http,
        ):
            bench = Bench(tmp_path, office, settings, gateway, url, http)
            await register(bench, {})
            await bench.post("merchant", "import/orders", firms.order("SO-1"))
            await bench.arrived("CEB311")
            await asyncio.sleep(0.3)
            cut = "UPDATE attempts SET ended_at = NULL, outcome = NULL"
            await gateway.services.database.write(lambda one: one.exec_driver_sql(cut))
        async with running(settings):
            await until(lambda: len(office.received) == 2, "the repetition")
            await asyncio.sleep(0.3)
        for _ in range(2):
            async with running(settings):
                await asyncio.sleep(A_WHILE_SECONDS)
    assert len(office.received) == 2
    assert office.received[0].wire == office.received[1].wire


async def test_a_renewed_key_resumes_what_was_refused(bench: Bench) -> None:
    """Another profile of the same enterprise: the refused document goes again, signed with it."""
    first = await bench.post("merchant", "import/orders", firms.order("SO-1"))
    (got,) = await bench.arrived("CEB311")
    await bench.tell(*told([got], "-301020", "验签失败"))
    await bench.becomes(first["id"], "refused")
    profile = _registers(bench)["key-profiles"][0] | {"profile": "renewed"}
    await bench.post("operator", "key-profiles", [profile])
    again = (await bench.arrived("CEB311", 2))[1]
    assert again.contents[0].head["guid"] == first["id"]
    await bench.tell(*told([again], "2"))
    await bench.becomes(first["id"], "declaring")
    await bench.queue()


def _registers(bench: Bench) -> dict[str, list[dict[str, Any]]]:
    """The register entries again, with other keys."""
    folder = bench.folder / "anew"
    folder.mkdir()
    return firms.registers(folder, {})


async def _count(bench: Bench, table: Any) -> int:
    database = bench.gateway.services.database
    return len(await database.read(lambda one: one.execute(select(table)).all()))


async def _tried(bench: Bench) -> None:
    """Wait until every batch was handed over or postponed."""
    for _ in range(500):
        if await bench.gateway.services.database.read(queues.count) == 0:
            return
        await asyncio.sleep(0.02)
    pytest.fail("there are batches that nobody tried")


async def _enrol(bench: Bench, code: str, role: str) -> None:
    """Register an enterprise that nobody knows, with an API key."""
    services = bench.gateway.services
    record = {"code": code, "name": "陌生企业", "roles": [role]}
    await bench.post("operator", "enterprises", [record])
    keys = ApiKeys(services.registers, services.database, services.clock)
    bench.keys["stranger"] = (await keys.create(role, code, actor="test")).token


def _sources(bench: Bench) -> Sources:
    services = bench.gateway.services
    return Sources(
        catalogue=services.catalogue,
        registry=services.registers,
        rules=load_rules(load_modes(), []),
        derivation=DerivationSettings(),
        vault=services.vault,
        clock=services.clock,
    )
