"""Consignments of the demo: the documents that parties hand in for each order.

Everything follows from the seed: who sells what to whom, which trouble there is, every amount.
Amounts are exact decimals; the tax is the usual 70% of the value added tax, rounded to the fen.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from gateway.demo.goods import GIFTS, GOODS, Goods
from gateway.demo.parties import LENIENT_OFFICE, STRICT_OFFICE, Channel, Parties, Party
from gateway.demo.people import Buyer, make_buyer
from gateway.demo.troubles import Trouble, assign
from gateway.telemetry import SHANGHAI

CURRENCY = "142"
FEN = Decimal("0.01")
TAX_RATE = Decimal("0.091")
"""70% of 13% value added tax: retail import within the limits of a single order."""
PACKING_KG = Decimal("0.15")
SHORT_BY = Decimal("1.50")
GIFT_CHANCE = 0.1
PLATFORM_UNKNOWN_CHANCE = 0.3
"""Of the waybills, whose logistics firm does not know the platform: CEB511 does not name it."""
OFFICES = {"strict": STRICT_OFFICE, "lenient": LENIENT_OFFICE}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Consignment:
    """One order with its payment and waybill, and what must become of it."""

    order_no: str
    trouble: Trouble
    channel: Channel
    payer: Party
    """The payment firm."""
    carrier: Party
    """The logistics firm."""
    buyer: Buyer
    order: Json
    payment: Json | None
    waybill: Json

    @property
    def logistics_no(self) -> str:
        """The number of its parcel."""
        return str(self.waybill["logisticsNo"])

    @property
    def corrected(self) -> Json:
        """The order as it is handed in again after customs returned it."""
        return self.order | {"batchNumbers": f"LOT-{self.order_no}"}


def make_consignments(
    number: int, seed: int, parties: Parties, troubles: Sequence[Trouble], now: datetime
) -> list[Consignment]:
    """The consignments of a seed; `now` is the time of the payments and changes nothing else."""
    chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
    drawn = assign(number, troubles, chance)
    paid_at = now.astimezone(SHANGHAI).strftime("%Y%m%d%H%M%S")
    return [
        _consignment(f"{seed}-{place:06d}", trouble, parties, chance, paid_at)
        for place, trouble in enumerate(drawn, start=1)
    ]


def _consignment(
    number: str, trouble: Trouble, parties: Parties, chance: random.Random, paid_at: str
) -> Consignment:
    channels = [
        one for one in parties.channels if OFFICES.get(trouble.office, one.office) == one.office
    ]
    channel = chance.choice(channels)
    payer, carrier = chance.choice(parties.payments), chance.choice(parties.logistics)
    buyer = make_buyer(chance)
    order_no = f"SO{number}" + (f"-{trouble.suffix}" if trouble.suffix else "")
    basket = [(one, chance.randint(1, 3)) for one in chance.sample(GOODS, chance.randint(1, 3))]
    if chance.random() < GIFT_CHANCE:
        basket.append((chance.choice(GIFTS), 1))
    order = _order(order_no, channel, payer, buyer, basket, chance)
    payment = None
    if trouble.payment != "none":
        short = SHORT_BY if trouble.payment == "short" else Decimal(0)
        payment = _payment(order, Decimal(order["acturalPaid"]) - short, paid_at)
    return Consignment(
        order_no=order_no,
        trouble=trouble,
        channel=channel,
        payer=payer,
        carrier=carrier,
        buyer=buyer,
        order=order,
        payment=payment,
        waybill=_waybill(number, order, carrier, basket, chance),
    )


def _order(
    order_no: str,
    channel: Channel,
    payer: Party,
    buyer: Buyer,
    basket: Sequence[tuple[Goods, int]],
    chance: random.Random,
) -> Json:
    value = sum((one.price * qty for one, qty in basket), Decimal(0))
    freight = Decimal(chance.randint(0, 2500)) / 100
    discount = Decimal(chance.choice((0, 0, 0, 5, 10)))
    tax = ((value + freight) * TAX_RATE).quantize(FEN, ROUND_HALF_UP)
    return {
        "orderNo": order_no,
        "ebpCode": channel.platform.code,
        "ebpName": channel.platform.name,
        "ebcCode": channel.merchant.code,
        "ebcName": channel.merchant.name,
        "goodsValue": f"{value}",
        "freight": f"{freight}",
        "discount": f"{discount}",
        "taxTotal": f"{tax}",
        "acturalPaid": f"{value + freight + tax - discount}",
        "currency": CURRENCY,
        "buyerRegNo": buyer.registration,
        "buyerName": buyer.name,
        "buyerTelephone": buyer.telephone,
        "buyerIdType": "1",
        "buyerIdNumber": buyer.id_number,
        "payCode": payer.code,
        "payName": payer.name,
        "payTransactionId": f"PT{order_no}",
        "consignee": buyer.name,
        "consigneeTelephone": buyer.telephone,
        "consigneeAddress": buyer.address,
        "items": [_row(channel.merchant, one, qty) for one, qty in basket],
    }


def _row(merchant: Party, goods: Goods, qty: int) -> Json:
    return {
        "itemNo": goods.item_no(merchant),
        "itemName": goods.name,
        "gmodel": goods.model,
        "barCode": goods.bar_code,
        "unit": goods.unit,
        "qty": qty,
        "price": f"{goods.price}",
        "totalPrice": f"{goods.price * qty}",
        "currency": CURRENCY,
        "country": goods.country,
    }


def _payment(order: Json, amount: Decimal, paid_at: str) -> Json:
    same = ("payCode", "payName", "payTransactionId", "orderNo", "ebpCode", "ebpName", "currency")
    return {
        **{name: order[name] for name in same},
        "payerIdType": order["buyerIdType"],
        "payerIdNumber": order["buyerIdNumber"],
        "payerName": order["buyerName"],
        "telephone": order["buyerTelephone"],
        "amountPaid": f"{amount}",
        "payTime": paid_at,
    }


def _waybill(
    number: str,
    order: Json,
    carrier: Party,
    basket: Sequence[tuple[Goods, int]],
    chance: random.Random,
) -> Json:
    same = ("orderNo", "freight", "currency", "consignee", "consigneeAddress", "consigneeTelephone")
    net = sum((one.net_weight * qty for one, qty in basket), Decimal(0))
    waybill = {
        **{name: order[name] for name in same},
        "logisticsCode": carrier.code,
        "logisticsName": carrier.name,
        "logisticsNo": f"LP{number}",
        "insuredFee": "0",
        "weight": f"{net + PACKING_KG}",
        "packNo": "1",
        "goodsInfo": basket[0][0].name,
    }
    if chance.random() >= PLATFORM_UNKNOWN_CHANCE:
        waybill["ebpCode"] = order["ebpCode"]
    return waybill
