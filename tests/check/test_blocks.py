"""The blocks after the documents: further receivers, and an extension with content of any kind."""

from __future__ import annotations

import asyncio

import pytest

from gateway.adapters.authorities.customs import Customs
from gateway.check import judge
from gateway.messages import Catalogue, parse_xml, read
from gateway.ports import Signer
from gateway.signing.message import sign_message
from tests.samples import content, message, requests

SUBSCRIBER = (
    b"<ceb:BaseSubscribe><ceb:status>RET</ceb:status><ceb:dxpMode>DXP</ceb:dxpMode>"
    b"<ceb:dxpAddress>DXPENT0000000009</ceb:dxpAddress></ceb:BaseSubscribe>"
)
EXTENSION = (
    b"<ceb:ExtendMessage><ceb:name>OWN</ceb:name><ceb:version>1</ceb:version><ceb:Message>"
    b'<x:port xmlns:x="urn:port"><x:Order>1</x:Order><ceb:Order></ceb:Order></x:port>'
    b"</ceb:Message></ceb:ExtendMessage>"
)


def with_blocks(data: bytes, blocks: bytes) -> bytes:
    """The unsigned message with these blocks behind its transfer block."""
    end = b"</ceb:BaseTransfer>"
    assert data.count(end) == 1
    return data.replace(end, end + blocks)


def test_subscribers_and_an_extension_are_part_of_what_is_signed(
    catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """Every request takes both blocks; the signature covers them, reading passes them over."""
    for type_ in requests(catalogue):
        data = with_blocks(message(type_, documents=1), SUBSCRIBER * 5 + EXTENSION)
        signed = asyncio.run(sign_message(data, catalogue, signers["sm2-sm3"], "sm2-sm3"))
        verdict = judge(signed, catalogue, [Customs()])
        assert verdict["ok"], verdict
        assert verdict["documents"] == 1
        assert read(type_, parse_xml(signed, max_bytes=1 << 20)) == [content(type_)]
        touched = judge(signed.replace(b"<x:Order>1<", b"<x:Order>2<"), catalogue, [Customs()])
        assert touched["schema"]["valid"]
        assert touched["signature"]["fault"] == "digest"


@pytest.mark.parametrize(
    "blocks", [SUBSCRIBER * 6, EXTENSION * 2, EXTENSION + SUBSCRIBER], ids=["six", "two", "order"]
)
def test_blocks_beyond_their_bounds_are_no_message(catalogue: Catalogue, blocks: bytes) -> None:
    """At most five subscribers, one extension, and in this order."""
    data = with_blocks(message(catalogue.type("CEB513")), blocks)
    assert not judge(data, catalogue, [Customs()])["schema"]["valid"]
