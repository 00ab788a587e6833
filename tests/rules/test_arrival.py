"""Shipments, and the warehouse-in list that is derived from an arrival."""

from __future__ import annotations

import pytest

from gateway.messages import load_catalogue, validate, write
from gateway.messages.derivation import (
    derive_arrival,
    differing_used_fields,
    shipment_lacks,
)
from gateway.messages.derivation_table import lines_of
from gateway.messages.shipments import USED
from gateway.model import Content
from tests.rules.sample import LOGISTICS, NAMES, RULES, SHIPMENT, SITE, arrival_facts, shipment


def test_a_complete_shipment_lacks_nothing() -> None:
    """The head is whole and the parcel has its row."""
    assert shipment_lacks(SHIPMENT, parcel_listed=True) == ()


def test_what_a_shipment_lacks_is_named() -> None:
    """Each needed field, and the row; ieDate and loctNo may stay unknown."""
    needed = ("trafNo", "voyageNo", "customsCode", "portCode", "country")
    assert shipment_lacks(None, parcel_listed=False) == (*needed, "row")
    for name in needed:
        assert shipment_lacks(shipment(**{name: ""}), parcel_listed=True) == (name,)
    assert shipment_lacks(shipment(ieDate="", loctNo=""), parcel_listed=False) == ("row",)


def test_used_fields_are_those_that_the_derivation_reads() -> None:
    """What a declaration may have taken from a shipment is exactly what is frozen."""
    lines = [*lines_of("CEB621", "direct-import").head, *lines_of("CEB711", "direct-import").head]
    read = {source.field for line in lines for source in line.givers if source.kind == "shipment"}
    assert read | {"logisticsCode"} == set(USED)


def test_used_values_are_frozen_and_new_ones_are_not() -> None:
    """A changed or removed used value is named; an added one, and grossWeight, are free."""
    assert differing_used_fields(SHIPMENT, shipment(voyageNo="V10", ieDate="")) == (
        "voyageNo",
        "ieDate",
    )
    added = {**SHIPMENT, "loctNo": "5301A", "grossWeight": "900"}
    assert differing_used_fields(SHIPMENT, added) == ()
    assert differing_used_fields(added, {**added, "grossWeight": "901"}) == ()


def test_the_list_takes_the_values_of_its_shipment() -> None:
    """The whole content, written out by hand; the rows are what arrived, in that order."""
    result = derive_arrival(arrival_facts(), RULES)
    assert result.content == Content(
        {
            "appStatus": "2", "customsCode": "5349", "operatorCode": SITE,
            "operatorName": NAMES[SITE], "ieFlag": "I", "trafMode": "5", "trafNo": "CA123",
            "voyageNo": "V9", "billNo": "B-1", "logisticsCode": LOGISTICS,
            "logisticsName": NAMES[LOGISTICS],
        },
        ({"gnum": "1", "logisticsNo": "W-1"}, {"gnum": "2", "logisticsNo": "W-2"}),
    )  # fmt: skip
    assert result.findings == ()


def test_the_schema_accepts_the_list() -> None:
    """With what the gateway makes per version, the content is a valid CEB711."""
    content = derive_arrival(arrival_facts(), RULES).content
    assert content is not None
    made = {
        "guid": "4CDE1CFD-EDED-46B1-946C-B8022E42FC94",
        "appType": "1",
        "appTime": "20260302003000",
        "copNo": "A-1",
    }
    message_type = load_catalogue().type("CEB711")
    whole = Content({**content.head, **made}, content.items)
    assert validate(message_type, [write(message_type, whole)]) == [[]]


def test_an_arrival_without_its_shipment_waits() -> None:
    """Everything that the shipment owns is waited for, in one finding."""
    result = derive_arrival(arrival_facts(shipment=None), RULES)
    assert result.content is None
    assert result.waits
    (finding,) = result.findings
    assert finding.code == "R-shipment"
    assert set(finding.fields) == {"trafMode", "trafNo", "voyageNo", "billNo", "logisticsCode"}


def test_an_arrival_waits_for_a_voyage() -> None:
    """Only what the warehouse-in list needs is waited for: no port, no country."""
    lacking = shipment(voyageNo="", portCode="", country="")
    (finding,) = derive_arrival(arrival_facts(shipment=lacking), RULES).findings
    assert (finding.code, finding.fields) == ("R-shipment", ("voyageNo",))


@pytest.mark.parametrize(
    ("name", "value"),
    [("logisticsCode", "4403169999"), ("trafMode", "2"), ("billNo", "B-9")],
)
def test_an_arrival_that_contradicts_its_shipment_is_held(name: str, value: str) -> None:
    """Unequal values are a finding and never overwritten."""
    agreed = arrival_facts().arrival
    other = Content({**agreed.head, name: value}, agreed.items)
    result = derive_arrival(arrival_facts(arrival=other), RULES)
    assert result.content is None
    assert [(one.code, one.fields) for one in result.findings] == [("R-unequal", (name,))]


def test_a_site_that_nobody_registered_has_no_name() -> None:
    """The registered name is required: missing data, not a wait."""
    names = {code: name for code, name in NAMES.items() if code != SITE}
    result = derive_arrival(arrival_facts(names=names), RULES)
    assert [(one.code, one.fields) for one in result.findings] == [("R-missing", ("operatorName",))]
    assert not result.waits
