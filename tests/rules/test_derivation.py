"""The inventory that is derived from a consignment."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.messages import Catalogue, load_catalogue, validate, write
from gateway.messages.derivation import DerivationSettings, Derived, Facts, derive_inventory
from gateway.messages.facts import given_content
from gateway.model import Content
from tests.rules.sample import (
    AGENT,
    EBP,
    EBP_CREDIT,
    GOODS,
    NAMES,
    ORDER_ROWS,
    PROFILE,
    RULES,
    facts,
    goods,
    order,
    order_row,
    payment,
    profile,
    rules,
    shipment,
    waybill,
)

MADE = {"guid", "appType", "appTime", "copNo", "preNo", "invtNo"}


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    return load_catalogue()


def derived(case: Facts, **settings: Any) -> Derived:
    """The inventory of a case."""
    return derive_inventory(case, RULES, DerivationSettings(**settings))


def content(case: Facts, **settings: Any) -> Content:
    """The content of a case in which nothing holds the inventory."""
    result = derived(case, **settings)
    assert result.content is not None, result.findings
    return result.content


def codes(case: Facts, **settings: Any) -> list[str]:
    """The codes of what holds the inventory; there is no content then."""
    result = derived(case, **settings)
    assert result.content is None
    return [one.code for one in result.findings if one.holds]


def test_each_value_comes_from_its_owner() -> None:
    """The whole head, written out by hand from the table of owners."""
    assert content(facts()).head == {
        "appStatus": "2", "orderNo": "SO-1", "ebpCode": "4403160001",
        "ebpName": "示例平台有限公司", "ebcCode": "4403160002", "ebcName": "示例商贸有限公司",
        "logisticsNo": "W-1", "logisticsCode": "4403160004", "logisticsName": "示例物流有限公司",
        "assureCode": "4403160005", "ieFlag": "I", "declTime": "20260302", "customsCode": "5349",
        "portCode": "5301", "ieDate": "20260301", "buyerIdType": "1",
        "buyerIdNumber": "11010519491231002X", "buyerName": "张三丰",
        "buyerTelephone": "13800000000", "consigneeAddress": "深圳市示例路1号",
        "agentCode": "4403160005", "agentName": "示例报关有限公司", "tradeMode": "9610",
        "trafMode": "5", "trafNo": "CA123", "voyageNo": "V9", "billNo": "B-1", "country": "601",
        "freight": "20", "insuredFee": "1.5", "currency": "142", "wrapType": "2", "packNo": "1",
        "grossWeight": "2.1", "netWeight": "1.65",
    }  # fmt: skip


def test_each_row_comes_from_the_order_and_its_goods() -> None:
    """Both rows, written out by hand: kilograms by net weight, equal units by quantity."""
    assert content(facts()).items == (
        {
            "gnum": "1", "itemNo": "SKU-1", "itemName": "奶粉", "gcode": "1901101000",
            "gname": "奶粉", "gmodel": "3段|800克", "barCode": "无", "country": "601",
            "currency": "142", "qty": "2", "unit": "122", "qty1": "1.6", "unit1": "035",
            "price": "150.5", "totalPrice": "301.00",
        },
        {
            "gnum": "2", "itemNo": "SKU-2", "itemName": "勺子", "gcode": "8215990000",
            "gname": "勺子", "gmodel": "赠品", "barCode": "690123", "country": "601",
            "currency": "142", "qty": "1", "unit": "007", "qty1": "1", "unit1": "007",
            "qty2": "0.05", "unit2": "035", "price": "0", "totalPrice": "0",
        },
    )  # fmt: skip


def test_the_schema_accepts_the_inventory(catalogue: Catalogue) -> None:
    """With what the gateway makes per version, the content is a valid CEB621."""
    inventory = content(facts())
    made = {
        "guid": "4CDE1CFD-EDED-46B1-946C-B8022E42FC94",
        "appType": "1",
        "appTime": "20260302003000",
        "copNo": "C-1",
    }
    whole = replace(inventory, head={**inventory.head, **made})
    message_type = catalogue.type("CEB621")
    assert validate(message_type, [write(message_type, whole)]) == [[]]


def test_what_the_gateway_makes_is_left_to_it() -> None:
    """Number, times and identity of a version are no part of the derivation."""
    assert not MADE & content(facts()).head.keys()


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"payment": payment(orderNo="SO-2")}, "R-unequal", "orderNo"),
        ({"waybill": waybill(orderNo="SO-2")}, "R-unequal", "orderNo"),
        ({"payment": payment(ebpCode="4403169999")}, "R-unequal", "ebpCode"),
        ({"shipment": shipment(logisticsCode="1")}, "R-unequal", "logisticsCode"),
        ({"waybill": waybill(billNo="B-2")}, "R-unequal", "billNo"),
        ({"waybill": waybill(freight="19.99999")}, "R-freight", "freight"),
        ({"profile": profile(customsCode="5300")}, "R-unequal", "customsCode"),
        ({"profile": profile(portCode="5300")}, "R-unequal", "portCode"),
        ({"extension": {"declarant": EBP}}, "R-unequal", "agentCode"),
        ({"goods": goods("SKU-1", gname="米粉")}, "R-gname", "items[0].gname"),
        ({"goods": goods("SKU-2", gmodel="大号")}, "R-unequal", "items[1].gmodel"),
        ({"goods": goods("SKU-2", barCode="1")}, "R-unequal", "items[1].barCode"),
        ({"goods": goods("SKU-1", country="142")}, "R-unequal", "items[0].country"),
        ({"goods": goods("SKU-2", unit="011", unit1="011")}, "R-unequal", "items[1].unit"),
        ({"given": given_content({"country": "502"})}, "R-unequal", "country"),
        ({"given": given_content({"appStatus": "1"})}, "R-unequal", "appStatus"),
        ({"given": given_content({"netWeight": "1.66"})}, "R-unequal", "netWeight"),
        (
            {"given": given_content({"items": [{"gnum": "2", "gcode": "1"}]})},
            "R-unequal",
            "items[1].gcode",
        ),
        ({"given": given_content({"items": [{"gnum": "2", "qty": "9"}]})}, "R-unequal",
         "items[1].qty"),
    ],
)  # fmt: skip
def test_unequal_values_hold_the_inventory(changes: dict[str, Any], code: str, field: str) -> None:
    """Nothing is overwritten: the finding names the field and every differing source."""
    result = derived(facts(**changes))
    assert result.content is None
    assert (code, (field,)) in [(one.code, one.fields) for one in result.findings]
    (finding,) = [one for one in result.findings if one.fields == (field,)]
    assert len(finding.values) >= 2
    assert len(set(finding.values.values())) >= 2
    assert field in finding.zh or code in ("R-freight", "R-gname")


def test_values_are_compared_by_what_they_mean() -> None:
    """Numbers by value, enterprises by identity: these consignments agree."""
    assert content(facts(waybill=waybill(freight="20.00000"))).head["freight"] == "20.00000"
    assert content(facts(payment=payment(ebpCode=EBP_CREDIT))).head["ebpCode"] == EBP
    given = given_content({"netWeight": "1.65000", "assureCode": AGENT})
    assert content(facts(given=given)).head["netWeight"] == "1.65000"


def test_two_code_forms_are_told_beside_the_inventory() -> None:
    """A warning stands beside the content and holds nothing."""
    result = derived(facts(payment=payment(ebpCode=EBP_CREDIT)))
    assert result.content is not None
    assert [one.code for one in result.findings] == ["R-code-forms"]
    assert not result.waits


@pytest.mark.parametrize(
    ("name", "missing"),
    [(name, name) for name in ("trafNo", "voyageNo", "customsCode", "portCode", "country")],
)
def test_an_incomplete_shipment_is_waited_for(name: str, missing: str) -> None:
    """One finding names what the shipment lacks; nothing else is wrong."""
    result = derived(facts(shipment=shipment(**{name: ""})))
    assert result.content is None
    assert result.waits
    assert [(one.code, one.fields) for one in result.findings] == [("R-shipment", (missing,))]


def test_a_parcel_needs_its_row_in_the_shipment() -> None:
    """A complete head is not enough for a parcel that is not in it."""
    result = derived(facts(parcel_listed=False))
    assert result.waits
    assert [one.fields for one in result.findings] == [("row",)]


def test_without_a_shipment_everything_of_it_is_waited_for() -> None:
    """A shipment that nobody posted lacks everything; billNo may come with it."""
    result = derived(facts(shipment=None, parcel_listed=False))
    assert result.waits
    (finding,) = result.findings
    assert {"trafNo", "trafMode", "billNo", "country", "row"} <= set(finding.fields)
    assert len(finding.fields) == len(set(finding.fields))


def test_a_setting_lets_the_profile_complete_the_shipment() -> None:
    """The profile's customsCode and portCode do, where an installation says so."""
    case = facts(shipment=shipment(customsCode="", portCode=""), profile=profile(portCode="5301"))
    assert codes(case) == ["R-shipment"]
    inventory = content(case, profile_completes_shipment=True)
    assert (inventory.head["customsCode"], inventory.head["portCode"]) == ("5349", "5301")


def test_a_missing_goods_record_is_found_once_for_all_rows() -> None:
    """The finding names the rows; what the register would have given is not listed again."""
    result = derived(facts(goods={}))
    (finding,) = result.findings
    assert finding.code == "R-goods"
    assert finding.values == {"row.items[0].itemNo": "SKU-1", "row.items[1].itemNo": "SKU-2"}


def test_a_declarant_can_give_what_the_register_lacks() -> None:
    """With every value of the goods given, no goods record is needed for that row."""
    row = {"gnum": "2", "gcode": "8215990000", "qty1": "1", "unit1": "007"}
    given = given_content({"netWeight": "1.7", "items": [row]})
    case = facts(goods={"SKU-1": GOODS["SKU-1"]}, given=given)
    inventory = content(case)
    assert inventory.head["netWeight"] == "1.7"
    assert inventory.items[1]["gcode"] == "8215990000"


def test_goods_that_do_not_weigh_anything_known_are_missing_data() -> None:
    """A goods record without net weight leaves the inventory without one."""
    result = derived(facts(goods=goods("SKU-2", netWeight="", unit2="")))
    assert [(one.code, one.fields) for one in result.findings] == [("R-missing", ("netWeight",))]
    assert not result.waits


def test_what_no_source_has_is_missing() -> None:
    """A declarant that is not registered has no name: one finding lists all such fields."""
    names = {code: name for code, name in NAMES.items() if code != AGENT}
    result = derived(facts(names=names, profile=profile(assureCode="")))
    (finding,) = result.findings
    assert (finding.code, finding.fields) == ("R-missing", ("assureCode", "agentName"))


@pytest.mark.parametrize(
    ("code", "holds"), [(EBP, False), ("4403160002", False), ("4403160004", False),
                        (AGENT, False), (EBP_CREDIT, False), ("4403169999", True)]
)  # fmt: skip
def test_the_guarantor_is_one_of_four(code: str, *, holds: bool) -> None:
    """Platform, merchant, logistics or declarant, by either code; nobody else."""
    case = facts(profile=profile(assureCode=code))
    assert (derived(case).content is None) is holds
    if holds:
        assert codes(case) == ["R-assure"]


@pytest.mark.parametrize(
    ("gross", "net", "holds"),
    [("1.65", "0.8", False), ("1.64999", "0.8", True), ("2.1", "0", True), ("0", "0.8", True)],
)
def test_net_weight_above_gross_is_a_finding(gross: str, net: str, *, holds: bool) -> None:
    """Gross >= net > 0, equal allowed; a wrong weight is never clipped."""
    register = goods("SKU-1", netWeight=net, unit1="122")
    if net == "0":
        register = {**register, "SKU-2": {**GOODS["SKU-2"], "netWeight": "0", "unit2": ""}}
    case = facts(waybill=waybill(weight=gross), goods=register)
    if holds:
        assert codes(case) == ["M14"]
    else:
        assert content(case).head["netWeight"] == "1.65"


@pytest.mark.parametrize(
    ("unit1", "factor1", "setting", "qty1"),
    [
        ("122", "9", True, "2"),  # equal units: the quantity, whatever the factor says
        ("035", "9", True, "1.6"),  # kilograms: the net weight of the row
        ("035", "9", False, "18"),  # unless a setting says otherwise
        ("036", "800", True, "1600"),
        ("036", "0.000002", True, "0"),  # rounds to nothing: a finding
    ],
)
def test_statutory_quantities(unit1: str, factor1: str, *, setting: bool, qty1: str) -> None:
    """Equal units, kilograms, and quantity x factor for the rest."""
    case = facts(goods=goods("SKU-1", unit1=unit1, factor1=factor1))
    if qty1 == "0":
        assert codes(case, kilogram_from_net_weight=setting) == ["M16"]
    else:
        assert content(case, kilogram_from_net_weight=setting).items[0]["qty1"] == qty1


def test_a_second_unit_comes_with_its_quantity_or_not_at_all() -> None:
    """A second unit without factor and weight is missing data; without unit both are omitted."""
    register = goods("SKU-2", unit2="011", factor2="")
    assert codes(facts(goods=register)) == ["R-missing"]
    row = content(facts(goods=goods("SKU-2", unit2=""))).items[1]
    assert not {"unit2", "qty2"} & row.keys()


def test_computed_values_too_large_for_the_field_are_found() -> None:
    """A product of more than 14 digits is refused and never cut."""
    rows = ({**ORDER_ROWS[0], "qty": "99999999999999", "price": "0", "totalPrice": "0"},)
    case = facts(order=order(rows), goods=goods("SKU-1", unit1="036", factor1="800"))
    result = derived(case)
    assert result.content is None
    assert "79999999999999200" in next(one for one in result.findings if one.code == "R-fit").en


def test_an_item_number_too_long_for_the_inventory_is_never_cut() -> None:
    """30 characters fit the order and not the inventory; the given one may be shorter."""
    long = "S" * 21
    case = facts(order=order_row(0, itemNo=long), goods={**GOODS, long: GOODS["SKU-1"]})
    result = derived(case)
    assert [one.code for one in result.findings] == ["R-fit"]
    assert result.content is None


def test_licences_of_rows_must_be_one() -> None:
    """The head has room for one licence: equal ones go in, two are a contradiction."""
    one = goods("SKU-1", licenseNo="L-1")
    assert content(facts(goods=one)).head["licenseNo"] == "L-1"
    two = {**one, "SKU-2": {**GOODS["SKU-2"], "licenseNo": "L-2"}}
    result = derived(facts(goods=two))
    assert [(one.code, one.fields) for one in result.findings] == [("R-unequal", ("licenseNo",))]


@pytest.mark.parametrize("name", ["guid", "appType", "appTime", "declTime", "preNo", "invtNo"])
def test_what_the_gateway_makes_cannot_be_given(name: str) -> None:
    """Not even the right value: these are made for each version, or by customs."""
    result = derived(facts(given=given_content({name: "20260302"})))
    assert [(one.code, one.fields) for one in result.findings] == [("R-given", (name,))]


def test_the_declarant_may_have_its_own_number() -> None:
    """A given copNo goes out; without one the caller makes it."""
    given = given_content({"copNo": "MINE-1"})
    assert content(facts(given=given)).head["copNo"] == "MINE-1"
    assert "copNo" not in content(facts()).head


@pytest.mark.parametrize("name", ["emsNo", "areaCode", "areaName"])
def test_bonded_fields_stay_empty_in_direct_purchase(name: str) -> None:
    """A value for a field that the mode leaves out is a finding and is not declared."""
    assert codes(facts(given=given_content({name: "X"}))) == ["R-fixed"]


def test_given_values_fill_what_nobody_else_has() -> None:
    """A note, the trading country, a date: the declarant owns every field that it gives."""
    rows = [{"tradeCountry": "601"}, {"note": "gift"}]
    given = given_content({"note": "n", "ieDate": "20260228", "items": rows})
    inventory = content(facts(given=given, shipment=shipment(ieDate="")))
    assert (inventory.head["note"], inventory.head["ieDate"]) == ("n", "20260228")
    assert [row.get("tradeCountry") for row in inventory.items] == ["601", None]
    assert [row.get("note") for row in inventory.items] == [None, "gift"]


def test_optional_values_without_a_source_are_omitted() -> None:
    """An empty element would fail the schema: the field is not there at all."""
    bare = facts(shipment=shipment(ieDate=""), profile=profile(wrapType=""))
    assert not {"ieDate", "wrapType", "loctNo", "licenseNo", "note"} & content(bare).head.keys()


def test_a_waybill_without_insurance_has_none() -> None:
    """The field insuredFee is required in the inventory; 0 when the waybill has none."""
    assert content(facts(waybill=waybill(insuredFee=""))).head["insuredFee"] == "0"


def test_freight_of_the_order_stands_in_for_the_waybill() -> None:
    """The order's freight is the fallback."""
    assert content(facts(waybill=waybill(freight=""))).head["freight"] == "20.00"


@pytest.mark.parametrize(("owner", "freight"), [("waybill", "19"), ("order", "20.00")])
def test_a_setting_says_whose_freight_wins_when_a_difference_is_tolerated(
    owner: str, freight: str
) -> None:
    """With the finding switched off, and within its tolerance."""
    case = facts(waybill=waybill(freight="19"))
    for override in ({"enabled": False}, {"tolerance": "1"}):
        lenient = rules({"rule": "R-freight", "customsCode": "5349", **override})
        result = derive_inventory(case, lenient, DerivationSettings(freight_owner=owner))
        assert result.content is not None
        assert result.content.head["freight"] == freight


@pytest.mark.parametrize(("owner", "gname"), [("order", "奶粉"), ("goods", "米粉")])
def test_a_setting_says_whose_goods_name_wins(owner: str, gname: str) -> None:
    """With the finding switched off."""
    lenient = rules({"rule": "R-gname", "enabled": False})
    case = facts(goods=goods("SKU-1", gname="米粉"))
    result = derive_inventory(case, lenient, DerivationSettings(gname_owner=owner))
    assert result.content is not None
    assert result.content.items[0]["gname"] == gname


def test_a_setting_tolerates_differences_in_named_fields() -> None:
    """The owner's value is declared; other fields stay strict."""
    case = facts(goods=goods("SKU-1", gmodel="other"))
    inventory = content(case, tolerated_fields=frozenset({"gmodel"}))
    assert inventory.items[0]["gmodel"] == "3段|800克"
    assert codes(case, tolerated_fields=frozenset({"barCode"})) == ["R-unequal"]


def test_findings_of_all_kinds_come_together() -> None:
    """One look tells everything that is wrong, the rules between documents first."""
    case = facts(payment=payment(amountPaid="1"), goods={}, shipment=shipment(trafNo=""))
    assert codes(case) == ["M05", "R-shipment", "R-goods"]
    assert not derived(case).waits


def test_a_missing_partner_is_all_there_is_to_say() -> None:
    """Without order or waybill nothing is derived, and only the waiting is reported."""
    for kind in ("order", "waybill"):
        result = derived(facts(**{kind: None}))
        assert result.content is None
        assert result.waits
        assert len(result.findings) == 1


def test_a_payment_that_never_comes_here_can_be_switched_off() -> None:
    """Where payment firms declare elsewhere, the list goes without our copy."""
    lenient = rules({"rule": "M03", "enabled": False})
    assert derive_inventory(facts(payment=None), lenient).content is not None


def test_rows_that_the_order_does_not_have_go_only_with_the_rule_off() -> None:
    """With M07 off customs sees what the declarant gave; with it on nothing leaves."""
    extra = {
        "gnum": "3", "itemNo": "SKU-3", "itemName": "杯", "gcode": "7013370000", "gname": "杯",
        "gmodel": "玻璃", "qty": "1", "unit": "007", "qty1": "1", "unit1": "007", "price": "1",
        "totalPrice": "1", "country": "601",
    }  # fmt: skip
    case = facts(given=given_content({"items": [extra]}))
    assert codes(case) == ["M07"]
    result = derive_inventory(case, rules({"rule": "M07", "enabled": False}))
    assert result.content is not None
    assert [row["gnum"] for row in result.content.items] == ["1", "2", "3"]


def test_another_buyer_goes_only_with_the_rule_off() -> None:
    """With M10 off the given buyer is declared, for customs to refuse with 13127."""
    case = facts(given=given_content({"buyerName": "王五"}))
    assert codes(case) == ["M10"]
    result = derive_inventory(case, rules({"rule": "M10", "enabled": False}))
    assert result.content is not None
    assert result.content.head["buyerName"] == "王五"


def test_the_office_of_the_shipment_decides_the_switches() -> None:
    """The port is that of the declaration: the shipment's customs office, else the profile's."""
    lenient = rules({"rule": "M05", "customsCode": "5300", "enabled": False})
    wrong = payment(amountPaid="1")
    there = facts(payment=wrong, shipment=shipment(customsCode="5300"),
                  profile={**PROFILE, "customsCode": "5300"})  # fmt: skip
    assert derive_inventory(there, lenient).content is not None
    assert derive_inventory(facts(payment=wrong), lenient).content is None
