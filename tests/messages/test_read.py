"""XML from outside is parsed safely and read leniently."""

from __future__ import annotations

import time

import pytest

from gateway.errors import Invalid
from gateway.messages import load_catalogue, parse_xml, read

CATALOGUE = load_catalogue()
LIMIT = 33_554_432
BOMB = (
    "<!DOCTYPE a ["
    '<!ENTITY e0 "aaaaaaaaaa">'
    + "".join(f'<!ENTITY e{n} "{f"&e{n - 1};" * 10}">' for n in range(1, 12))
    + "]>"
)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "X-malformed"),
        (b"{}", "X-malformed"),
        (b"<a>", "X-malformed"),
        (b"<a>\x00</a>", "X-malformed"),
        (b'<?xml version="1.0" encoding="klingon"?><a/>', "X-malformed"),
        (b"<a>&e;</a>", "X-malformed"),
        (b"<!DOCTYPE a><a/>", "X-dtd"),
        (b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', "X-dtd"),
        (b'<!DOCTYPE a [<!ENTITY e SYSTEM "file:///etc/passwd">]><a>&e;</a>', "X-dtd"),
        (f"{BOMB}<a>&e11;</a>".encode(), None),
        (f'{BOMB}<a b="&e11;"/>'.encode(), None),
        (b"<a>" * 200_000 + b"</a>" * 200_000, "X-malformed"),
        (b"<a/>" * 1_000_001, "X-size"),
        (b"<a " + b'b="" ' * 1_000_001 + b"/>", "X-size"),
        (b"<a>" + b" " * LIMIT + b"</a>", "X-size"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_hostile_xml_is_refused_at_once(data: bytes, code: str | None) -> None:
    """No DTD, entity, depth, size or encoding trick gets through, and none takes long."""
    started = time.monotonic()
    with pytest.raises(Invalid) as caught:
        parse_xml(data, max_bytes=LIMIT)
    assert time.monotonic() - started < 5
    assert code in (None, caught.value.code)


@pytest.mark.parametrize("data", [b"", b"<a>", b"<a>\x00</a>", b"{}"])
def test_the_place_is_told_once(data: bytes) -> None:
    """Line and column of the message, without the parser's own name for our bytes."""
    with pytest.raises(Invalid) as caught:
        parse_xml(data, max_bytes=LIMIT)
    (problem,) = caught.value.problems
    assert problem.en.count("line 1, column") == 1
    assert problem.en.isprintable()
    assert "<string>" not in problem.en


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "gb2312"])
def test_encodings_are_read(encoding: str) -> None:
    """UTF-8 with or without its mark, and what the declaration names, give the same text."""
    name = encoding.removesuffix("-sig")
    data = f'<?xml version="1.0" encoding="{name}"?><a>退单</a>'.encode(encoding)
    assert parse_xml(data, max_bytes=1000).text == "退单"


def test_receipts_are_read_by_namespace_and_leniently() -> None:
    """Any prefix, unknown elements, empty values, CDATA and comments: what is known is kept."""
    receipt = CATALOGUE.type("CEB312")
    data = """<CEB312Message xmlns="http://www.chinaport.gov.cn/ceb" guid="x" version="v1.0">
      <OrderReturn><guid>1</guid><ebpCode/><surprise>1</surprise><orderNo> A&amp;B </orderNo>
        <returnInfo>[Code:<!-- c --><![CDATA[<1>]]>;Desc:x]</returnInfo>
        <o:orderNo xmlns:o="urn:other">no</o:orderNo>
      </OrderReturn><Noise/>
      <x:OrderReturn xmlns:x="http://www.chinaport.gov.cn/ceb"><x:guid>2</x:guid></x:OrderReturn>
    </CEB312Message>"""
    first, second = read(receipt, parse_xml(data.encode(), max_bytes=10_000))
    assert first.head == {
        "guid": "1",
        "ebpCode": "",
        "orderNo": " A&B ",
        "returnInfo": "[Code:<1>;Desc:x]",
    }
    assert second.head == {"guid": "2"}


def test_documents_without_their_head_are_read_as_empty() -> None:
    """A document node that lacks its head level is no crash; the schema judges it."""
    order = CATALOGUE.type("CEB311")
    data = (
        b'<c:CEB311Message xmlns:c="http://www.chinaport.gov.cn/ceb"><c:Order/></c:CEB311Message>'
    )
    (content,) = read(order, parse_xml(data, max_bytes=1000))
    assert (content.head, content.items) == ({}, ())
