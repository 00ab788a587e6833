"""The rules between the documents of one order."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.messages.derivation import Facts
from gateway.messages.facts import NOTHING, given_content
from gateway.messages.findings import Finding, held
from tests.rules.sample import (
    EBP,
    EBP_CREDIT,
    NAMES,
    RULES,
    facts,
    order,
    payment,
    rules,
    waybill,
)


def found(case: Facts, *overrides: dict[str, Any]) -> list[Finding]:
    """What the rules of the mode find."""
    chosen = rules(*overrides) if overrides else RULES
    return chosen.consignment(case, chosen.switches.for_(case.mode, "5349"))


def test_documents_that_agree_have_no_finding() -> None:
    """The sample passes."""
    assert found(facts()) == []


@pytest.mark.parametrize(
    ("kind", "code", "field"),
    [
        ("order", "M01", "orderNo"),
        ("waybill", "M02", "logisticsNo"),
        ("payment", "M03", "payTransactionId"),
    ],
)
def test_a_missing_document_is_waited_for(kind: str, code: str, field: str) -> None:
    """M01-M03 say which partner is missing; it may still come."""
    (finding,) = found(facts(**{kind: None}))
    assert (finding.code, finding.waits, finding.holds) == (code, True, True)
    assert (finding.kinds, finding.fields, finding.values) == ((kind,), (field,), {})


def test_nothing_at_all_is_three_missing_documents() -> None:
    """No rule stumbles over documents that are not there."""
    empty = facts(order=None, payment=None, waybill=None)
    assert [one.code for one in found(empty)] == ["M01", "M02", "M03"]


@pytest.mark.parametrize(
    ("changes", "code", "customs", "fields"),
    [
        ({"payment": payment(payerName="王五")}, "M04", "1327", ("buyerName", "payerName")),
        (
            {"payment": payment(payerIdNumber="11010519491231002x")},  # texts, not meanings
            "M04",
            "1327",
            ("buyerIdNumber", "payerIdNumber"),
        ),
        ({"payment": payment(payerIdType="2")}, "M04", "1327", ("buyerIdType", "payerIdType")),
        ({"payment": payment(amountPaid="309.99")}, "M05", "1332", ("acturalPaid", "amountPaid")),
        ({"given": given_content({"items": [{"qty": "2"}]})}, "M07", "1320", ("items",)),
        ({"given": given_content({"items": [{"gnum": "3"}]})}, "M07", "1320", ("items",)),
        (
            {"given": given_content({"items": [{"gnum": "1"}, {"gnum": "1"}]})},
            "M07",
            "1320",
            ("items",),
        ),
        ({"given": given_content({"buyerName": "王五"})}, "M10", "13127", ("buyerName",)),
        ({"waybill": waybill(consignee="王五")}, "M13", "", ("consignee",)),
        ({"waybill": waybill(consigneeTelephone="1")}, "M13", "", ("consigneeTelephone",)),
        ({"waybill": waybill(consigneeAddress="x")}, "M13", "", ("consigneeAddress",)),
        ({"order": order(payName="别的公司")}, "R-name", "", ("payName",)),
        ({"waybill": waybill(logisticsName="别的公司")}, "R-name", "", ("logisticsName",)),
        ({"given": given_content({"ebpCode": EBP, "ebpName": "x"})}, "R-name", "", ("ebpName",)),
    ],
)
def test_a_contradiction_is_found_with_the_code_of_customs(
    changes: dict[str, Any], code: str, customs: str, fields: tuple[str, ...]
) -> None:
    """One finding, of the rule, with the fields and the code that customs would give."""
    (finding,) = found(facts(**changes))
    assert (finding.code, finding.customs_code, finding.fields) == (code, customs, fields)
    assert finding.holds
    assert not finding.waits
    assert finding.zh
    assert finding.en


def test_amounts_are_compared_as_numbers() -> None:
    """310.00 and 310 are one amount: M05 compares values and not texts."""
    assert found(facts(payment=payment(amountPaid="310.00000"))) == []


def test_the_finding_of_an_amount_names_both() -> None:
    """Both values stand in both sentences and in the values."""
    (finding,) = found(facts(payment=payment(amountPaid="309.99")))
    assert finding.values == {"order.acturalPaid": "310.00", "payment.amountPaid": "309.99"}
    for sentence in (finding.zh, finding.en):
        assert "310.00" in sentence
        assert "309.99" in sentence


@pytest.mark.parametrize(
    ("changes", "secret"),
    [
        ({"payment": payment(payerName="诸葛孔明")}, "诸葛孔明"),
        ({"payment": payment(payerIdNumber="440301199001011234")}, "440301199001011234"),
        ({"waybill": waybill(consigneeAddress="广州市秘密路9号")}, "广州市秘密路9号"),
        ({"waybill": waybill(consigneeTelephone="13712345678")}, "13712345678"),
        ({"given": given_content({"buyerName": "诸葛孔明"})}, "诸葛孔明"),
    ],
)
def test_personal_values_never_appear(changes: dict[str, Any], secret: str) -> None:
    """Sentences, values and JSON of a finding hold personal data masked only."""
    (finding,) = found(facts(**changes))
    told = f"{finding} {finding.as_json()}"
    assert secret not in told
    for clear in ("张三丰", "11010519491231002X", "深圳市示例路1号", "13900000000"):
        assert clear not in told


def test_a_rule_that_is_off_finds_nothing() -> None:
    """The switch of a port turns a rule off there, and nowhere else."""
    wrong = facts(payment=payment(amountPaid="1"))
    assert found(wrong, {"rule": "M05", "customsCode": "5349", "enabled": False}) == []
    assert found(wrong, {"rule": "M05", "customsCode": "5300", "enabled": False}) != []


def test_a_tolerance_lets_small_differences_pass() -> None:
    """The tolerance is in the unit of the fields."""
    close = facts(payment=payment(amountPaid="309.50"))
    assert found(close, {"rule": "M05", "tolerance": "0.5"}) == []
    assert found(close, {"rule": "M05", "tolerance": "0.49"}) != []


def test_given_rows_may_be_some_of_the_order_when_they_carry_their_numbers() -> None:
    """A declarant can give values of one row alone."""
    assert found(facts(given=given_content({"items": [{"gnum": "2"}]}))) == []


def test_two_forms_of_one_code_are_a_warning() -> None:
    """10 and 18 characters name one enterprise; customs may compare texts, so people are told."""
    mixed = facts(payment=payment(ebpCode=EBP_CREDIT))
    (finding,) = found(mixed)
    assert (finding.code, finding.severity, finding.holds) == ("R-code-forms", "warning", False)
    assert finding.values == {"order.ebpCode": EBP, "payment.ebpCode": EBP_CREDIT}
    assert not held([finding])


def test_a_name_is_compared_with_that_of_either_code() -> None:
    """The register knows the enterprise by its 10 characters, the document uses its 18."""
    wrong = payment(ebpCode=EBP_CREDIT, ebpName="别的公司")
    assert {one.code for one in found(facts(payment=wrong))} == {"R-name", "R-code-forms"}


def test_an_enterprise_that_is_not_registered_has_no_name_to_differ_from() -> None:
    """Foreign platforms stand in no register here."""
    names = {code: name for code, name in NAMES.items() if code != EBP}
    assert found(facts(names=names, order=order(ebpName="Any Ltd"))) == []


def test_no_given_values_are_no_content() -> None:
    """An order without `inventory` gives nothing."""
    assert given_content(None) is NOTHING
    assert given_content({}) is NOTHING
