"""The published test data of the canonical form (signing rule of edition 2022-05)."""

from __future__ import annotations

import base64
import hashlib

import pytest
from lxml import etree

from gateway.signing.element import in_scope, signed_info
from gateway.signing.sets import DS, SETS, sm3

SOURCE = (
    '<ceb:CEB605Message guid="4CDE1CFD-EDED-46B1-946C-B8022E42FC94" version="1.0"'
    ' xmlns:ceb="http://www.chinaport.gov.cn/ceb"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"><ceb:InvtCancel>'
    "<ceb:reason>退单 A&amp;B</ceb:reason><ceb:note/></ceb:InvtCancel></ceb:CEB605Message>"
)
CANONICAL = (
    '<ceb:CEB605Message xmlns:ceb="http://www.chinaport.gov.cn/ceb"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' guid="4CDE1CFD-EDED-46B1-946C-B8022E42FC94" version="1.0"><ceb:InvtCancel>'
    "<ceb:reason>退单 A&amp;B</ceb:reason><ceb:note></ceb:note></ceb:InvtCancel>"
    "</ceb:CEB605Message>"
).encode()


def test_the_canonical_form_has_288_bytes() -> None:
    """The libxml2 that we verify with writes the published form of the published input."""
    assert etree.tostring(etree.fromstring(SOURCE), method="c14n") == CANONICAL
    assert len(CANONICAL) == 288


def test_both_digests_are_the_published_ones() -> None:
    """SHA-1 and SM3 of the canonical form."""
    sha1 = SETS["rsa-sha1"].digest(CANONICAL)
    national = SETS["sm2-sm3"].digest(CANONICAL)
    assert base64.b64encode(sha1) == b"/Ar45htMyTytjSqGxYySV8RXfEM="
    assert base64.b64encode(national) == b"hx88jhvDxSVMGNjB5k85BrWfjZS3aCgEOXXUXbRPvdQ="


def test_sm3_of_abc_is_that_of_the_standard() -> None:
    """GM/T 0004, first example."""
    expected = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert sm3(b"abc").hex() == expected


@pytest.mark.parametrize(
    ("name", "length", "value"),
    [
        ("rsa-sha1", 695, "201bc60b53d207d18bc2eb283b87eb3b3fa6f487"),
        ("sm2-sm3", 729, "c31ceac3f8360887498c391f8b6f47e4a8c9954fb704d03c8de04a20534fd0d2"),
    ],
)
def test_signed_info_is_the_published_text(name: str, length: int, value: str) -> None:
    """The text that is signed has the published length and hash, in both sets."""
    chosen = SETS[name]
    text = in_scope(signed_info(chosen, chosen.digest(CANONICAL)), CANONICAL)
    assert len(text) == length
    assert (sm3(text) if name == "sm2-sm3" else hashlib.sha1(text).digest()).hex() == value  # noqa: S324


@pytest.mark.parametrize("name", [name for name, one in SETS.items() if one.written])
def test_signed_info_equals_its_c14n_inside_the_document(name: str) -> None:
    """What we write by hand is what a canonicalisation finds in the whole message."""
    chosen = SETS[name]
    body = signed_info(chosen, chosen.digest(CANONICAL))
    element = b'<ds:Signature xmlns:ds="%s">%s</ds:Signature>' % (DS.encode(), body)
    end = CANONICAL.rindex(b"</")
    root = etree.fromstring(CANONICAL[:end] + element + CANONICAL[end:])
    found = root.find(f"{{{DS}}}Signature/{{{DS}}}SignedInfo")
    assert found is not None
    assert etree.tostring(found, method="c14n") == in_scope(body, CANONICAL)
    declared = b' xmlns:ceb="http://www.chinaport.gov.cn/ceb" xmlns:ds="' + DS.encode()
    assert in_scope(body, CANONICAL).startswith(b"<ds:SignedInfo" + declared + b'" xmlns:xsi="')
