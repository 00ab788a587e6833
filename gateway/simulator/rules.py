"""The authority's own rules: format and arithmetic of one document, matching of all of an order.

Written independently of the gateway's rules, after the reconciliation rules M01-M07, M10 and M15
that declarers share. Pure functions of values; personal values come in as keyed hashes.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from gateway.messages.schema import ROW_NUMBER
from gateway.model import Content

Facts = Mapping[str, Any]
Hash = Callable[[str], str]

DIRECT = "9610"
BONDED = ("1210", "1239")
ROW_TOLERANCE = Decimal("0.01")
"""M15: how far quantity times price may be from the row's total, in yuan."""
DECLARED = "2"
SIGNED_FOR = "S"
"""The only waybill status that is declared."""


def format_fault(kind: str, content: Content) -> str:
    """What the electronic port refuses at once; empty when nothing is wrong."""
    head = content.head
    if head.get("appStatus") != DECLARED:
        return "业务状态(appStatus)应为2-申报"
    if kind in {"inventory", "waybill"} and head.get("packNo", "").lstrip("0") != "1":
        return "件数(packNo)应为1"
    if kind == "waybill-status" and head["logisticsStatus"] != SIGNED_FOR:
        return "物流运单状态(logisticsStatus)应为S"
    if kind == "inventory":
        fault = _inventory_fault(head)
        if fault:
            return fault
    numbers = [row[ROW_NUMBER].lstrip("0") for row in content.items]
    if len(set(numbers)) != len(numbers):
        return "请确认表体gnum无重复"
    return ""


def _inventory_fault(head: Mapping[str, str]) -> str:
    mode = head["tradeMode"]
    if mode not in {DIRECT, *BONDED}:
        return f"贸易方式(tradeMode)[{mode}]不适用"
    required = ("copNo", "trafNo", "voyageNo", "billNo") if mode == DIRECT else ("copNo", "emsNo")
    missing = [name for name in required if not head.get(name)]
    if missing:
        return f"{'、'.join(missing)}不能为空"
    return ""


def facts_of(kind: str, content: Content, hashed: Hash) -> dict[str, Any]:
    """What is kept of a document for the matching; nothing personal in clear."""
    head = content.head
    if kind == "order":
        return {
            "paid": head["acturalPaid"],
            "rows": len(content.items),
            "name": hashed(head["buyerName"]),
            "id": hashed(head["buyerIdType"] + head["buyerIdNumber"]),
            "faults": [*_order_arithmetic(head), *_row_arithmetic("OrderList", content.items)],
        }
    if kind == "payment":
        return {
            "paid": head["amountPaid"],
            "name": hashed(head["payerName"]),
            "id": hashed(head["payerIdType"] + head["payerIdNumber"]),
        }
    if kind == "inventory":
        return {
            **{name: head[name] for name in ("ebpCode", "orderNo", "logisticsCode", "logisticsNo")},
            "rows": len(content.items),
            "name": hashed(head["buyerName"]),
            "billNo": head.get("billNo", ""),
            "mode": head["tradeMode"],
            "faults": _row_arithmetic("InventoryList", content.items),
        }
    if kind == "arrival":
        return {"billNo": head["billNo"]}
    return {"orderNo": head["orderNo"]} if kind == "waybill" else {}


def _order_arithmetic(head: Mapping[str, str]) -> Iterator[str]:
    """M06: acturalPaid = goodsValue + freight + taxTotal - discount."""
    names = ("goodsValue", "freight", "taxTotal", "discount", "acturalPaid")
    goods, freight, tax, discount, paid = (Decimal(head[name]) for name in names)
    due = goods + freight + tax - discount
    if due != paid:
        yield f"订单实际支付金额与商品价格、运杂费、税款、抵扣金额之和不符[{paid}≠{due}]"


def _row_arithmetic(rows_name: str, rows: Sequence[Mapping[str, str]]) -> list[str]:
    """M15. A gift has price 0 in import; then its total must be 0 too."""
    faults = []
    for row in rows:
        total = Decimal(row["totalPrice"])
        if abs(Decimal(row["qty"]) * Decimal(row["price"]) - total) > ROW_TOLERANCE:
            faults.append(f"{rows_name}第{row[ROW_NUMBER]}项单价乘数量与总价不符")
    return faults


def missing(inventory: Facts, found: Container[str]) -> list[str]:
    """M01-M03: texts on the partner documents that an inventory still lacks."""
    order = f"电商平台[{inventory['ebpCode']}]订单[{inventory['orderNo']}]"
    texts = []
    if "order" not in found:
        texts.append(f"{order}不存在")
    if "waybill" not in found:
        code, number = inventory["logisticsCode"], inventory["logisticsNo"]
        texts.append(f"物流企业[{code}]运单[{number}]信息不存在")
    if "payment" not in found:
        texts.append(f"{order}支付单不存在")
    return texts


def disagreements(inventory: Facts, found: Mapping[str, Facts]) -> list[str]:
    """M04-M07, M10, M15: blocks of the text of a status 100; none when the documents agree."""
    order, payment = found["order"], found["payment"]
    blocks = []
    if order["name"] != payment["name"] or order["id"] != payment["id"]:
        blocks.append("[Code:1327;Desc:订单购买人与支付单支付人姓名或证件号不一致]")
    if Decimal(order["paid"]) != Decimal(payment["paid"]):
        blocks.append(
            "[Code:1332;Desc:订单实际支付金额与支付单支付金额不一致]"
            f"[OrderHead.acturalPaid:{order['paid']};PaymentHead.amountPaid:{payment['paid']}]"
        )
    if order["rows"] != inventory["rows"]:
        blocks.append(
            "[Code:1320;Desc:订单与清单表体商品项数不一致]"
            "[InventoryHead.orderNo:{0};OrderHead.orderNo:{0}]".format(inventory["orderNo"])
        )
    if order["name"] != inventory["name"]:
        blocks.append("[Code:13127;Desc:清单订购人与订单不一致]")
    return [*blocks, *order["faults"], *inventory["faults"]]
