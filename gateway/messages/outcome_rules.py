"""Rules about a derived inventory itself, as far as it could be derived."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gateway.messages.amounts import ZERO, number
from gateway.messages.facts import Facts
from gateway.messages.findings import Evidence, Value
from gateway.model import Content

Check = Callable[[Content, Facts], Iterator[Evidence]]

GUARANTORS = ("ebpCode", "ebcCode", "logisticsCode", "agentCode")
"""The field table names platform, e-commerce and logistics enterprise, the schema declaring,
e-commerce and logistics enterprise: each of the four is accepted."""


def weights(inventory: Content, _facts: Facts) -> Iterator[Evidence]:
    """M14: gross weight >= net weight > 0."""
    gross, net = inventory.head.get("grossWeight"), inventory.head.get("netWeight")
    if gross and net and not number(gross) >= number(net) > ZERO:
        yield Evidence(
            (Value("waybill", "grossWeight", gross), Value("goods", "netWeight", net)),
        )


def statutory_quantities(inventory: Content, _facts: Facts) -> Iterator[Evidence]:
    """M16: statutory quantities are above zero."""
    for place, row in enumerate(inventory.items):
        for name in ("qty1", "qty2"):
            text = row.get(name)
            if text and number(text) <= ZERO:
                path = f"items[{place}].{name}"
                yield Evidence((Value("goods", path, text),), words={"found": text})


def second_quantity(inventory: Content, _facts: Facts) -> Iterator[Evidence]:
    """R-missing: qty2 and unit2 are given together or not at all."""
    gaps = [
        f"items[{place}].{missing}"
        for place, row in enumerate(inventory.items)
        for there, missing in (("qty2", "unit2"), ("unit2", "qty2"))
        if row.get(there) and not row.get(missing)
    ]
    if gaps:
        yield Evidence(fields=tuple(gaps), kinds=("goods",))


def guarantor(inventory: Content, facts: Facts) -> Iterator[Evidence]:
    """R-assure: the guarantor is one of the four enterprises."""
    code = inventory.head.get("assureCode")
    parties = {
        facts.identity(inventory.head[name]) for name in GUARANTORS if name in inventory.head
    }
    if code and facts.identity(code) not in parties:
        yield Evidence((Value("profile", "assureCode", code),))


DERIVED: tuple[tuple[str, Check], ...] = (
    ("M14", weights),
    ("M16", statutory_quantities),
    ("R-missing", second_quantity),
    ("R-assure", guarantor),
)
"""The rules of a derived inventory in the order in which their findings are listed."""
