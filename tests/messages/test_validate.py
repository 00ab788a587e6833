"""XML that breaks its schema is explained by path, code and sentence, like submitted JSON."""

from __future__ import annotations

import pytest
from lxml import etree

from gateway.errors import PROBLEMS_MAX
from gateway.messages import assemble, load_catalogue, problems_of, validate, write
from gateway.messages.example import content
from gateway.model import Transfer

CATALOGUE = load_catalogue()
ORDER = CATALOGUE.type("CEB311")
GOOD = write(ORDER, content(ORDER))
GUID = "019C0FFE-0000-7000-8000-00000000000A"
SENDER = Transfer(copCode="1", copName="企业", dxpId="DXPENT0000000001")
HEAD, ROW = "/CEB311Message/Order[1]/OrderHead", "/CEB311Message/Order[1]/OrderList[1]"


@pytest.mark.parametrize(
    ("find", "put", "path", "code"),
    [
        ("<ceb:qty>2<", "<ceb:qty>1x<", f"{ROW}/qty", "S-type"),
        ("<ceb:qty>2<", "<ceb:qty>1e3<", f"{ROW}/qty", "S-type"),
        ("<ceb:qty>2<", "<ceb:qty>-2<", f"{ROW}/qty", "S-type"),
        ("<ceb:qty>2<", "<ceb:qty>1.000001<", f"{ROW}/qty", "S-digits"),
        ("<ceb:qty>2</ceb:qty>", "", f"{ROW}/price", "S-order"),
        ("<ceb:gnum>1<", "<ceb:gnum>10000<", f"{ROW}/gnum", "S-digits"),
        ("<ceb:currency>142<", "<ceb:currency>USD<", f"{HEAD}/currency", "S-value"),
        ("<ceb:orderNo>ORDER-0001<", "<ceb:orderNo><", f"{HEAD}/orderNo", "S-length"),
        ("<ceb:appTime>2026", "<ceb:appTime>2026-", f"{HEAD}/appTime", "S-length"),
        ("<ceb:appTime>2026", "<ceb:appTime>20x6", f"{HEAD}/appTime", "S-format"),
        ("<ceb:orderNo>", "<ceb:extra>1</ceb:extra><ceb:orderNo>", f"{HEAD}/extra", "S-order"),
        ("<ceb:orderNo>", "<ceb:orderNo><ceb:x></ceb:x>", f"{HEAD}/orderNo", "S-schema"),
        ("<ceb:OrderList>", "<ceb:OrderLine>", "/", "X-malformed"),
    ],
)
def test_faults_of_a_fragment(find: str, put: str, path: str, code: str) -> None:
    """A fragment that breaks the schema is found among good ones and explained."""
    bad = GOOD.replace(find.encode(), put.encode(), 1)
    assert bad != GOOD
    first, second, third = validate(ORDER, [GOOD, bad, GOOD])
    assert (first, third) == ([], [])
    assert (path, code) in [(one.path, one.code) for one in second]


def test_a_missing_list_is_named() -> None:
    """The element that should have come is part of the sentence."""
    cut = GOOD[: GOOD.index(b"<ceb:OrderList>")] + b"</ceb:Order>"
    ((one,),) = validate(ORDER, [cut])
    assert (one.path, one.code) == ("/CEB311Message/Order[1]", "S-required")
    assert "OrderList" in one.zh
    assert "OrderList" in one.en


def test_faults_of_a_message_are_numbered_masked_and_bounded() -> None:
    """Documents and rows count from 1, personal values are masked, 25 problems at most."""
    name = content(ORDER).head["buyerName"].encode()
    bad = GOOD.replace(b"<ceb:buyerName>" + name, b"<ceb:buyerName>" + b"Q" * 61)
    data = assemble(ORDER, GUID, [GOOD, bad], SENDER).data
    (one,) = problems_of(ORDER, etree.fromstring(data))
    assert one.path == "/CEB311Message/Order[2]/OrderHead/buyerName"
    assert one.value == "Q**********Q"
    many = assemble(ORDER, GUID, [bad] * 100, SENDER).data
    assert len(problems_of(ORDER, etree.fromstring(many))) == PROBLEMS_MAX


@pytest.mark.parametrize("prefix", ["", "x"])
def test_prefixes_do_not_matter(prefix: str) -> None:
    """A message with another prefix, or the default namespace, is judged by the same paths."""
    bad = GOOD.replace(b"<ceb:qty>2<", b"<ceb:qty>two<")
    text = assemble(ORDER, GUID, [bad], SENDER).data.decode()
    text = text.replace("xmlns:ceb=", f"xmlns:{prefix}=".replace(":=", "="))
    text = text.replace("ceb:", f"{prefix}:" if prefix else "")
    (one,) = problems_of(ORDER, etree.fromstring(text))
    assert (one.path, one.code, one.value) == (f"{ROW}/qty", "S-type", "two")


def test_a_message_may_carry_no_more_than_its_xsd_says() -> None:
    """A hundred and one orders are refused, although each is good."""
    data = assemble(ORDER, GUID, [GOOD] * 100, SENDER).data.replace(GOOD, GOOD * 2, 1)
    (one,) = problems_of(ORDER, etree.fromstring(data))
    assert one.path == "/CEB311Message/Order[101]"


def test_fragments_beyond_one_message_are_judged_too() -> None:
    """More fragments than a message carries, or one at a time for CEB711, are all judged."""
    bad = GOOD.replace(b"<ceb:qty>2<", b"<ceb:qty>two<")
    found = validate(ORDER, [GOOD] * 150 + [bad])
    assert [index for index, one in enumerate(found) if one] == [150]
    arrival = CATALOGUE.by_kind("arrival")
    fragment = write(arrival, content(arrival))
    assert validate(arrival, [fragment, fragment]) == [[], []]
    assert validate(ORDER, []) == []


def test_receipts_are_judged_leniently() -> None:
    """Open statuses, times of 14 or 17 digits and empty optional codes are valid receipts."""
    receipt = CATALOGUE.type("CEB622")
    fragment = write(receipt, content(receipt))
    for find, put in (
        (b"<ceb:returnStatus>2<", b"<ceb:returnStatus>23<"),
        (b"20260131120005123", b"20260131120005"),
        (b"<ceb:copNo>", b"<ceb:ebpCode></ceb:ebpCode><ceb:copNo>"),
    ):
        assert find in fragment
        assert validate(receipt, [fragment.replace(find, put)]) == [[]]
