"""Promises of the derivation over invented consignments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Any

from hypothesis import assume, event, given
from hypothesis import strategies as st

from gateway.messages.derivation import Facts, derive_inventory
from gateway.messages.derivation_table import Line, Source, lines_of
from gateway.messages.facts import given_content
from gateway.model import Content
from tests.rules.sample import GOODS, ORDER_ROWS, RULES, facts, order, waybill

LINES = lines_of("CEB621", "direct-import")
STEP = Fraction(1, 100_000)

amounts = st.from_regex(r"[0-9]{1,6}(\.[0-9]{1,5})?", fullmatch=True)
positive = amounts.filter(lambda text: Fraction(text) > 0)
texts = st.text(st.characters(categories=["L", "N"], codec="utf-8"), min_size=1, max_size=12)
units = st.sampled_from(["007", "011", "035", "122"])


@st.composite
def order_rows(draw: st.DrawFn) -> tuple[tuple[dict[str, str], ...], dict[str, dict[str, str]]]:
    """Rows of an order, and goods records that agree with them."""
    rows, register = [], {}
    for place in range(draw(st.integers(1, 4))):
        shared = {"gmodel": draw(texts), "unit": draw(units), "country": "601"}
        name, number = draw(texts), f"SKU-{place}"
        rows.append(
            {"gnum": str(place + 1), "itemNo": number, "itemName": name, "qty": draw(positive)}
            | {"price": draw(amounts), "totalPrice": draw(amounts), "currency": "142"}
            | shared
        )
        second = {"unit2": draw(units), "factor2": draw(positive)} if draw(st.booleans()) else {}
        register[number] = (
            {"gname": name, "gcode": "1901101000", "unit1": draw(units), "factor1": draw(positive)}
            | {"netWeight": draw(positive)}
            | shared
            | second
        )
    return tuple(rows), register


@st.composite
def consignments(draw: st.DrawFn) -> Facts:
    """A consignment in which everything agrees, whatever its numbers are."""
    rows, register = draw(order_rows())
    return facts(
        order=order(rows, freight="20"),
        goods=register,
        waybill=waybill(weight="99999999999999", freight="20.0", insuredFee=draw(amounts)),
    )


@given(consignments())
def test_quantities_are_the_exact_arithmetic_rounded_once(case: Facts) -> None:
    """Net weight and statutory quantities are at most half of the fifth digit off."""
    derived = derive_inventory(case, RULES)
    if derived.content is None:  # a product that rounds to nothing is refused, not declared
        assert {one.code for one in derived.findings} <= {"M14", "M16"}
        event("rounds to nothing")
        return
    assert case.order is not None
    net = Fraction(0)
    for row, made in zip(case.order.items, derived.content.items, strict=True):
        record, qty = case.goods[row["itemNo"]], Fraction(row["qty"])
        weight = Fraction(record["netWeight"])
        net += qty * weight
        for name, unit, factor in (("qty1", "unit1", "factor1"), ("qty2", "unit2", "factor2")):
            if unit not in record:
                assert name not in made
                continue
            if record[unit] == row["unit"]:
                assert made[name] == row["qty"]
                continue
            per_unit = weight if record[unit] == "035" else Fraction(record[factor])
            assert abs(Fraction(made[name]) - qty * per_unit) <= STEP / 2
    assert abs(Fraction(derived.content.head["netWeight"]) - net) <= STEP / 2


@given(consignments())
def test_a_declared_text_is_the_text_of_its_owner(case: Facts) -> None:
    """What is copied is copied to the letter: never clipped, cut, rounded or reformatted."""
    derived = derive_inventory(case, RULES)
    assume(derived.content is not None)
    assert derived.content is not None
    assert case.order is not None
    for line in LINES.head:
        expected = _first(case, line, None)
        if expected is not None:
            assert derived.content.head[line.field] == expected
    for row, made in zip(case.order.items, derived.content.items, strict=True):
        for line in LINES.items:
            expected = _first(case, line, row)
            if expected is not None:
                assert made[line.field] == expected


COMPARED = [
    (line, source, is_row)
    for lines, is_row in ((LINES.head, False), (LINES.items, True))
    for line in lines
    if not line.left_to
    for source in (*line.givers[1:], *line.equal)
    if source.kind not in ("names", "computed", "mode")
]


@given(st.sampled_from(COMPARED), st.data())
def test_any_source_that_differs_from_the_owner_holds_the_inventory(
    compared: tuple[Line, Source, bool], data: st.DataObject
) -> None:
    """Whichever second source says something else, nothing is declared and the field is named."""
    line, source, is_row = compared
    number = line.compare == "decimal"
    other = data.draw(positive if number else texts)
    row = ORDER_ROWS[0] if is_row else None
    owned = _first(facts(), line, row)
    assume(owned is not None and other != owned)
    assert owned is not None
    assume(not number or Fraction(other) != Fraction(owned))
    assert line.owner is not None
    agreed = _with(facts(), line.owner, owned)
    assert derive_inventory(agreed, RULES).content is not None
    derived = derive_inventory(_with(agreed, source, other), RULES)
    assert derived.content is None
    field = f"items[0].{line.field}" if is_row else line.field
    assert (line.unequal, (field,)) in [(one.rule, one.fields) for one in derived.findings]


GIVABLE = [
    line.field
    for line in LINES.head
    if line.owner is not None and not line.made and line.owner.kind != "names"
]


@given(st.data(), st.sampled_from(GIVABLE))
def test_a_given_value_is_declared_or_held_and_never_changed(
    data: st.DataObject, field: str
) -> None:
    """The declarant's own value goes out to the letter, or the inventory stays."""
    declared = derive_inventory(facts(), RULES).content
    assert declared is not None
    agreed = declared.head.get(field, "0")
    numbers = {line.field for line in LINES.head if line.compare == "decimal"}
    other = st.sampled_from(["0" + agreed, "7"]) if field in numbers else texts
    value = data.draw(st.just(agreed) | other)
    derived = derive_inventory(facts(given=given_content({field: value})), RULES)
    if derived.content is not None:
        assert derived.content.head[field] == value
        event("declared")
    else:
        assert value != agreed
        assert any(field in one.fields for one in derived.findings)


@given(st.sets(st.sampled_from(["order", "payment", "waybill", "shipment", "goods", "profile"])))
def test_nothing_is_declared_from_half_the_facts(absent: set[str]) -> None:
    """Whatever is missing, there is a finding and no exception; with nothing missing a content."""
    nothing: dict[str, Any] = dict.fromkeys(absent & {"order", "payment", "waybill", "shipment"})
    nothing |= {name: {} for name in absent & {"goods", "profile"}}
    derived = derive_inventory(facts(**nothing), RULES)
    assert (derived.content is None) is bool(absent)
    assert any(one.holds for one in derived.findings) is bool(absent)


def _first(case: Facts, line: Line, row: Mapping[str, str] | None) -> str | None:
    """The text of the first source that has one; None where another module computes it."""
    for source in line.givers:
        if source.kind in ("names", "computed", "mode"):
            return None
        text = _record(case, source.kind, row).get(source.field)
        if text:
            return str(text)
    return None


def _record(case: Facts, kind: str, row: Mapping[str, str] | None) -> Mapping[str, Any]:
    if kind == "row":
        return row or {}
    if kind == "goods":
        return case.goods.get((row or {}).get("itemNo", ""), {})
    record = getattr(case, kind)
    return record.head if isinstance(record, Content) else record or {}


def _with(case: Facts, source: Source, text: str) -> Facts:
    """The consignment with one value of one source changed."""
    if source.kind == "goods":
        changed = {**GOODS["SKU-1"], source.field: text}
        return replace(case, goods={**GOODS, "SKU-1": changed})
    if source.kind == "row":
        assert case.order is not None
        rows = ({**case.order.items[0], source.field: text}, *case.order.items[1:])
        return replace(case, order=Content(case.order.head, rows))
    record = getattr(case, source.kind)
    values = {**_record(case, source.kind, None), source.field: text}
    whole = replace(record, head=values) if isinstance(record, Content) else values
    changes: dict[str, Any] = {source.kind: whole}
    return replace(case, **changes)
