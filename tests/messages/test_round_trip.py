"""Any document that the catalogue allows survives the way through a message, byte for byte."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.messages import (
    MessageType,
    Unsigned,
    assemble,
    decode,
    encode,
    load_catalogue,
    parse_xml,
    problems_of,
    read,
    read_fragments,
    restore,
    validate,
    write,
)
from gateway.messages.catalogue import Catalogue
from gateway.model import Content, Subscriber, Transfer
from tests import strategies

CATALOGUE: Catalogue = load_catalogue()
SENT = [one for one in CATALOGUE.types.values() if not one.is_record]
SUBMITTED = [one for one in CATALOGUE.types.values() if one.row.resource and not one.is_record]
GUID = "019C0FFE-0000-7000-8000-00000000000A"
SENDER = Transfer(copCode="1", copName="企业", dxpId="DXPENT0000000001")
BIG = 40_000_000
quick = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


def message(one: MessageType, documents: list[Content]) -> Unsigned:
    """A message as the gateway assembles it; receipts without a transfer block."""
    fragments = [write(one, document) for document in documents]
    return assemble(one, GUID, fragments, SENDER if one.schema.transfer else None)


@pytest.mark.parametrize("one", SENT, ids=lambda one: one.name)
@quick
@given(data=st.data())
def test_any_document_survives(one: MessageType, data: st.DataObject) -> None:
    """Written documents are XSD-valid, already canonical, and read back equal."""
    documents_max = min(one.schema.documents_max or 2, 2)
    documents = data.draw(
        st.lists(strategies.contents(one), min_size=1, max_size=documents_max), label="documents"
    )
    fragments = [write(one, document) for document in documents]
    assert validate(one, fragments) == [[] for _ in documents]
    unsigned = message(one, documents)
    root = parse_xml(unsigned.data, max_bytes=BIG)
    assert etree.tostring(root, method="c14n") == unsigned.data
    assert not unsigned.data.startswith(b"<?xml")
    assert root.get("guid") == GUID
    assert CATALOGUE.by_root(str(root.tag)) is one
    assert problems_of(one, root) == []
    assert read(one, root) == documents
    assert read_fragments(one, fragments) == documents


@quick
@given(transfer=strategies.transfers, subscribers=strategies.subscribers, data=st.data())
def test_any_transfer_block_is_canonical(
    transfer: Transfer, subscribers: list[Subscriber], data: st.DataObject
) -> None:
    """Whatever an enterprise is called, the blocks after the documents are valid and canonical."""
    one = CATALOGUE.type("CEB411")
    document = data.draw(strategies.contents(one))
    unsigned = assemble(one, GUID, [write(one, document)], transfer, subscribers)
    root = parse_xml(unsigned.data, max_bytes=BIG)
    assert problems_of(one, root) == []
    assert etree.tostring(root, method="c14n") == unsigned.data


@pytest.mark.parametrize("one", SUBMITTED, ids=lambda one: one.name)
@quick
@given(data=st.data())
def test_what_a_client_may_send_is_decoded(one: MessageType, data: st.DataObject) -> None:
    """A record of allowed values is accepted; its content can be stored and restored as JSON."""
    document = data.draw(strategies.contents(one))
    generated = {*one.row.generated, *one.row.filled}
    body = encode(one, document)
    record = {name: value for name, value in body.items() if name not in generated}
    decoded = decode(one, record)
    kept = {name: value for name, value in document.head.items() if name not in generated}
    assert decoded.content.head == kept | dict(one.row.filled)
    assert decoded.content.items == document.items
    assert restore(one, encode(one, decoded.content)) == decoded.content


def test_message_pieces_join() -> None:
    """Head, fragments and tail are the signed message; without the signature it is `data`."""
    one = CATALOGUE.type("CEB311")
    unsigned = message(one, [_order(), _order()])
    signature = b'<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"></ds:Signature>'
    signed = unsigned.with_signature(signature)
    assert signed == unsigned.head + b"".join(unsigned.fragments) + unsigned.tail(signature)
    assert signed.replace(signature, b"") == unsigned.data
    assert signed.endswith(signature + b"</ceb:CEB311Message>")


@pytest.mark.parametrize(
    ("name", "count", "transfer"),
    [
        ("CEB311", 0, SENDER),
        ("CEB311", 101, SENDER),
        ("CEB711", 2, SENDER),  # one Delivery a message, by its XSD
        ("CEB311", 1, None),
        ("CEB312", 1, SENDER),
    ],
)
def test_impossible_messages_are_refused(name: str, count: int, transfer: Transfer | None) -> None:
    """What the XSD would refuse is not assembled."""
    with pytest.raises(ValueError, match=r"carries|transfer"):
        assemble(CATALOGUE.type(name), GUID, [b"<x></x>"] * count, transfer)


def test_unknown_names_are_not_written() -> None:
    """A name that the schema lacks is an error, not a lost value."""
    with pytest.raises(ValueError, match="buyer"):
        write(CATALOGUE.type("CEB311"), Content({"buyer": "1"}))


def _order() -> Content:
    return Content({"guid": GUID, "orderNo": "1"}, ({"gnum": "1"},))
