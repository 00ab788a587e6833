"""An invented consignment of direct purchase in which everything agrees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from gateway.messages.derivation import ArrivalFacts, Facts
from gateway.messages.modes import load_modes
from gateway.messages.rules import Rules, load_rules
from gateway.model import Content

SHANGHAI_NEW_DAY = datetime(2026, 3, 1, 16, 30, tzinfo=UTC)
"""Already 2 March in Shanghai."""

EBP, EBC, PAY, LOGISTICS, AGENT, SITE = (
    "4403160001", "4403160002", "4403160003", "4403160004", "4403160005", "4403160006",
)  # fmt: skip
EBP_CREDIT = "91440300MA5EXAMPL1"
IDENTITIES = {EBP_CREDIT: EBP}
NAMES = {
    EBP: "示例平台有限公司",
    EBC: "示例商贸有限公司",
    PAY: "示例支付有限公司",
    LOGISTICS: "示例物流有限公司",
    AGENT: "示例报关有限公司",
    SITE: "示例监管场所有限公司",
}

ORDER_ROWS = (
    {
        "gnum": "1", "itemNo": "SKU-1", "itemName": "奶粉", "gmodel": "3段|800克", "unit": "122",
        "qty": "2", "price": "150.5", "totalPrice": "301.00", "currency": "142", "country": "601",
    },
    {
        "gnum": "2", "itemNo": "SKU-2", "itemName": "勺子", "gmodel": "赠品", "barCode": "690123",
        "unit": "007", "qty": "1", "price": "0", "totalPrice": "0", "currency": "142",
        "country": "601",
    },
)  # fmt: skip
ORDER = {
    "orderType": "I", "orderNo": "SO-1", "ebpCode": EBP, "ebpName": NAMES[EBP], "ebcCode": EBC,
    "ebcName": NAMES[EBC], "goodsValue": "301", "freight": "20.00", "discount": "11",
    "taxTotal": "0", "acturalPaid": "310.00", "currency": "142", "buyerRegNo": "u-77",
    "buyerName": "张三丰", "buyerTelephone": "13800000000", "buyerIdType": "1",
    "buyerIdNumber": "11010519491231002X", "payCode": PAY, "payName": NAMES[PAY],
    "consignee": "李四光", "consigneeTelephone": "13900000000",
    "consigneeAddress": "深圳市示例路1号",
}  # fmt: skip
PAYMENT = {
    "payCode": PAY, "payName": NAMES[PAY], "payTransactionId": "T-1", "orderNo": "SO-1",
    "ebpCode": EBP, "ebpName": NAMES[EBP], "payerIdType": "1",
    "payerIdNumber": "11010519491231002X", "payerName": "张三丰", "amountPaid": "310",
    "currency": "142", "payTime": "20260301120000",
}  # fmt: skip
WAYBILL = {
    "logisticsCode": LOGISTICS, "logisticsName": NAMES[LOGISTICS], "logisticsNo": "W-1",
    "orderNo": "SO-1", "freight": "20", "insuredFee": "1.5", "currency": "142", "weight": "2.1",
    "packNo": "1", "consignee": "李四光", "consigneeTelephone": "13900000000",
    "consigneeAddress": "深圳市示例路1号",
}  # fmt: skip
SHIPMENT = {
    "direction": "I", "billNo": "B-1", "trafMode": "5", "trafNo": "CA123", "voyageNo": "V9",
    "ieDate": "20260301", "portCode": "5301", "customsCode": "5349", "country": "601",
    "operatorCode": SITE, "logisticsCode": LOGISTICS,
}  # fmt: skip
GOODS = {
    "SKU-1": {
        "gname": "奶粉", "gmodel": "3段|800克", "gcode": "1901101000", "unit": "122",
        "unit1": "035", "factor1": "0.8", "country": "601", "netWeight": "0.8",
    },
    "SKU-2": {
        "gname": "勺子", "gmodel": "赠品", "gcode": "8215990000", "unit": "007", "unit1": "007",
        "factor1": "1", "unit2": "035", "factor2": "0.05", "country": "601", "netWeight": "0.05",
    },
}  # fmt: skip
PROFILE = {"agentCode": AGENT, "customsCode": "5349", "assureCode": AGENT, "wrapType": "2"}

RULES = load_rules(load_modes())


def rules(*overrides: Mapping[str, Any]) -> Rules:
    """The shipped rules under some overrides."""
    return load_rules(load_modes(), overrides)


def identity(code: str) -> str:
    """The invented register: the platform has a credit code too."""
    return IDENTITIES.get(code, code)


def order(rows: tuple[Mapping[str, str], ...] = ORDER_ROWS, **head: str) -> Content:
    """The order with some head fields changed; an empty text takes the field away."""
    return Content(_changed(ORDER, head), rows)


def order_row(place: int, **values: str) -> Content:
    """The order with one row changed."""
    rows = list(ORDER_ROWS)
    rows[place] = _changed(rows[place], values)
    return order(tuple(rows))


def payment(**head: str) -> Content:
    """The payment with some fields changed."""
    return Content(_changed(PAYMENT, head))


def waybill(**head: str) -> Content:
    """The waybill with some fields changed."""
    return Content(_changed(WAYBILL, head))


def shipment(**head: str) -> dict[str, str]:
    """The shipment's head with some fields changed."""
    return _changed(SHIPMENT, head)


def goods(item_no: str, **values: str) -> dict[str, dict[str, str]]:
    """The goods register with one record changed."""
    return {**GOODS, item_no: _changed(GOODS[item_no], values)}


def profile(**values: str) -> dict[str, str]:
    """The declarant profile with some fields changed."""
    return _changed(PROFILE, values)


def facts(**changes: Any) -> Facts:
    """The consignment with some facts changed."""
    agreed = Facts(
        mode="direct-import",
        declared_at=SHANGHAI_NEW_DAY,
        order=order(),
        payment=payment(),
        waybill=waybill(),
        shipment=SHIPMENT,
        parcel_listed=True,
        goods=GOODS,
        profile=PROFILE,
        names=NAMES,
        identity=identity,
    )
    return replace(agreed, **changes)


def arrival_facts(**changes: Any) -> ArrivalFacts:
    """A tally of the site, with its shipment."""
    head = {"operatorCode": SITE, "arrivalNo": "A-1", "billNo": "B-1", "trafMode": "5"}
    agreed = ArrivalFacts(
        mode="direct-import",
        arrival=Content(head, ({"logisticsNo": "W-1"}, {"logisticsNo": "W-2"})),
        shipment=SHIPMENT,
        profile={"agentCode": SITE, "customsCode": "5349"},
        names=NAMES,
        identity=identity,
    )
    return replace(agreed, **changes)


def _changed(before: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    return {name: text for name, text in {**before, **changes}.items() if text}
