"""What the text of a receipt says."""

from __future__ import annotations

import pytest

from gateway.messages.status import named_guid, parse_return_codes, partner_ready, return_codes

GUID = "4CDE1CFD-EDED-46B1-946C-B8022E42FC94"


@pytest.mark.parametrize(
    ("info", "codes"),
    [
        ("[Code:1800;Desc:逻辑校验通过]", ("1800",)),
        ("[Code:1332;Desc:x][Code:1327;Desc:y]", ("1332", "1327")),
        ("[Code:1332;Desc:金额][OrderHead.acturalPaid:1][PaymentHead.amountPaid:2]", ("1332",)),
        ("处理失败 [Code:-301020;Desc:验签失败]!", ("-301020",)),
        ("[Code：13127；Desc：清单]", ("13127",)),
        ("[ code : 1800 ; desc: x]", ("1800",)),
        ("[Code:1800;Desc:x][Code:1800;Desc:x]", ("1800",)),  # each once
        ("[Code:0257;Desc:x]", ("0257",)),  # a code is a text
        ("新增申报成功[4CDE1CFD-EDED-46B1-946C-B8022E42FC94]", ()),
        ("Code:1800", ()),
        ("[Code:;Desc:x]", ()),
        ("", ()),
    ],
)
def test_codes_are_taken_by_pattern(info: str, codes: tuple[str, ...]) -> None:
    """Blocks of a code and a text, in order; texts without a code are legal."""
    assert parse_return_codes(info) == codes


@pytest.mark.parametrize(
    ("info", "guid"),
    [
        (f"新增申报成功[{GUID}]", GUID),
        (f"[Code:1800;Desc:x][{GUID.lower()}]", GUID),
        (f"{GUID} without brackets", None),
        ("[4CDE1CFD]", None),
        ("", None),
    ],
)
def test_a_guid_in_square_brackets_names_the_version(info: str, guid: str | None) -> None:
    """Upper case, as the documents carry it."""
    assert named_guid(info) == guid


@pytest.mark.parametrize("status", ["2", "3", "120", "399"])
def test_a_partner_stands_at_the_accepted_statuses(status: str) -> None:
    """Each status of the set, and with a code that is no failure or not known."""
    assert partner_ready(status, ())
    assert partner_ready(status, ("1800", "2600", "1200", "1301", "2300", "99999"))


@pytest.mark.parametrize(
    "status", [None, "", "1", "4", "99", "100", "300", "700", "800", "-301010"]
)
def test_a_partner_does_not_stand_elsewhere(status: str | None) -> None:
    """A set and not a threshold: 4, 99, 100 and negatives are no acceptance."""
    assert not partner_ready(status, ())


@pytest.mark.parametrize("code", ["1332", "1327", "1320", "13035", "13127", "22001", "1371"])
def test_a_failure_code_holds_whatever_the_status(code: str) -> None:
    """Status 2 with a failure code in the text is no acceptance."""
    assert not partner_ready("2", ("1800", code))


def test_known_codes_are_said_in_two_languages() -> None:
    """Each known code has both texts, and names a rule that exists and has this code."""
    for code in return_codes().values():
        assert code.zh
        assert code.en
        assert not (code.failure and code.retry)
