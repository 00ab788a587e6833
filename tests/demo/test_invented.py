"""The invented world of the demo: valid, repeatable, and plainly invented."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.demo.consignments import Consignment, make_consignments
from gateway.demo.goods import EVERYTHING
from gateway.demo.parties import CREDIT_CHARACTERS, SETS, Parties, make_parties
from gateway.demo.people import id_number
from gateway.demo.shipping import make_shipments
from gateway.demo.submitting import pile
from gateway.demo.troubles import (
    EVERY_TROUBLE_FROM,
    TIMES_MIN,
    TROUBLED_SHARE_MAX,
    counts,
    load_troubles,
)
from gateway.errors import Misconfigured
from gateway.messages import decode, load_catalogue, parse_json
from gateway.messages.derivation import derive_inventory
from gateway.messages.facts import Facts
from gateway.messages.modes import load_modes
from gateway.messages.rules import load_rules
from gateway.model import Content
from gateway.simulator.scenarios import load_scenarios

TROUBLES = load_troubles()
CATALOGUE = load_catalogue()


@given(st.integers(0, 5_000))
def test_most_consignments_have_no_trouble(number: int) -> None:
    """At least 70% are without, whatever the number."""
    assert sum(counts(number, TROUBLES).values()) <= number * TROUBLED_SHARE_MAX


@given(st.integers(EVERY_TROUBLE_FROM, 5_000))
def test_from_300_on_every_trouble_occurs_twice(number: int) -> None:
    """None is left out, and none occurs only once."""
    found = counts(number, TROUBLES)
    assert found.keys() == {one.name for one in TROUBLES}
    assert min(found.values()) >= TIMES_MIN


@given(st.integers(1, EVERY_TROUBLE_FROM - 1))
def test_below_300_as_many_troubles_occur_as_fit(number: int) -> None:
    """One of each while there is room."""
    room = int(number * TROUBLED_SHARE_MAX)
    assert len(counts(number, TROUBLES)) == min(room, len(TROUBLES))


def test_every_suffix_is_a_scenario_of_the_simulator() -> None:
    """An order number that steers nothing would make a trouble out of nothing."""
    scenarios = load_scenarios().all
    suffixes = [one.suffix for one in TROUBLES if one.suffix]
    assert suffixes
    assert set(suffixes) <= scenarios.keys()


def test_an_unknown_key_of_a_trouble_is_refused(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A misspelt key would silently change the run."""
    file = tmp_path_factory.mktemp("troubles") / "troubles.toml"
    file.write_text('[one]\nshare = 0.1\nend = "held"\n')
    with pytest.raises(Misconfigured):
        load_troubles(file)


def test_the_check_digit_of_an_identity_number() -> None:
    """A published example of GB 11643, with the check digit X."""
    assert id_number("110105", date(1949, 12, 31), 2) == "11010519491231002X"


def test_persons_are_plainly_invented(consignments: list[Consignment]) -> None:
    """No district begins with 99, no mobile number with 100; every buyer is another person."""
    buyers = [one.buyer for one in consignments]
    assert all(one.id_number.startswith("99") and len(one.id_number) == 18 for one in buyers)
    assert all(one.telephone.startswith("100") and len(one.telephone) == 11 for one in buyers)
    assert len({one.id_number for one in buyers}) == len(buyers)


@pytest.mark.parametrize("signature", SETS)
def test_every_enterprise_has_codes_of_its_own(signature: str) -> None:
    """10 and 18 characters, the latter with a check character that is right."""
    everybody = list(make_parties(signature).all())
    codes = [code for one in everybody for code in (one.code, one.credit_code)]
    assert len(set(codes)) == len(codes) == 2 * len(everybody)
    for one in everybody:
        assert (len(one.code), len(one.credit_code)) == (10, 18)
        values = [CREDIT_CHARACTERS.index(letter) for letter in one.credit_code]
        weighted = sum(value * 3**place for place, value in enumerate(values[:-1]))
        assert (weighted + values[-1]) % 31 == 0, one
    assert {one.signature_set for one in everybody} - {""} == set(SETS[signature])


def test_half_of_each_kind_signs_with_sm2(parties: Parties) -> None:
    """--signature both: one of two in every role."""
    for pair in (parties.payments, parties.logistics, parties.declarants, parties.sites):
        assert sorted(one.signature_set for one in pair) == ["rsa-sha1", "sm2-sm3"]


def test_the_same_seed_gives_the_same_consignments(
    consignments: list[Consignment], parties: Parties, now: datetime
) -> None:
    """Every document of them, and another seed gives others."""
    again = make_consignments(len(consignments), 5, parties, TROUBLES, now)
    other = make_consignments(len(consignments), 6, parties, TROUBLES, now)
    assert again == consignments
    assert [one.buyer for one in other] != [one.buyer for one in consignments]


def test_amounts_are_exact(consignments: list[Consignment]) -> None:
    """What was paid is the sum of its parts, unless the trouble says otherwise."""
    for one in consignments:
        order = {name: Decimal(one.order[name]) for name in ("goodsValue", "freight", "taxTotal")}
        paid = Decimal(one.order["acturalPaid"])
        assert sum(order.values()) - Decimal(one.order["discount"]) == paid
        assert sum(Decimal(row["totalPrice"]) for row in one.order["items"]) == order["goodsValue"]
        if one.payment is None:
            assert one.trouble.payment == "none"
        else:
            assert (Decimal(one.payment["amountPaid"]) == paid) == (one.trouble.payment == "full")


def _content(kind: str, record: dict[str, object]) -> Content:
    """The content of a record as it travels: through JSON."""
    (read,) = parse_json(json.dumps(record).encode(), limit_records=1)
    return decode(CATALOGUE.by_kind(kind), read).content


def _facts(one: Consignment, shipment: dict[str, object], parties: Parties, now: datetime) -> Facts:
    declarant = one.channel.declarant
    return Facts(
        mode="direct-import",
        declared_at=now,
        order=_content("order", one.order),
        payment=_content("payment", one.payment) if one.payment else None,
        waybill=_content("waybill", one.waybill),
        extension={"mode": "direct-import", "declarant": declarant.code},
        shipment=_content("shipment", shipment).head,
        parcel_listed=True,
        goods={
            record["itemNo"]: record
            for record in (goods.record(one.channel.merchant) for goods in EVERYTHING)
        },
        profile={
            "agentCode": declarant.code,
            "customsCode": one.channel.office,
            "assureCode": declarant.code,
        },
        names={party.code: party.name for party in parties.all()},
    )


def test_what_the_demo_hands_in_is_right(
    consignments: list[Consignment], parties: Parties, now: datetime
) -> None:
    """No door rule objects, and the inventory of each consignment derives without a finding.

    Only where the trouble is of the demo's own making does the gateway's own rule find it.
    """
    rules = load_rules(load_modes(), [{"rule": "M05", "customsCode": "9920", "enabled": False}])
    homes = {
        row["logisticsNo"]: shipment.record
        for shipment in make_shipments(consignments, parties, 5, now)
        for row in shipment.record["items"]
    }
    found = Counter[tuple[str, ...]]()
    for one in consignments:
        for kind, record in (("order", one.order), ("waybill", one.waybill)):
            assert rules.at_the_door(kind, _content(kind, record)) == []
        facts = _facts(one, homes[one.logistics_no], parties, now)
        codes = tuple(finding.code for finding in derive_inventory(facts, rules).findings)
        found[codes] += 1
        own = {"amount_mismatch_ours": ("M05",), "missing_payment": ("M03",)}
        assert codes == own.get(one.trouble.name, ()), (one.order_no, codes)
    assert found[("M05",)] >= TIMES_MIN


def test_every_parcel_flies_and_arrives_once(
    consignments: list[Consignment], parties: Parties, now: datetime
) -> None:
    """Under a master waybill of its own office, and in exactly one arrival."""
    shipments = make_shipments(consignments, parties, 5, now)
    offices = {
        row["logisticsNo"]: one.record["customsCode"]
        for one in shipments
        for row in one.record["items"]
    }
    arrived = Counter(
        row["logisticsNo"] for one in shipments for tally in one.arrivals for row in tally["items"]
    )
    assert offices == {one.logistics_no: one.channel.office for one in consignments}
    assert arrived == Counter(offices.keys())
    assert any(len(one.arrivals) > 1 for one in shipments)


def test_every_party_hands_in_its_own_documents(
    consignments: list[Consignment], parties: Parties, now: datetime
) -> None:
    """A caller's code stands in each record that it hands in."""
    piles = pile(consignments, make_shipments(consignments, parties, 5, now))
    for (caller, resource), records in piles.items():
        assert all(caller.code in record.values() for record in records), resource
    roles = {caller.role for caller, _ in piles}
    assert roles == {"platform", "merchant", "payment", "logistics", "site"}
