"""Rules between the documents of one order: run before the inventory is derived.

Each is a pure function of the facts and the tolerance of its rule, giving the evidence of every
breach; a document that is not there yet is M01-M03's concern and nobody else's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal

from gateway.messages.amounts import apart, number
from gateway.messages.facts import Facts, given_rows
from gateway.messages.findings import GIVEN, Evidence, Value
from gateway.model import Content

Check = Callable[[Facts, Decimal], Iterator[Evidence]]
Pair = tuple[str, str]

BUYER_AND_PAYER: tuple[Pair, ...] = (
    ("buyerName", "payerName"),
    ("buyerIdType", "payerIdType"),
    ("buyerIdNumber", "payerIdNumber"),
)
CONSIGNEE = ("consignee", "consigneeTelephone", "consigneeAddress")
NAMED: tuple[tuple[str, str, str], ...] = (
    ("order", "ebpCode", "ebpName"),
    ("order", "ebcCode", "ebcName"),
    ("order", "payCode", "payName"),
    ("payment", "payCode", "payName"),
    ("payment", "ebpCode", "ebpName"),
    ("waybill", "logisticsCode", "logisticsName"),
    (GIVEN, "ebpCode", "ebpName"),
    (GIVEN, "ebcCode", "ebcName"),
    (GIVEN, "logisticsCode", "logisticsName"),
    (GIVEN, "agentCode", "agentName"),
)
"""Which code has which registered name, in which document."""
CODES = ("ebpCode", "ebcCode", "payCode", "logisticsCode")


def order_there(facts: Facts, _tolerance: Decimal) -> Iterator[Evidence]:
    """M01: the order exists."""
    if facts.order is None:
        yield Evidence(fields=("orderNo",), kinds=("order",))


def waybill_there(facts: Facts, _tolerance: Decimal) -> Iterator[Evidence]:
    """M02: the waybill exists."""
    if facts.waybill is None:
        yield Evidence(fields=("logisticsNo",), kinds=("waybill",))


def payment_there(facts: Facts, _tolerance: Decimal) -> Iterator[Evidence]:
    """M03: the payment of the order exists."""
    if facts.payment is None:
        yield Evidence(fields=("payTransactionId",), kinds=("payment",))


def buyer_pays(facts: Facts, _tolerance: Decimal) -> Iterator[Evidence]:
    """M04: name, id type and id number of buyer and payer are the same texts."""
    if facts.order is None or facts.payment is None:
        return
    order, payment = facts.order.head, facts.payment.head
    differing = [pair for pair in BUYER_AND_PAYER if order.get(pair[0]) != payment.get(pair[1])]
    if differing:
        values = [
            value
            for buyer, payer in differing
            for value in (
                Value("order", buyer, order.get(buyer, "")),
                Value("payment", payer, payment.get(payer, "")),
            )
        ]
        yield Evidence(tuple(values))


def paid_in_full(facts: Facts, tolerance: Decimal) -> Iterator[Evidence]:
    """M05: acturalPaid of the order is amountPaid of the payment."""
    if facts.order is None or facts.payment is None:
        return
    ordered, paid = facts.order.head["acturalPaid"], facts.payment.head["amountPaid"]
    if apart(number(ordered), number(paid), tolerance):
        yield Evidence(
            (Value("order", "acturalPaid", ordered), Value("payment", "amountPaid", paid))
        )


def same_rows(facts: Facts, _tolerance: Decimal) -> Iterator[Evidence]:
    """M07: rows given for the inventory are rows of the order.

    Rows without numbers stand for the whole list, so there are as many as the order has; rows
    that carry gnum may be some of them.
    """
    if facts.order is None or not facts.given.items:
        return
    ordered = [str(place) for place in range(1, len(facts.order.items) + 1)]
    listed = given_rows(facts.given)
    numbered = all(row.get("gnum") for row in facts.given.items)
    whole = numbered or len(facts.given.items) == len(ordered)
    unique = len(listed) == len(facts.given.items)
    if not (whole and unique and listed.keys() <= set(ordered)):
        numbers = [row.get("gnum") or str(n) for n, row in enumerate(facts.given.items, start=1)]
        words = {"ordered": str(len(ordered)), "listed": ", ".join(numbers)}
        orders = Value("order", "orderNo", facts.order.head["orderNo"])
        yield Evidence((orders,), fields=("items",), words=words)


def same_buyer(facts: Facts, _tolerance: Decimal) -> Iterator[Evidence]:
    """M10: a buyer given for the inventory is the buyer of the order."""
    given = facts.given.head.get("buyerName")
    if facts.order is None or not given:
        return
    ordered = facts.order.head.get("buyerName", "")
    if given != ordered:
        yield Evidence((Value("order", "buyerName", ordered), Value(GIVEN, "buyerName", given)))


def same_consignee(facts: Facts, _tolerance: Decimal) -> Iterator[Evidence]:
    """M13: the waybill goes to the consignee, telephone and address of the order."""
    if facts.order is None or facts.waybill is None:
        return
    order, waybill = facts.order.head, facts.waybill.head
    values = [
        value
        for name in CONSIGNEE
        if order.get(name, "") != waybill.get(name, "")
        for value in (
            Value("order", name, order.get(name, "")),
            Value("waybill", name, waybill.get(name, "")),
        )
    ]
    if values:
        yield Evidence(tuple(values))


def registered_names(facts: Facts, _tolerance: Decimal) -> Iterator[Evidence]:
    """R-name: a name in a document is the one registered for its code."""
    documents = _documents(facts)
    for kind, code_field, name_field in NAMED:
        head = documents[kind].head if kind in documents else {}
        name = head.get(name_field)
        registered = registered_name(facts, head.get(code_field, ""))
        if name and registered and name != registered:
            yield Evidence((Value(kind, name_field, name),), words={"registered": registered})


def one_code_form(facts: Facts, _tolerance: Decimal) -> Iterator[Evidence]:
    """R-code-forms: one consignment names an enterprise by one of its two codes."""
    documents = _documents(facts)
    by_enterprise: dict[str, list[Value]] = {}
    for kind, document in documents.items():
        for name in CODES:
            code = document.head.get(name)
            if code:
                value = Value(kind, name, code)
                by_enterprise.setdefault(facts.identity(code), []).append(value)
    for values in by_enterprise.values():
        if len({value.text for value in values}) > 1:
            yield Evidence(tuple(values))


def registered_name(facts: Facts, code: str) -> str | None:
    """The registered name of an enterprise, by whichever of its codes it is registered here."""
    return facts.names.get(code) or facts.names.get(facts.identity(code))


def _documents(facts: Facts) -> dict[str, Content]:
    documents = {
        "order": facts.order,
        "payment": facts.payment,
        "waybill": facts.waybill,
        GIVEN: facts.given,
    }
    return {kind: document for kind, document in documents.items() if document is not None}


CONSIGNMENT: tuple[tuple[str, Check], ...] = (
    ("M01", order_there),
    ("M02", waybill_there),
    ("M03", payment_there),
    ("M04", buyer_pays),
    ("M05", paid_in_full),
    ("M07", same_rows),
    ("M10", same_buyer),
    ("M13", same_consignee),
    ("R-name", registered_names),
    ("R-code-forms", one_code_form),
)
"""The rules of a consignment in the order in which their findings are listed."""
