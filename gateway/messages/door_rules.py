"""Rules that one document breaks by itself: answered at the door, with a JSON path.

Each is a pure function of the content and the tolerance of its rule; what it says stands in
rules.toml. Values are N19,5 texts that the decoder has checked.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal

from gateway.messages.amounts import ZERO, apart, number, times, total
from gateway.model import Content

ITEM_NO_MAX = 20
"""CEB621 itemNo is C..20, CEB311 itemNo C..30; a longer one is refused, never cut."""


@dataclass(frozen=True, slots=True)
class Fault:
    """Where a rule is broken and by what; `words` complete the sentence of the rule."""

    path: str
    field: str
    value: str | None = None
    words: Mapping[str, str] | None = None


Check = Callable[[Content, Decimal], Iterator[Fault]]


def order_arithmetic(order: Content, tolerance: Decimal) -> Iterator[Fault]:
    """M06: acturalPaid = goodsValue + freight + taxTotal - discount."""
    head = order.head
    added = total(number(head[name]) for name in ("goodsValue", "freight", "taxTotal"))
    expected = total((added, -number(head["discount"])))
    if apart(number(head["acturalPaid"]), expected, tolerance):
        paid = head["acturalPaid"]
        yield Fault("$.acturalPaid", "acturalPaid", paid, {"expected": f"{expected:f}"})


def row_arithmetic(order: Content, tolerance: Decimal) -> Iterator[Fault]:
    """M15: qty x price = totalPrice and qty > 0 in each row, and the order is worth something.

    A price of 0 is legal: a gift has it.
    """
    totals = []
    for place, row in enumerate(order.items):
        qty, price, sum_ = (number(row[name]) for name in ("qty", "price", "totalPrice"))
        totals.append(sum_)
        if qty <= ZERO:
            yield _arithmetic(f"$.items[{place}].qty", "qty", row["qty"], "> 0")
        product = times(qty, price)
        if apart(product, sum_, tolerance):
            path = f"$.items[{place}].totalPrice"
            yield _arithmetic(path, "totalPrice", row["totalPrice"], f"{product:f}")
    if total(totals) <= ZERO:
        yield _arithmetic("$.items", "totalPrice", f"{total(totals):f}", "> 0")


def goods_value(order: Content, tolerance: Decimal) -> Iterator[Fault]:
    """R-goods-value: goodsValue is the sum of the rows' totalPrice."""
    expected = total(number(row["totalPrice"]) for row in order.items)
    found = order.head["goodsValue"]
    if apart(number(found), expected, tolerance):
        yield Fault("$.goodsValue", "goodsValue", found, {"expected": f"{expected:f}"})


def item_numbers(order: Content, _tolerance: Decimal) -> Iterator[Fault]:
    """R-item-no: each row names its goods by an itemNo that the inventory can carry."""
    for place, row in enumerate(order.items):
        item_no = row.get("itemNo", "")
        if not 0 < len(item_no) <= ITEM_NO_MAX:
            yield Fault(f"$.items[{place}].itemNo", "itemNo", item_no or None)


def one_parcel(waybill: Content, _tolerance: Decimal) -> Iterator[Fault]:
    """R-pack-no: a waybill is one parcel."""
    found = waybill.head["packNo"]
    if number(found) != 1:
        yield Fault("$.packNo", "packNo", found)


def _arithmetic(path: str, name: str, found: str, expected: str) -> Fault:
    return Fault(path, name, found, {"found": found, "expected": expected})


DOOR: Mapping[str, tuple[tuple[str, Check], ...]] = {
    "order": (
        ("M06", order_arithmetic),
        ("M15", row_arithmetic),
        ("R-goods-value", goods_value),
        ("R-item-no", item_numbers),
    ),
    "waybill": (("R-pack-no", one_parcel),),
}
"""The door rules of each kind of document, by their codes."""
