"""The rules that one document breaks by itself."""

from __future__ import annotations

import pytest

from gateway.model import Content
from tests.rules.sample import RULES, order, order_row, rules, waybill


def test_a_good_document_has_no_problem() -> None:
    """The sample passes, the gift of price 0 in it too."""
    assert RULES.at_the_door("order", order()) == []
    assert RULES.at_the_door("waybill", waybill()) == []


@pytest.mark.parametrize(
    ("document", "code", "path", "value", "told"),
    [
        (order(acturalPaid="310.01"), "M06", "$.acturalPaid", "310.01", "310.00"),
        (order(discount="12"), "M06", "$.acturalPaid", "310.00", "309.00"),
        # The discount alone is larger than the rest.
        (order(discount="999"), "M06", "$.acturalPaid", "310.00", "-678.00"),
        (order_row(0, totalPrice="301.02"), "M15", "$.items[0].totalPrice", "301.02", "301.0"),
        (order_row(1, price="9"), "M15", "$.items[1].totalPrice", "0", "9"),
        (order_row(0, qty="0", totalPrice="0"), "M15", "$.items[0].qty", "0", "> 0"),
        (order_row(0, price="0", totalPrice="0"), "M15", "$.items", "0", "> 0"),
        (order_row(1, itemNo=""), "R-item-no", "$.items[1].itemNo", None, "20"),
        (order_row(1, itemNo="S" * 21), "R-item-no", "$.items[1].itemNo", "S" * 21, "20"),
    ],
)
def test_an_order_is_refused_where_it_is_wrong(
    document: Content, code: str, path: str, value: str | None, told: str
) -> None:
    """Code, path and value name the fault, and both sentences the expectation."""
    problems = RULES.at_the_door("order", document)
    assert {one.code for one in problems} == {code}
    (problem,) = [one for one in problems if one.path == path]
    assert (problem.value, problem.severity) == (value, "error")
    assert told in problem.zh
    assert told in problem.en
    assert problem.field == path.rpartition(".")[2] or path == "$.items"


@pytest.mark.parametrize("pack", ["0", "2", "10"])
def test_a_waybill_is_one_parcel(pack: str) -> None:
    """Any other packNo is refused at the door."""
    (problem,) = RULES.at_the_door("waybill", waybill(packNo=pack))
    assert (problem.code, problem.path, problem.value) == ("R-pack-no", "$.packNo", pack)


def test_packs_are_counted_and_not_spelled() -> None:
    """01 is one parcel: the field is a number."""
    assert RULES.at_the_door("waybill", waybill(packNo="01")) == []


def test_rows_may_be_a_cent_apart() -> None:
    """The tolerance of M15 is 0.01 and inclusive, both ways."""
    for total in ("301.01", "300.99"):
        assert RULES.at_the_door("order", order_row(0, totalPrice=total)) == []


def test_the_order_arithmetic_has_no_tolerance_unless_data_gives_one() -> None:
    """M06 is exact by default; an override gives it a tolerance."""
    off_by_a_cent = order(acturalPaid="310.01")
    assert RULES.at_the_door("order", off_by_a_cent)
    assert rules({"rule": "M06", "tolerance": "0.01"}).at_the_door("order", off_by_a_cent) == []


def test_the_sum_of_the_rows_is_asked_only_where_data_says_so() -> None:
    """That goodsValue is the sum of totalPrice is inferred for import, so off by default."""
    other = order(goodsValue="300", acturalPaid="309")
    assert RULES.at_the_door("order", other) == []
    (problem,) = rules({"rule": "R-goods-value", "enabled": True}).at_the_door("order", other)
    assert (problem.code, problem.path) == ("R-goods-value", "$.goodsValue")
    assert "301" in problem.en


def test_numbers_of_full_length_are_added_exactly() -> None:
    """Nineteen digits lose none, where binary or short decimal arithmetic would."""
    large = "99999999999999.99999"
    rows = ({"itemNo": "S", "qty": "1", "price": large, "totalPrice": large},)
    document = order(rows, goodsValue=large, freight="0", discount="0", acturalPaid=large)
    assert RULES.at_the_door("order", document) == []
    wrong = order(rows, goodsValue=large, discount="0", freight="0.00001", acturalPaid=large)
    (problem,) = RULES.at_the_door("order", wrong)
    assert "100000000000000.00000" in problem.en


def test_an_order_of_a_mode_runs_the_rules_of_that_mode() -> None:
    """An override for the mode changes its orders; documents without a mode keep the default."""
    lenient = rules({"rule": "M06", "mode": "direct-import", "enabled": False})
    wrong = order(acturalPaid="1")
    assert lenient.at_the_door("order", wrong) == []
    assert lenient.at_the_door("order", wrong, {"mode": "direct-import"}) == []
    assert lenient.at_the_door("order", wrong, {"mode": "bonded-import"}) != []


def test_a_payment_has_no_rule_of_its_own() -> None:
    """Kinds without door rules pass."""
    assert RULES.at_the_door("payment", Content({})) == []
