"""Which declarations are taken, which are duplicates, which are refused and with what code."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from gateway.model import Content
from tests.simulator.counter import Counter
from tests.simulator.trade import PERSONAL, Party, Trade, enveloped

Maker = Callable[..., Content]
DUPLICATES = {
    "CEB311": "-301010",
    "CEB411": "-401007",
    "CEB511": "-504015",
    "CEB513": "-505012",
    "CEB621": "-621004",
    "CEB711": "-800003",
}
OLDER = {"CEB311": "-301014", "CEB411": "-401012", "CEB511": "-505016", "CEB513": "-505016"}
DECLARED = {"CEB311": "-301011", "CEB411": "-401008", "CEB511": "-504016"}


def makers(trade: Trade) -> Mapping[str, Maker]:
    """How a document of each type is made from an order number."""
    return {
        "CEB311": trade.order,
        "CEB411": trade.payment_of,
        "CEB511": trade.waybill_of,
        "CEB513": trade.waybill_status_of,
        "CEB621": trade.inventory_of,
        "CEB711": lambda number, **changes: trade.arrival(f"A{number}", [number], **changes),
    }


def changed(content: Content, **changes: str) -> Content:
    """The same document with other values in its head."""
    return Content({**content.head, **changes}, content.items)


def last(counter: Counter) -> tuple[str, str]:
    """Status and text of the newest entry."""
    newest = counter.turn()[-1]
    return newest.status, newest.info


@pytest.mark.parametrize("type_", DUPLICATES)
async def test_a_living_key_is_a_duplicate(counter: Counter, type_: str) -> None:
    """The same bytes, and other bytes under a living key, get the duplicate code; no more."""
    document = makers(counter.trade)[type_]("N1")
    envelope = await counter.trade.envelope(type_, [document])
    counter.post(envelope)
    counter.turn()
    counter.post(envelope)
    status, info = last(counter)
    assert status == DUPLICATES[type_]
    assert "N1" in info
    anew = changed(document, guid="0" * 36, appTime="20260101130000")
    await counter.send(type_, anew)
    assert last(counter)[0] == DUPLICATES[type_]
    first, again, other = counter.ledger()
    assert [one["verdict"] for one in (first, again, other)] == ["taken", "duplicate", "duplicate"]
    assert first["document_digest"] == again["document_digest"] != other["document_digest"]
    assert first["message_id"] == again["message_id"] != other["message_id"]
    assert other["guid"] == "0" * 36


async def test_one_key_twice_in_one_message(counter: Counter) -> None:
    """The first is taken, the second is its duplicate."""
    await counter.send("CEB311", counter.trade.order("N1"), counter.trade.order("N1", 2))
    assert sorted(one.status for one in counter.turn()) == ["-301010", "2"]
    assert counter.verdicts() == [("taken", "2"), ("duplicate", "-301010")]


async def test_two_codes_name_one_enterprise(counter: Counter) -> None:
    """A key that is declared again under the 18-character code is a duplicate."""
    trade = counter.trade
    await counter.send("CEB311", trade.order("N1"))
    await counter.send("CEB311", trade.order("N1", 2, ebpCode=trade.platform.credit_code))
    assert counter.verdicts()[1] == ("duplicate", "-301010")


async def test_an_order_of_the_merchant_itself(counter: Counter) -> None:
    """The signer of an order is ebpCode or ebcCode."""
    trade = counter.trade
    mine = trade.order("N1", ebpCode="OTHERPLATFORM", ebcCode=trade.platform.code)
    await counter.send("CEB311", mine)
    assert last(counter)[0] == "2"


@pytest.mark.parametrize("type_", OLDER)
async def test_a_change_is_legal_before_the_inventory(counter: Counter, type_: str) -> None:
    """A change (appType 2) with a later appTime is taken; not later, it is old data."""
    make = makers(counter.trade)[type_]
    await counter.send(type_, make("N1", 5))
    await counter.send(type_, make("N1", 6, appType="2"))
    status, info = last(counter)
    assert status == "2"
    assert info.startswith("变更申报成功[")
    await counter.send(type_, make("N1", 6, appType="2"))
    assert last(counter)[0] == OLDER[type_]


@pytest.mark.parametrize("type_", DECLARED)
async def test_no_change_once_an_inventory_lives(counter: Counter, type_: str) -> None:
    """While an inventory stands on them, order, payment and waybill may not change."""
    await counter.consignment("N1", without=["CEB711"])
    await counter.send(type_, makers(counter.trade)[type_]("N1", 6, appType="2"))
    assert last(counter)[0] == DECLARED[type_]


@pytest.mark.parametrize(
    ("type_", "code"),
    [
        ("CEB311", "-301009"),
        ("CEB411", "-401006"),
        ("CEB511", "-504014"),
        ("CEB513", "-505014"),
        ("CEB621", "-621011"),
        ("CEB711", "-800001"),
    ],
)
async def test_a_change_of_nothing(counter: Counter, type_: str, code: str) -> None:
    """A change needs a living declaration."""
    await counter.send(type_, makers(counter.trade)[type_]("N1", appType="2"))
    assert last(counter)[0] == code


async def test_a_change_of_an_inventory_names_its_numbers(counter: Counter) -> None:
    """It needs preNo and invtNo as they were given; then it goes through the match again."""
    trade = counter.trade
    await counter.consignment("N1", without=["CEB711"])
    await counter.send("CEB621", trade.inventory_of("N1", 2, appType="2"))
    assert last(counter)[0] == "-621012", "not before it has its number"
    counter.turn(1)
    given = [one for one in counter.entries if one.type == "CEB622"][-1].values
    await counter.send("CEB621", trade.inventory_of("N1", 2, appType="2"))
    assert last(counter)[0] == "-621053"
    numbers = {"preNo": given["preNo"], "invtNo": "460120269999999999"[:18]}
    await counter.send("CEB621", trade.inventory_of("N1", 2, appType="2", **numbers))
    assert last(counter)[0] == "-621999"
    numbers["invtNo"] = given["invtNo"]
    await counter.send("CEB621", trade.inventory_of("N1", 2, appType="2", **numbers))
    counter.turn(2)
    assert counter.statuses("CEB622", "CN1")[-2:] == ["2", "120"]
    assert counter.entries[-1].values["invtNo"] == given["invtNo"]
    await counter.send("CEB621", trade.inventory_of("N1", 2, appType="2", **numbers))
    assert last(counter)[0] == "-621055"


async def test_one_living_inventory_per_order(counter: Counter) -> None:
    """A second one under another own number is refused."""
    await counter.consignment("N1")
    await counter.send("CEB621", counter.trade.inventory_of("N1", copNo="ANOTHER"))
    assert last(counter)[0] == "-621041"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"copNo": ""}, "copNo"),
        ({"trafNo": ""}, "trafNo"),
        ({"voyageNo": ""}, "voyageNo"),
        ({"billNo": ""}, "billNo"),
        ({"packNo": "2"}, "packNo"),
        ({"tradeMode": "0110"}, "tradeMode"),
        ({"appStatus": "1"}, "appStatus"),
        ({"preNo": "B12345678901234567"}, "预录入编号"),
    ],
)
async def test_the_format_of_an_inventory(
    counter: Counter, changes: dict[str, str], words: str
) -> None:
    """What a direct-purchase inventory must have, and what a new one must not."""
    await counter.send("CEB621", counter.trade.inventory_of("N1", 1, **changes))
    status, info = last(counter)
    assert status == "-621001"
    assert words in info


async def test_only_signed_for_is_declared(counter: Counter) -> None:
    """A waybill status other than S is refused."""
    await counter.send("CEB513", counter.trade.waybill_status_of("N1", logisticsStatus="R"))
    status, info = last(counter)
    assert status == "-505011"
    assert "logisticsStatus" in info


async def test_row_numbers_are_unique(counter: Counter) -> None:
    """The same gnum twice is refused."""
    order = counter.trade.order("N1")
    twice = Content(order.head, (order.items[0], order.items[0]))
    await counter.send("CEB311", twice)
    assert last(counter)[0] == "-301008"


async def test_deletion_is_not_offered(counter: Counter) -> None:
    """An appType that nobody acts on has its code."""
    await counter.send("CEB311", counter.trade.order("N1", appType="3"))
    assert last(counter)[0] == "-301012"


@pytest.mark.parametrize(
    ("type_", "code"),
    [
        ("CEB311", "-301020"),
        ("CEB513", "-505011"),
        ("CEB621", "-621029"),
        ("CEB711", "-800001"),
    ],
)
async def test_the_signature_must_be_the_registered_key(
    counter: Counter, type_: str, code: str
) -> None:
    """A valid signature of somebody else's key refuses every document of the message."""
    trade = counter.trade
    sender, other = trade.sender(type_), trade.payment
    stranger = Party(
        code=sender.code,
        credit_code=sender.credit_code,
        name=sender.name,
        dxp_id=sender.dxp_id,
        signer=other.signer,
        certificate=other.certificate,
    )
    await counter.send(type_, makers(trade)[type_]("N1"), party=stranger)
    status, info = last(counter)
    assert status == code
    assert "证书与备案不符" in info
    assert counter.verdicts() == [("refused", code)]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"<ceb:acturalPaid>114.1<", b"<ceb:acturalPaid>114.2<", "签名与数据不符"),
        (b"</ds:SignatureValue>", b"</ds:SignatureValue >", ""),
    ],
)
async def test_what_was_changed_on_the_way(
    counter: Counter, old: bytes, new: bytes, words: str
) -> None:
    """A changed document breaks the signature; other spelling of the same XML does not."""
    trade = counter.trade
    message = await trade.message("CEB311", [trade.order("N1")])
    assert old in message
    counter.post(enveloped(message.replace(old, new), "CEB311", trade.platform.dxp_id))
    status, info = last(counter)
    assert (status == "-301020") is bool(words)
    assert words in info


async def test_an_unsigned_message(counter: Counter) -> None:
    """Every request must be signed."""
    trade = counter.trade
    message = await trade.message("CEB621", [trade.inventory_of("N1")])
    start = message.index(b"<ds:Signature ")
    end = message.index(b"</ds:Signature>") + len(b"</ds:Signature>")
    bare = message[:start] + message[end:]
    counter.post(enveloped(bare, "CEB621", trade.declarant.dxp_id))
    assert last(counter)[0] == "-621029"


async def test_a_certificate_out_of_date(counter: Counter) -> None:
    """A certificate is good within its window only."""
    counter.moment += timedelta(days=365 * 11)
    await counter.send("CEB311", counter.trade.order("N1"))
    status, info = last(counter)
    assert status == "-301020"
    assert "证书无效" in info


async def test_a_document_of_another_enterprise(counter: Counter) -> None:
    """The responsible enterprise of the document is the one that signs."""
    trade = counter.trade
    await counter.send("CEB621", trade.inventory_of("N1", agentCode=trade.carrier.code))
    status, info = last(counter)
    assert status == "-621001"
    assert "agentCode" in info


async def test_the_transmitting_enterprise_is_registered(counter: Counter) -> None:
    """Code, name and DXP id of the transfer block are those registered."""
    trade = counter.trade
    registration = {**trade.platform.registration, "name": "另一名称"}
    counter.authority.registry.put(trade.platform.code, registration)
    await counter.send("CEB311", trade.order("N1"))
    assert last(counter)[0] == "-10102"


async def test_a_refused_key_may_be_declared_again(counter: Counter) -> None:
    """A refusal leaves the key free."""
    trade = counter.trade
    await counter.send("CEB511", trade.waybill_of("N1", packNo="3"))
    await counter.send("CEB511", trade.waybill_of("N1"))
    assert counter.verdicts() == [("refused", "-504011"), ("taken", "2")]


async def test_texts_hold_no_personal_data(counter: Counter) -> None:
    """No entry names buyer or consignee, whatever went wrong."""
    trade = counter.trade
    await counter.consignment("N1")
    await counter.send("CEB311", trade.order("N1"), trade.order("N2", appType="3"))
    await counter.send("CEB411", trade.payment_of("N3", payerName="别人"))
    counter.turn(3)
    texts = "".join(str(one.values) for one in counter.entries)
    assert not [one for one in PERSONAL if one in texts]
