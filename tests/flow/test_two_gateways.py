"""Two gateways on one PostgreSQL, as far as their roles allow: nothing is done twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.app.running import running
from gateway.web.server import make_app, serving
from tests.flow import firms
from tests.flow.bench import Bench, told


async def test_what_both_take_in_at_once_is_declared_once(bench: Bench) -> None:
    """Equal orders, payments and waybills at both doors: one document each, each sent once.

    The second gateway starts when the registers are filled: each holds them in its own memory.
    """
    orders = [f"SO-{place}" for place in range(6)]
    async with (
        running(bench.settings) as other,
        serving(make_app(other.services), "127.0.0.1", 0) as url,
    ):
        second = replace(bench, gateway=other, url=url)
        one, two = await asyncio.gather(bench.accept(*orders), second.accept(*orders))
        assert one == two
        await _all_arrived(bench, len(orders))
        partners = [got for got in bench.office.received if got.type != "CEB621"]
        await asyncio.gather(bench.tell(*told(partners, "2")), second.tell(*told(partners, "2")))
        await second.post("site", "import/shipments", [firms.shipment(orders)])
        await _all_arrived(bench, len(orders), "CEB621")
        await asyncio.sleep(1)  # time enough for a second one, if anybody made it
    sent = [content.head["guid"] for got in bench.office.received for content in got.contents]
    assert len(sent) == len(set(sent)) == 4 * len(orders)
    declared = [
        content.head["orderNo"]
        for got in bench.office.received
        if got.type == "CEB621"
        for content in got.contents
    ]
    assert sorted(declared) == orders
    assert await bench.discrepancies() == []


async def _all_arrived(bench: Bench, count: int, *types: str) -> None:
    """Wait until so many documents of each type have arrived at customs."""
    for type_ in types or ("CEB311", "CEB411", "CEB511"):
        messages = 1
        while sum(len(one.contents) for one in await bench.arrived(type_, messages)) < count:
            messages += 1
