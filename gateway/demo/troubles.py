"""The troubles of the demo as data, and how many consignments have which."""

from __future__ import annotations

import random
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from gateway.errors import Misconfigured

FILE = Path(__file__).with_name("troubles.toml")
TROUBLED_SHARE_MAX = 0.3
"""At least 70% of the consignments have no trouble."""
EVERY_TROUBLE_FROM = 300
"""From so many consignments on every trouble occurs at least TIMES_MIN times."""
TIMES_MIN = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
    """One kind of trouble. `share` is the part of all consignments that have it."""

    name: str
    zh: str = ""
    en: str = ""
    share: float = 0.0
    suffix: str = ""
    """Ends the order number; the simulator does what its scenario of that name says."""
    payment: str = "full"
    """full, short (less than the order says) or none (it is never handed in)."""
    office: str = "any"
    """Where it is declared: strict (rule M05 on), lenient (M05 off) or any."""
    corrects: bool = False
    """The seller corrects the order when customs returns it."""
    ends: str = "closed"
    """The final state of the consignment."""
    discrepancies: tuple[str, ...] = ()
    """The codes of the discrepancies that are open then."""

    @property
    def declared(self) -> bool:
        """Whether its inventory is derived and sent at all."""
        return self.ends == "closed" or self.office == "lenient"


NONE = Trouble(name="")
"""No trouble: order, payment and waybill agree and customs takes everything."""


def load_troubles(path: Path = FILE) -> tuple[Trouble, ...]:
    """The troubles in the order of the file. Raises Misconfigured for unknown keys."""
    tables: Mapping[str, dict[str, Any]] = tomllib.loads(path.read_text("utf-8"))
    known = {one.name for one in fields(Trouble)} - {"name"}
    for name, table in tables.items():
        unknown = sorted(table.keys() - known)
        if unknown:
            raise Misconfigured("D-troubles", f"{name} 有未知键", f"{name} has the keys {unknown}")
    return tuple(
        Trouble(name=name, **(table | {"discrepancies": tuple(table.get("discrepancies", ()))}))
        for name, table in tables.items()
    )


def counts(consignments: int, troubles: Sequence[Trouble]) -> dict[str, int]:
    """How many of so many consignments have which trouble; troubles that do not fit are left out.

    From EVERY_TROUBLE_FROM on each occurs at least twice, below once as far as there is room.
    """
    room = int(consignments * TROUBLED_SHARE_MAX)
    least = TIMES_MIN if consignments >= EVERY_TROUBLE_FROM else 1
    wanted = {one.name: max(least, int(consignments * one.share)) for one in troubles}
    # First each trouble its least number, in the order of the file; then more of them.
    given = {}
    for name in wanted:
        given[name] = min(least, room)
        room -= given[name]
    for name, number in wanted.items():
        more = min(max(number - given[name], 0), room)
        given[name] += more
        room -= more
    return {name: number for name, number in given.items() if number}


def assign(consignments: int, troubles: Sequence[Trouble], chance: random.Random) -> list[Trouble]:
    """The trouble of each consignment, in random order."""
    by_name = {one.name: one for one in troubles}
    drawn = [
        by_name[name]
        for name, number in counts(consignments, troubles).items()
        for _ in range(number)
    ]
    drawn += [NONE] * (consignments - len(drawn))
    chance.shuffle(drawn)
    return drawn
