"""What is answered at the door, and which messages are refused as a whole."""

from __future__ import annotations

from xml.sax.saxutils import escape

import pytest
from lxml import etree

from gateway.adapters.authorities.customs import Customs
from gateway.messages.catalogue import shipped_xsd
from gateway.messages.types import compile_schema
from gateway.simulator.envelope import DXP
from gateway.simulator.reception import Outcome
from tests.simulator.counter import Counter
from tests.simulator.trade import PERSONAL, enveloped


@pytest.fixture(scope="module")
def answers() -> etree.XMLSchema:
    """The schema of the exchange platform."""
    return compile_schema(shipped_xsd() / "customs" / "dxp.xsd")


async def envelope(counter: Counter) -> bytes:
    """A good one."""
    return await counter.trade.envelope("CEB311", [counter.trade.order("N1")])


def code_of(outcome: Outcome, answers: etree.XMLSchema) -> str:
    """The ResponseCode of an answer that keeps to its schema."""
    root = etree.fromstring(outcome.body)
    answers.assertValid(root)
    return root.findtext(f".//{{{DXP}}}ResponseCode") or ""


async def test_the_gateway_understands_every_answer(
    counter: Counter, answers: etree.XMLSchema
) -> None:
    """Success is transmitted, a fault at the door refused, a page of HTML unknown."""
    customs = Customs()
    good = counter.post(await envelope(counter))
    assert code_of(good, answers) == "0000"
    assert customs.read_answer(good.status, good.body).outcome == "transmitted"
    bad = counter.post(b"no xml")
    assert customs.read_answer(bad.status, bad.body).outcome == "refused"
    page = await counter.send("CEB311", counter.trade.order("N1-H502"))
    assert customs.read_answer(page.status, page.body).outcome == "unknown"


@pytest.mark.parametrize(
    ("old", "new", "status", "code"),
    [
        (b"</d:DxpMsg>", b"", 400, "0001"),
        (b"<d:DxpMsg ", b"<!DOCTYPE x><d:DxpMsg ", 400, "0001"),
        (b"d:DxpMsg", b"d:Other", 400, "0001"),
        (b' ver="1.0"', b' ver="2.0"', 400, "0002"),
        (b"d:CreatTime", b"d:CreateTime", 400, "0002"),
        (b"<d:Data>", b"<d:Data>!", 400, "0002"),
        (b"DXPEDCCEB0000002", b"DXPEDCCEB0000003", 400, "2001"),
        (b"DXPENT0000000001", b"DXPENT0000000099", 403, "1999"),
        (b"DXPENT0000000001", b"DXPENT0000000002", 403, "1999"),
    ],
)
async def test_a_fault_at_the_door(
    counter: Counter, answers: etree.XMLSchema, old: bytes, new: bytes, status: int, code: str
) -> None:
    """The envelope is judged strictly; what it carries is not looked at, and nothing is kept."""
    good = await envelope(counter)
    assert old in good
    outcome = counter.post(good.replace(old, new))
    assert (outcome.status, code_of(outcome, answers)) == (status, code)
    assert counter.turn() == []
    assert counter.ledger() == []


@pytest.mark.parametrize(
    ("message", "type_"),
    [
        (b"", "Unknown"),
        (b"\xff\x00 no text \xfe", "Unknown"),
        (b"<a/>", "Unknown"),
        (b"<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", "Unknown"),
        ("<a>测试<b></a>".encode(), "Unknown"),
    ],
)
async def test_what_cannot_be_read(counter: Counter, message: bytes, type_: str) -> None:
    """CEB900 repeats id and text of the message; the transmission itself is taken over."""
    sender = counter.trade.platform.dxp_id
    outcome = counter.post(enveloped(message, "CEB311", sender))
    assert outcome.status == 200
    (entry,) = counter.turn()
    assert (entry.type, entry.receiver, entry.status) == ("CEB900", sender, "-999999")
    assert entry.values["oriMessageType"] == type_
    readable = message.decode("utf-8", errors="replace").replace("\x00", "\ufffd")
    assert entry.values["oriBizMessage"] == readable
    assert counter.ledger() == []


async def test_a_message_that_breaks_its_schema(counter: Counter) -> None:
    """CEB900 says where; personal values are masked in that text."""
    trade = counter.trade
    message = await trade.message("CEB311", [trade.order("N1"), trade.order("N2")])
    name = PERSONAL[1]
    broken = message.replace(f"<ceb:buyerName>{name}<".encode(), b"<ceb:buyerName><", 1)
    broken = broken.replace(f"<ceb:buyerTelephone>{PERSONAL[2]}".encode(),
                            f"<ceb:buyerTelephone>{PERSONAL[2] * 4}".encode(), 1)  # fmt: skip
    counter.post(enveloped(broken, "CEB311", trade.platform.dxp_id))
    (entry,) = counter.turn()
    assert entry.values["oriMessageType"] == "CEB311Message"
    assert "buyerName" in entry.info
    assert "Order[1]" in entry.info
    assert not [one for one in PERSONAL if one in entry.info]
    assert escape(entry.values["oriBizMessage"]) != ""


async def test_the_envelope_names_what_it_carries(counter: Counter) -> None:
    """MsgType and root differ: refused as a whole."""
    trade = counter.trade
    message = await trade.message("CEB311", [trade.order("N1")])
    counter.post(enveloped(message, "CEB411", trade.platform.dxp_id))
    (entry,) = counter.turn()
    assert entry.type == "CEB900"


async def test_a_receipt_is_no_declaration(counter: Counter) -> None:
    """A known type that nobody declares is not recognised."""
    root = '<CEB312Message xmlns="http://www.chinaport.gov.cn/ceb" guid="1" version="1.0"/>'
    counter.post(enveloped(root.encode(), "CEB312", counter.trade.platform.dxp_id))
    (entry,) = counter.turn()
    assert (entry.type, entry.values["oriMessageType"]) == ("CEB900", "Unknown")


async def test_another_layout_is_the_same_document(counter: Counter) -> None:
    """The digest of a document does not depend on where it stands in a message."""
    trade = counter.trade
    order, other = trade.order("N1"), trade.order("N2")
    await counter.send("CEB311", order, other)
    await counter.send("CEB311", order)
    first, _, again = counter.ledger()
    assert first["document_digest"] == again["document_digest"]
    assert first["message_digest"] != again["message_digest"]
