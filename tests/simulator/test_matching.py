"""The comparison of an inventory with its order, payment and waybill: status 100 and its codes."""

from __future__ import annotations

import pytest

from gateway.model import Content
from tests.simulator.counter import Counter
from tests.simulator.trade import PERSONAL, Trade


async def declare(counter: Counter, **contents: Content) -> str:
    """Hand in a consignment in which some documents are others; the text of the inventory's 100."""
    trade = counter.trade
    made = {
        "CEB311": trade.order("N1"),
        "CEB411": trade.payment_of("N1"),
        "CEB511": trade.waybill_of("N1"),
        "CEB621": trade.inventory_of("N1"),
    } | contents
    for type_, content in made.items():
        await counter.send(type_, content)
    counter.turn(3)
    returned = counter.entries[-1]
    assert (returned.type, returned.status) == ("CEB622", "100")
    assert counter.statuses("CEB312", "N1") == ["2"], "the order keeps its state"
    assert not [one for one in PERSONAL if one in returned.info]
    return returned.info


@pytest.mark.parametrize(
    "changes", [{"payerName": "别人测试"}, {"payerIdNumber": "999999197001018888"}]
)
async def test_the_buyer_pays(counter: Counter, changes: dict[str, str]) -> None:
    """M04: another payer is 1327; the text shows neither name nor number."""
    info = await declare(counter, CEB411=counter.trade.payment_of("N1", 1, **changes))
    assert info.startswith("[Code:1327;")


async def test_the_amounts_agree(counter: Counter) -> None:
    """M05: 1332, followed by a block with both fields and both values."""
    payment = counter.trade.payment_of("N1", amountPaid="100.00")
    assert await declare(counter, CEB411=payment) == (
        "[Code:1332;Desc:订单实际支付金额与支付单支付金额不一致]"
        "[OrderHead.acturalPaid:114.1;PaymentHead.amountPaid:100.00]"
    )


async def test_the_order_adds_up(counter: Counter) -> None:
    """M06: acturalPaid is goodsValue + freight + taxTotal - discount."""
    order = counter.trade.order("N1", acturalPaid="115")
    payment = counter.trade.payment_of("N1", amountPaid="115")
    assert "订单实际支付金额" in await declare(counter, CEB311=order, CEB411=payment)


async def test_the_rows_are_as_many(counter: Counter) -> None:
    """M07: 1320, followed by a block with both order numbers."""
    inventory = counter.trade.inventory_of("N1")
    info = await declare(counter, CEB621=Content(inventory.head, inventory.items[:1]))
    assert info.startswith("[Code:1320;")
    assert info.endswith("[InventoryHead.orderNo:N1;OrderHead.orderNo:N1]")


async def test_the_buyer_is_the_same(counter: Counter) -> None:
    """M10: another buyer on the inventory is 13127."""
    inventory = counter.trade.inventory_of("N1", buyerName="别人测试")
    assert (await declare(counter, CEB621=inventory)).startswith("[Code:13127;")


def dearer(trade: Trade, total: str) -> Content:
    """An inventory whose first row has that total."""
    inventory = trade.inventory_of("N1")
    row = {**inventory.items[0], "totalPrice": total}
    return Content(inventory.head, (row, inventory.items[1]))


async def test_a_row_multiplies(counter: Counter) -> None:
    """M15: quantity times price is the total."""
    assert "InventoryList第1项" in await declare(counter, CEB621=dearer(counter.trade, "40.02"))


async def test_a_row_within_the_tolerance(counter: Counter) -> None:
    """M15: a difference of 0.01 is none."""
    trade = counter.trade
    await counter.consignment("N1", without=["CEB621"])
    await counter.send("CEB621", dearer(trade, "40.01"))
    counter.turn(4)
    assert counter.statuses("CEB622", "CN1")[-1] == "899"


async def test_every_fault_is_named(counter: Counter) -> None:
    """Several faults are several blocks of one text."""
    payment = counter.trade.payment_of("N1", amountPaid="1", payerName="别人测试")
    info = await declare(counter, CEB411=payment)
    assert "[Code:1327;" in info
    assert "[Code:1332;" in info


async def test_a_returned_inventory_may_be_declared_again(counter: Counter) -> None:
    """After 100 the partner may change, and the same own number goes to its end."""
    trade = counter.trade
    await declare(counter, CEB411=trade.payment_of("N1", amountPaid="1"))
    await counter.send("CEB411", trade.payment_of("N1", 2, appType="2"))
    await counter.send("CEB621", trade.inventory_of("N1"))
    counter.turn(1)
    assert counter.entries[-1].status == "-621055", "an appTime that is not later is old data"
    await counter.send("CEB621", trade.inventory_of("N1", 2))
    await counter.send("CEB711", trade.arrival("A1", ["N1"]))
    counter.turn(5)
    assert counter.statuses("CEB622", "CN1")[-4:] == ["2", "120", "800", "899"]
    mine = [one for one in counter.ledger() if one["key"].get("copNo") == "CN1"]
    assert [one["verdict"] for one in mine] == ["taken", "returned", "refused", "taken"]
    assert mine[0]["guid"] == mine[1]["guid"]
    assert mine[1]["status"] == "100"
