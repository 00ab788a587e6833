"""Arithmetic on the texts of a document."""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.messages.amounts import TooLarge, apart, number, plain, times, total

TEXTS = st.from_regex(r"[0-9]{1,14}(\.[0-9]{1,5})?", fullmatch=True)
PLAIN = re.compile(r"(0|[1-9][0-9]{0,13})(\.[0-9]{0,4}[1-9])?")


@given(TEXTS, TEXTS)
def test_products_are_exact(left: str, right: str) -> None:
    """No digit of a product of two N19,5 values is lost."""
    assert Fraction(times(number(left), number(right))) == Fraction(left) * Fraction(right)


@given(st.lists(TEXTS, max_size=50))
def test_sums_are_exact(texts: list[str]) -> None:
    """No digit of a sum is lost."""
    assert Fraction(total(map(number, texts))) == sum(map(Fraction, texts), Fraction(0))


@given(TEXTS)
def test_a_text_keeps_its_value_in_plain_notation(text: str) -> None:
    """`plain` writes the same value: no exponent, no idle zeros, within N19,5."""
    written = plain(number(text))
    assert Fraction(written) == Fraction(text)
    assert PLAIN.fullmatch(written)


@given(TEXTS, TEXTS)
def test_a_computed_value_is_at_most_half_a_step_off(left: str, right: str) -> None:
    """Rounding moves a product by at most half of the fifth digit, or the value is refused."""
    exact = times(number(left), number(right))
    try:
        written = plain(exact)
    except TooLarge:
        assert exact > Decimal("99999999999999.99999")
        return
    assert abs(Fraction(written) - Fraction(exact)) <= Fraction(1, 200_000)
    assert PLAIN.fullmatch(written)


@pytest.mark.parametrize(
    ("exact", "written"),
    [
        ("0.000005", "0.00001"),  # half goes up
        ("0.0000049", "0"),
        ("1.000000", "1"),
        ("1E+3", "1000"),
        ("1E-5", "0.00001"),
        ("100", "100"),  # zeros before the point stay
        ("0", "0"),
    ],
)
def test_rounding_is_half_up_to_five_digits(exact: str, written: str) -> None:
    """The documented rounding, and no exponent in or out."""
    assert plain(Decimal(exact)) == written


def test_more_than_fourteen_digits_are_refused() -> None:
    """A value that N19,5 cannot hold is never cut, not even when rounding makes it so."""
    assert plain(Decimal("99999999999999.99999")) == "99999999999999.99999"
    with pytest.raises(TooLarge):
        plain(Decimal("99999999999999.999995"))


def test_a_tolerance_is_inclusive() -> None:
    """Values differ when they are further apart than the tolerance."""
    assert not apart(Decimal("1.01"), Decimal(1), Decimal("0.01"))
    assert apart(Decimal("1.01001"), Decimal(1), Decimal("0.01"))
