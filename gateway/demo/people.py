"""Buyers who do not exist: their names, telephones, identity numbers and addresses are invented.

No district of the country has a code that begins with 99, no mobile number begins with 100, and
the province is called 虚构省 (invented). The check digit of the identity number is right.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

AREA = "99"
TELEPHONE = "100"
BORN_FIRST = date(1955, 1, 1)
BORN_DAYS = 18_000
SURNAMES = ("欧阳", "上官", "司徒", "诸葛", "慕容", "令狐", "宇文", "东方", "南宫", "独孤")
GIVEN = "桂棠杉榆槐枫楠柏梧桐荷菱芷蘅蕙兰茗葵芙蓉砚笙箫笛琴瑟筝岚峦川"
ROADS = ("镜花", "水月", "蜃楼", "南柯", "黄粱", "桃源", "乌有", "子虚")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
"""By the weighted sum modulo 11 (GB 11643, ISO 7064 MOD 11-2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """An invented person: buyer, payer and consignee in one."""

    registration: str
    name: str
    id_number: str
    telephone: str
    address: str

    @property
    def personal(self) -> tuple[str, ...]:
        """Every text of this person that must stand nowhere in clear."""
        return (self.registration, self.name, self.id_number, self.telephone, self.address)


def make_buyer(chance: random.Random) -> Buyer:
    """The next buyer of this chance."""
    telephone = f"{TELEPHONE}{chance.randrange(10**8):08d}"
    road, house, room = chance.choice(ROADS), chance.randint(1, 9_999), chance.randint(1, 99)
    return Buyer(
        registration=f"user_{chance.getrandbits(64):016x}",
        name=chance.choice(SURNAMES) + "".join(chance.sample(GIVEN, 2)),
        id_number=id_number(
            f"{AREA}{chance.randrange(10**4):04d}",
            BORN_FIRST + timedelta(days=chance.randrange(BORN_DAYS)),
            chance.randint(1, 999),
        ),
        telephone=telephone,
        address=f"虚构省空中市楼阁区{road}路{house}号{room}室",
    )


def id_number(area: str, born: date, sequence: int) -> str:
    """A resident identity number of 18 characters with its check digit (GB 11643)."""
    body = f"{area}{born:%Y%m%d}{sequence:03d}"
    total = sum(int(digit) * weight for digit, weight in zip(body, WEIGHTS, strict=True))
    return body + CHECK_DIGITS[total % 11]
