"""Goods of the demo's merchants: invented brands under real kinds of HS code, unit and origin."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from gateway.demo.parties import Party

FILE = Path(__file__).with_name("goods.toml")
KILOGRAM = "035"


@dataclass(frozen=True, slots=True, kw_only=True)
class Goods:
    """One kind of goods; the keys are explained in goods.toml. A gift has price 0."""

    number: str
    name: str
    model: str
    bar_code: str
    hs_code: str
    unit: str
    statutory_unit: str
    country: str
    net_weight: Decimal
    price: Decimal
    second: tuple[str, str] | None = None

    def item_no(self, merchant: Party) -> str:
        """The number under which this merchant sells it."""
        return f"{merchant.code[-4:]}-{self.number}"

    def record(self, merchant: Party) -> dict[str, str]:
        """The record in the goods register of this merchant."""
        by_weight = self.statutory_unit == KILOGRAM
        record = {
            "ebcCode": merchant.code,
            "itemNo": self.item_no(merchant),
            "direction": "I",
            "gname": self.name,
            "gmodel": self.model,
            "barCode": self.bar_code,
            "gcode": self.hs_code,
            "unit": self.unit,
            "unit1": self.statutory_unit,
            "factor1": f"{self.net_weight}" if by_weight else "1",
            "country": self.country,
            "netWeight": f"{self.net_weight}",
        }
        if self.second is not None:
            record["unit2"], record["factor2"] = self.second
        return record


def _load(path: Path) -> tuple[Goods, ...]:
    tables = tomllib.loads(path.read_text("utf-8"))["goods"]
    exact = ("net_weight", "price")
    return tuple(
        Goods(**(table | {name: Decimal(table[name]) for name in exact})) for table in tables
    )


EVERYTHING = _load(FILE)
"""The goods register of every merchant of the demo."""
GOODS = tuple(one for one in EVERYTHING if one.price)
GIFTS = tuple(one for one in EVERYTHING if not one.price)
