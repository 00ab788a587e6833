"""The envelope of customs: put on, taken off, and its answers read."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from gateway.adapters.authorities.customs import DXP, Customs
from gateway.errors import Invalid
from gateway.messages import Catalogue, load_catalogue
from gateway.model import Envelope
from gateway.ports import Authority
from tests.samples import message

CUSTOMS: Authority = Customs()
CATALOGUE = load_catalogue()
ENVELOPE = Envelope(
    message_id="0191D9A0-0000-7000-8000-000000000001",
    message_type="CEB311Message",
    sender="DXPENT0000012345",
    receivers=("DXPEDCCEB0000002",),
    created=datetime(2026, 1, 31, 20, 5, 6, 999_000, tzinfo=UTC),
)


def _with(**given: object) -> Envelope:
    values = {name: getattr(ENVELOPE, name) for name in Envelope.__dataclass_fields__}
    return Envelope(**values | given)


def test_the_envelope_is_these_bytes() -> None:
    """Every name as the platform spells it, the time in Asia/Shanghai without a zone."""
    assert CUSTOMS.wrap(b"<a/>", ENVELOPE) == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<dxp:DxpMsg xmlns:dxp="http://www.chinaport.gov.cn/dxp" ver="1.0"><dxp:TransInfo>'
        b"<dxp:CopMsgId>0191D9A0-0000-7000-8000-000000000001</dxp:CopMsgId>"
        b"<dxp:SenderId>DXPENT0000012345</dxp:SenderId>"
        b"<dxp:ReceiverIds><dxp:ReceiverId>DXPEDCCEB0000002</dxp:ReceiverId></dxp:ReceiverIds>"
        b"<dxp:CreatTime>2026-02-01T04:05:06</dxp:CreatTime>"
        b"<dxp:MsgType>CEB311Message</dxp:MsgType></dxp:TransInfo>"
        b"<dxp:Data>PGEvPg==</dxp:Data></dxp:DxpMsg>"
    )


def test_the_same_input_gives_the_same_bytes() -> None:
    """A resend is a resend; the zone in which the moment is given does not matter."""
    elsewhere = ENVELOPE.created.astimezone(timezone(timedelta(hours=-5)))
    assert CUSTOMS.wrap(b"x", _with(created=elsewhere)) == Customs().wrap(b"x", ENVELOPE)


@given(
    st.binary(max_size=300),
    st.text(st.characters(min_codepoint=33, max_codepoint=0x9FFF), min_size=1, max_size=16),
)
def test_what_is_wrapped_is_unwrapped(content: bytes, sender: str) -> None:
    """Any bytes and any id come back as they were, and the envelope fits its schema."""
    envelope = _with(sender=sender.strip() or "x", receivers=("a", "<&>"))
    wrapped = CUSTOMS.wrap(content + b"1", envelope)
    assert CATALOGUE.xml_schema("dxp").validate(etree.fromstring(wrapped))
    opened = CUSTOMS.unwrap(wrapped)
    assert (opened.form, opened.message) == ("DxpMsg", content + b"1")
    assert (opened.message_id, opened.message_type) == (envelope.message_id, "CEB311Message")
    assert (opened.sender, opened.receivers) == (envelope.sender, envelope.receivers)


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"message_id": ""}, "CopMsgId"),
        ({"message_id": "x" * 256}, "CopMsgId"),
        ({"sender": "DXPENT00000123456"}, "SenderId"),
        ({"receivers": ()}, "ReceiverIds"),
        ({"receivers": tuple("abcdef")}, "ReceiverId"),
        ({"message_type": "x" * 31}, "MsgType"),
    ],
)
def test_an_envelope_outside_its_schema_is_never_written(
    given: dict[str, object], place: str
) -> None:
    """Too long, missing or too many: Invalid, with the place."""
    with pytest.raises(Invalid) as caught:
        CUSTOMS.wrap(b"<a/>", _with(**given))
    assert place in caught.value.problems[0].path


def test_a_control_character_in_an_id_is_invalid() -> None:
    """XML cannot carry it."""
    with pytest.raises(Invalid):
        CUSTOMS.wrap(b"<a/>", _with(message_id="a\0b"))


def test_a_bare_message_passes_through(catalogue: Catalogue) -> None:
    """Any prefix, a byte order mark: the same bytes, no envelope."""
    data = message(catalogue.type("CEB312"))
    for one in (data, b"\xef\xbb\xbf" + data, b"<a/>", b'<DxpMsg xmlns="urn:other"/>'):
        opened = CUSTOMS.unwrap(one)
        assert (opened.form, opened.message, opened.sender) == (None, one, None)


FROM_CUSTOMS = """<?xml version="1.0" encoding="UTF-8"?>
<DxpMsgSv xmlns="http://www.chinaport.gov.cn/dxp">
  <SvNo Ver="1.0"><MsgId>00000002</MsgId></SvNo>
  <q:DxpMsg ver="1.0" xmlns:q="http://www.chinaport.gov.cn/dxp">
    <q:TransInfo>
      <q:CopMsgId> 7 </q:CopMsgId>
      <q:SenderId>DXPEDCCEB0000002</q:SenderId>
      <q:ReceiverIds><q:ReceiverId>A</q:ReceiverId><q:ReceiverId>B</q:ReceiverId></q:ReceiverIds>
      <q:CreatTime>2026-01-31T12:00:00.5+08:00</q:CreatTime>
      <q:MsgType>CEB312Message</q:MsgType>
      <q:Later>unknown to us</q:Later>
    </q:TransInfo>
    <q:Data><![CDATA[
      PGEv
      Pg==
    ]]></q:Data>
    <q:AddInfo><q:BizKey><q:Key name="DealFlag">2</q:Key></q:BizKey></q:AddInfo>
  </q:DxpMsg>
</DxpMsgSv>"""


def test_what_others_wrap_is_read_leniently() -> None:
    """Pretty-printed, two prefixes, CDATA, elements that no table has."""
    opened = CUSTOMS.unwrap(FROM_CUSTOMS.encode())
    assert (opened.form, opened.message) == ("DxpMsgSv", b"<a/>")
    assert (opened.message_id, opened.message_type) == ("7", "CEB312Message")
    assert (opened.sender, opened.receivers) == ("DXPEDCCEB0000002", ("A", "B"))


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("Data", "/DxpMsgSv/DxpMsg/Data"),
        ("MsgType", "/DxpMsgSv/DxpMsg/TransInfo/MsgType"),
        ("SenderId", "/DxpMsgSv/DxpMsg/TransInfo/SenderId"),
        ("DxpMsg", "/DxpMsgSv/DxpMsg"),
    ],
)
def test_what_is_used_must_be_there(name: str, path: str) -> None:
    """Invalid names the element that is missing."""
    root = etree.fromstring(FROM_CUSTOMS.encode())
    for node in list(root.iter(f"{{{DXP}}}{name}")):
        parent = node.getparent()
        assert parent is not None
        parent.remove(node)
    with pytest.raises(Invalid) as caught:
        CUSTOMS.unwrap(etree.tostring(root))
    assert caught.value.problems[0].path == path


@pytest.mark.parametrize("data", [b"", b"<a>", b"<!DOCTYPE a><a/>", b"\0"])
def test_bytes_that_are_no_xml_cannot_be_unwrapped(data: bytes) -> None:
    """Invalid, never another error."""
    with pytest.raises(Invalid):
        CUSTOMS.unwrap(data)


def _answer(*codes: str, namespace: str = DXP) -> bytes:
    responses = "".join(
        f"<Response><ResponseCode>{one}</ResponseCode><ResponseInfo>info {one}</ResponseInfo>"
        "<NoticeTime>2026-01-31</NoticeTime></Response>"
        for one in codes
    )
    return f'<DxpRep xmlns="{namespace}"><RecevierId>A</RecevierId>{responses}</DxpRep>'.encode()


@pytest.mark.parametrize(
    ("status", "body", "outcome", "code"),
    [
        (200, _answer("0000"), "transmitted", "0000"),
        (200, _answer("0000", "0000"), "transmitted", "0000"),
        (400, _answer("0002"), "refused", "0002"),
        (403, _answer("0000", "1001"), "refused", "1001"),
        # Everything that contradicts itself or is not understood is unknown: the receipt will tell.
        (200, _answer("0002"), "unknown", "0002"),
        (200, _answer("0000", "2001"), "unknown", "2001"),
        (200, _answer(), "unknown", ""),
        (200, _answer(""), "unknown", ""),
        (400, _answer(""), "unknown", ""),
        (400, _answer("0000"), "unknown", "0000"),
        (202, _answer("0000"), "unknown", "0000"),
        (302, _answer("0002"), "unknown", "0002"),
        (500, _answer("3001"), "unknown", "3001"),
        (0, b"", "unknown", ""),
        (200, b"", "unknown", ""),
        (200, b"OK", "unknown", ""),
        (200, b"<html><body>0000</body></html>", "unknown", ""),
        (400, b"<html>Bad Gateway</html>", "unknown", ""),
        (200, _answer("0000", namespace="urn:other"), "unknown", ""),
        (200, _answer("0000")[:-5], "unknown", ""),
        (200, b"<!DOCTYPE a>" + _answer("0000"), "unknown", ""),
        (200, b" " * 2_000_000 + _answer("0000"), "unknown", ""),
    ],
)
def test_only_a_clear_answer_counts(status: int, body: bytes, outcome: str, code: str) -> None:
    """Transmitted: 200 that says success. Refused: 4xx with an error. All else is unknown."""
    answer = CUSTOMS.read_answer(status, body)
    assert (answer.outcome, answer.code) == (outcome, code)
    if code:
        assert answer.info == f"info {code}"


def test_the_code_of_success_is_a_setting() -> None:
    """No source names it, so it can be set."""
    other = Customs(success_code="1")
    assert other.read_answer(200, _answer("1")).outcome == "transmitted"
    assert other.read_answer(200, _answer("0000")).outcome == "unknown"


def test_the_answer_of_our_sample_fits_the_schema() -> None:
    """The answers above are real ones by the platform's schema."""
    assert CATALOGUE.xml_schema("dxp").validate(etree.fromstring(_answer("0000", "1001")))
