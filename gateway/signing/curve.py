"""Points of the SM2 curve, for verification alone: nothing here ever sees a private key.

A second computation beside the library that signs, so that a fault of that library cannot go out
unseen. Points are (X, Y, Z) in Jacobian coordinates, Z = 0 at infinity, or affine (x, y).
Source: GM/T 0003.5-2012 (recommended curve), OID 1.2.156.10197.1.301.
"""

from __future__ import annotations

from functools import lru_cache

P = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF00000000FFFFFFFFFFFFFFFF
A = P - 3
B = 0x28E9FA9E9D9F5E344D5A9E4BCF6509A7F39789F515AB8F92DDBCBD414D940E93
ORDER = 0xFFFFFFFEFFFFFFFFFFFFFFFFFFFFFFFF7203DF6B21C6052B53BBF40939D54123
GENERATOR = (
    0x32C4AE2C1F1981195F9904466A39C9948FE30BBFF2660BE1715A4589334C74C7,
    0xBC3736A2F4F6779C59BDCEE36B692153D0A9877CC62A474002DF32E52139F0A0,
)
GENERATOR_WINDOW = 8
KEY_WINDOW = 5
"""Bits per step: a wider table costs more to make, and the generator's is made once."""

Affine = tuple[int, int]
Jacobian = tuple[int, int, int]
INFINITY: Jacobian = (1, 1, 0)


def on_curve(point: Affine) -> bool:
    """Whether the point satisfies y² = x³ + ax + b within the field."""
    x, y = point
    return x < P and y < P and (y * y - (x * x * x + A * x + B)) % P == 0


def combination(s: int, t: int, point: Affine) -> Affine | None:
    """s·G + t·point; None for the point at infinity."""
    return _affine(_sum(s, t, point))


def _sum(s: int, t: int, point: Affine) -> Jacobian:
    """Both products in one pass over the bits (Shamir), each in its own signed window form."""
    first, second = _digits(s, GENERATOR_WINDOW), _digits(t, KEY_WINDOW)
    length = max(len(first), len(second))
    first += [0] * (length - len(first))
    second += [0] * (length - len(second))
    generator, key = _table(GENERATOR, GENERATOR_WINDOW), _table(point, KEY_WINDOW)
    total = INFINITY
    for one, other in zip(reversed(first), reversed(second), strict=True):
        total = _double(total)
        if one:
            total = _add(total, _entry(generator, one))
        if other:
            total = _add(total, _entry(key, other))
    return total


def _entry(table: tuple[Affine, ...], digit: int) -> Affine:
    x, y = table[abs(digit) >> 1]
    return (x, y) if digit > 0 else (x, P - y)


def _digits(scalar: int, window: int) -> list[int]:
    """Windowed non-adjacent form, lowest digit first; digits are odd or 0."""
    digits = []
    while scalar:
        digit = 0
        if scalar & 1:
            digit = scalar & ((1 << window) - 1)
            if digit >> (window - 1):
                digit -= 1 << window
            scalar -= digit
        digits.append(digit)
        scalar >>= 1
    return digits


@lru_cache(maxsize=256)
def _table(point: Affine, window: int) -> tuple[Affine, ...]:
    """1, 3, 5 … times the point."""
    twice = _affine(_double((*point, 1)))
    if twice is None:  # no point of an odd-order curve doubles to infinity
        raise ValueError("not a point of the curve")
    row: list[Jacobian] = [(*point, 1)]
    for _ in range((1 << (window - 2)) - 1):
        row.append(_add(row[-1], twice))
    found = [_affine(one) for one in row]
    return tuple(one for one in found if one is not None)


def _double(point: Jacobian) -> Jacobian:
    x, y, z = point
    delta, gamma = z * z % P, y * y % P
    beta = x * gamma % P
    alpha = 3 * (x - delta) * (x + delta) % P
    x3 = (alpha * alpha - 8 * beta) % P
    return x3, (alpha * (4 * beta - x3) - 8 * gamma * gamma) % P, 2 * y * z % P


def _add(point: Jacobian, other: Affine) -> Jacobian:
    x1, y1, z1 = point
    if z1 == 0:
        return (*other, 1)
    zz = z1 * z1 % P
    h = (other[0] * zz - x1) % P
    r = (other[1] * z1 * zz - y1) % P
    if h == 0:
        return _double(point) if r == 0 else INFINITY
    hh = h * h % P
    hhh, v = h * hh % P, x1 * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - y1 * hhh) % P, z1 * h % P


def _affine(point: Jacobian) -> Affine | None:
    x, y, z = point
    if z == 0:
        return None
    inverse = pow(z, -1, P)
    square = inverse * inverse % P
    return x * square % P, y * square * inverse % P
