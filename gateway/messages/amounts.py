"""Exact decimal arithmetic on the texts of a document, and back to plain notation.

Amounts, quantities and weights are N19,5 in the CEB field tables: at most 14 digits before the
point and 5 after it, no sign, no exponent. Sums, differences and products are exact; only where
the result of an arithmetic (never a value somebody handed in) needs more than 5 digits after
the point is it rounded, half up, to 5. Nothing is cut to fit 14 digits: `plain` refuses instead.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, InvalidOperation

FRACTION_DIGITS = 5
INTEGER_DIGITS = 14

ZERO = Decimal(0)
_STEP = Decimal(1).scaleb(-FRACTION_DIGITS)
_LIMIT = Decimal(10) ** INTEGER_DIGITS

# Enough for the product of two N19,5 values summed over every row a message can hold; the trap
# makes a result that would not be exact an error instead of a wrong digit.
_EXACT = Context(prec=80, traps=[Inexact, InvalidOperation])
_ROUNDING = Context(prec=80, rounding=ROUND_HALF_UP, traps=[InvalidOperation])


class TooLarge(ValueError):
    """The result has more than 14 digits before the point: N19,5 cannot hold it."""


def number(text: str) -> Decimal:
    """The value of a text in plain notation, as the decoder has checked it."""
    return Decimal(text)


def times(left: Decimal, right: Decimal) -> Decimal:
    """The exact product."""
    return _EXACT.multiply(left, right)


def total(values: Iterable[Decimal]) -> Decimal:
    """The exact sum; 0 of nothing."""
    result = ZERO
    for value in values:
        result = _EXACT.add(result, value)
    return result


def apart(left: Decimal, right: Decimal, tolerance: Decimal = ZERO) -> bool:
    """Whether two values differ by more than the tolerance."""
    return _EXACT.subtract(left, right).copy_abs() > tolerance


def plain(value: Decimal) -> str:
    """The text of a computed value: rounded half up to 5 digits, no exponent, no idle zeros.

    Raises TooLarge.
    """
    rounded = _ROUNDING.quantize(value, _STEP)
    if rounded.copy_abs() >= _LIMIT:
        raise TooLarge(f"{rounded:f}")
    text = f"{rounded:f}".rstrip("0").rstrip(".")
    return "0" if text in ("", "-0") else text
