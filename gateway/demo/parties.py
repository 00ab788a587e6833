"""The enterprises of the demo, all invented: no customs district begins with 99.

Two platforms with two merchants each, two merchants with a shop of their own, and two each of
payment firms, logistics firms, declarants and sites. Everything exists twice, so that one half
can sign with RSA and the other with SM2.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

SETS: Mapping[str, tuple[str, str]] = {
    "rsa-sha1": ("rsa-sha1", "rsa-sha1"),
    "sm2-sm3": ("sm2-sm3", "sm2-sm3"),
    "both": ("rsa-sha1", "sm2-sm3"),
}
"""What --signature means for the first and the second of each pair of enterprises."""

STRICT_OFFICE = "9910"
LENIENT_OFFICE = "9920"
OFFICES = (STRICT_OFFICE, LENIENT_OFFICE)
"""Customs offices of declaration. At the lenient one our rule M05 is off (amounts may differ), so
that customs finds the difference itself."""

MESSAGE_TYPES: Mapping[str, str] = {
    "platform": "CEB311",
    "merchant": "CEB311",
    "payment": "CEB411",
    "logistics": "CEB511",
    "declarant": "CEB621",
    "site": "CEB711",
}
"""What an enterprise signs in each role."""

CREDIT_CHARACTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""The alphabet of unified social credit codes (GB 32100): no I, O, S, V, Z."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Party:
    """An enterprise. `signature_set` is empty for one that signs nothing and has no dxpId."""

    code: str
    name: str
    roles: tuple[str, ...]
    signature_set: str = ""

    @property
    def credit_code(self) -> str:
        """Its 18-character code, made from the 10-character one."""
        body = f"91990000{self.code[2:]}"
        text = body + _check(body[8:], (3, 7, 9, 10, 5, 8, 4, 2), 11)
        return text + _check(text, tuple(pow(3, place, 31) for place in range(17)), 31)

    @property
    def dxp_id(self) -> str:
        """Its address on the exchange platform."""
        return f"DXPENT{self.code}"

    @property
    def message_types(self) -> tuple[str, ...]:
        """The message types that it signs."""
        return tuple(dict.fromkeys(MESSAGE_TYPES[role] for role in self.roles))


def _check(text: str, weights: tuple[int, ...], modulus: int) -> str:
    """The check character of an organisation code (11) or a credit code (31), GB 11714, 32100."""
    total = sum(CREDIT_CHARACTERS.index(one) * w for one, w in zip(text, weights, strict=True))
    left = (modulus - total % modulus) % modulus
    return "X" if modulus == 11 and left == 10 else CREDIT_CHARACTERS[left]


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way in which goods are sold and declared."""

    platform: Party
    """Hands in the orders and signs them; a merchant with its own shop is its own platform."""
    merchant: Party
    role: str
    """In which role it hands them in."""
    declarant: Party
    site: Party
    office: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Parties:
    """Everybody, with who works with whom."""

    channels: tuple[Channel, ...]
    payments: tuple[Party, ...]
    logistics: tuple[Party, ...]
    declarants: tuple[Party, ...]
    sites: tuple[Party, ...]

    def office(self, party: Party) -> str:
        """The customs office of a declarant or a site."""
        return OFFICES[(self.declarants if party in self.declarants else self.sites).index(party)]

    def all(self) -> Iterator[Party]:
        """Every enterprise once."""
        sellers = [party for one in self.channels for party in (one.platform, one.merchant)]
        every = (*sellers, *self.payments, *self.logistics, *self.declarants, *self.sites)
        yield from {party.code: party for party in every}.values()

    def signers(self) -> Iterator[Party]:
        """Everybody who signs."""
        return (party for party in self.all() if party.signature_set)


def make_parties(signature: str) -> Parties:
    """The enterprises; `signature` is a key of SETS."""
    sets = SETS[signature]
    platforms = _pair("01", "platform", ("虚构海购平台有限公司", "虚构云集平台有限公司"), sets)
    shops = _pair(
        "03", "merchant", ("虚构甲旗舰店有限公司", "虚构乙旗舰店有限公司"), sets, own=True
    )
    payments = _pair("04", "payment", ("虚构快付支付有限公司", "虚构安付支付有限公司"), sets)
    logistics = _pair("05", "logistics", ("虚构东风快递有限公司", "虚构西风快递有限公司"), sets)
    # The other way round, so that one consignment is signed with both kinds of key.
    declarants = _pair(
        "06", "declarant", ("虚构通关代理有限公司", "虚构报关行有限公司"), sets[::-1]
    )
    sites = _pair("07", "site", ("虚构机场监管作业场所", "虚构港区监管作业场所"), sets[::-1])
    return Parties(
        channels=tuple(
            Channel(
                platform=platform,
                merchant=merchant,
                role=role,
                declarant=declarants[place],
                site=sites[place],
                office=OFFICES[place],
            )
            for place in (0, 1)
            for platform, merchant, role in _sellers(place, platforms[place], shops[place])
        ),
        payments=payments,
        logistics=logistics,
        declarants=declarants,
        sites=sites,
    )


def _sellers(place: int, platform: Party, shop: Party) -> Iterator[tuple[Party, Party, str]]:
    """Platform, merchant, and the role in which the platform hands in its orders."""
    for number in (2 * place + 1, 2 * place + 2):
        code, name = _code("02", number), f"虚构第{number}商贸有限公司"
        yield platform, Party(code=code, name=name, roles=("merchant",)), "platform"
    yield shop, shop, "merchant"


def _code(kind: str, number: int) -> str:
    return f"9999{kind}{number:04d}"


def _pair(
    kind: str, role: str, names: tuple[str, str], sets: tuple[str, ...], *, own: bool = False
) -> tuple[Party, ...]:
    roles = ("platform", role) if own else (role,)
    return tuple(
        Party(code=_code(kind, number), name=name, roles=roles, signature_set=chosen)
        for number, (name, chosen) in enumerate(zip(names, sets, strict=True), start=1)
    )
