"""The values of an inventory that stand in no document: dates, net weight, statutory quantities."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from gateway.messages.amounts import TooLarge, number, plain, times, total
from gateway.messages.facts import NOTHING, Facts
from gateway.messages.findings import Evidence, Value
from gateway.telemetry import SHANGHAI

KILOGRAM = "035"
STATUTORY = (("qty1", "unit1", "factor1"), ("qty2", "unit2", "factor2"))


@dataclass(slots=True)
class Computed:
    """Computed values of the head and of each row, and the evidence against them."""

    head: dict[str, str] = field(default_factory=dict)
    rows: list[dict[str, str]] = field(default_factory=list)
    evidence: list[tuple[str, Evidence]] = field(default_factory=list)


def compute(facts: Facts, *, kilogram_from_net_weight: bool) -> Computed:
    """Everything that the order's rows, their goods records and the date give."""
    computed = Computed()
    computed.head["declTime"] = facts.declared_at.astimezone(SHANGHAI).strftime("%Y%m%d")
    rows = (facts.order or NOTHING).items
    for place, row in enumerate(rows):
        goods, values = goods_of(facts, row), dict[str, str]()
        computed.rows.append(values)
        if goods is not None:
            for qty, unit, factor in STATUTORY:
                exact = _statutory(row, goods, unit, factor, kilogram_from_net_weight)
                _keep(computed, values, f"items[{place}].", qty, exact)
    _keep(computed, computed.head, "", "netWeight", _net_weight(facts, rows))
    _license(facts, rows, computed)
    return computed


def goods_of(facts: Facts, row: Mapping[str, str]) -> Mapping[str, Any] | None:
    """The goods record of an order row; None when there is none."""
    return facts.goods.get(row.get("itemNo", ""))


def _statutory(
    row: Mapping[str, str],
    goods: Mapping[str, Any],
    unit: str,
    factor: str,
    kilogram_from_net_weight: bool,  # noqa: FBT001 - passed through from a named argument
) -> Decimal | str | None:
    """A statutory quantity: the text of qty where the units are one, else an exact product.

    In kilograms it is the net weight of the row; None where the goods record does not say.
    """
    statutory = goods.get(unit)
    if not statutory:
        return None
    if statutory == row.get("unit"):
        return row["qty"]
    by_weight = statutory == KILOGRAM and kilogram_from_net_weight
    per_unit = goods.get("netWeight" if by_weight else factor)
    return times(number(row["qty"]), number(str(per_unit))) if per_unit else None


def _net_weight(facts: Facts, rows: tuple[Mapping[str, str], ...]) -> Decimal | None:
    """The sum of net weight per unit x quantity; None while one row's is unknown."""
    weights = []
    for row in rows:
        per_unit = (goods_of(facts, row) or {}).get("netWeight")
        if not per_unit:
            return None
        weights.append(times(number(str(per_unit)), number(row["qty"])))
    return total(weights)


def _keep(
    computed: Computed, values: dict[str, str], prefix: str, name: str, exact: Decimal | str | None
) -> None:
    """Write a computed number down; one that N19,5 cannot hold is evidence, never cut."""
    if exact is None:
        return
    if isinstance(exact, str):
        values[name] = exact
        return
    try:
        values[name] = plain(exact)
    except TooLarge as error:
        path = prefix + name
        evidence = Evidence((Value("goods", path, str(error)),), words={"found": str(error)})
        computed.evidence.append(("R-fit", evidence))


def _license(facts: Facts, rows: tuple[Mapping[str, str], ...], computed: Computed) -> None:
    """The one licence of all rows; the head has room for one, so two are a contradiction."""
    found: dict[str, Value] = {}
    for place, row in enumerate(rows):
        text = (goods_of(facts, row) or {}).get("licenseNo")
        if text:
            found.setdefault(text, Value("goods", f"items[{place}].licenseNo", text))
    if len(found) > 1:
        computed.evidence.append(("R-unequal", Evidence(tuple(found.values()), ("licenseNo",))))
    elif found:
        computed.head["licenseNo"] = next(iter(found))
