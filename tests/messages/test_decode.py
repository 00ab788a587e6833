"""What is wrong with a submitted record is found, named by path and code, and masked."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from gateway.errors import PROBLEMS_MAX, Invalid, Problem
from gateway.messages import (
    MessageType,
    decode,
    decode_register,
    load_catalogue,
    parse_json,
    parse_ndjson,
)
from gateway.messages.body import is_one_object
from gateway.messages.example import submission
from gateway.messages.mask import mask

CATALOGUE = load_catalogue()
ORDER = CATALOGUE.type("CEB311")


def parsed(record: object) -> object:
    """A record as it comes out of a body."""
    return parse_json(json.dumps(record).encode(), limit_records=10)[0]


def problems(one: MessageType, record: object) -> list[Problem]:
    """What decoding finds."""
    with pytest.raises(Invalid) as caught:
        decode(one, record)
    return list(caught.value.problems)


def order(**changes: Any) -> dict[str, Any]:
    """The example order of the documentation, changed; None takes a field away."""
    record = submission(ORDER) | changes
    return {name: value for name, value in record.items() if value is not None}


def row(**changes: Any) -> dict[str, Any]:
    """An order whose one row is changed."""
    first = submission(ORDER)["items"][0] | changes
    return order(items=[{name: value for name, value in first.items() if value is not None}])


@pytest.mark.parametrize(
    ("record", "path", "code"),
    [
        (order(orderNo=None), "$.orderNo", "S-required"),
        (order(orderNo=""), "$.orderNo", "S-length"),
        (order(orderNo="x" * 61), "$.orderNo", "S-length"),
        (order(orderNo=12), "$.orderNo", "S-type"),
        (order(orderNo=None, OrderNo="1"), "$.OrderNo", "S-unknown"),
        (order(orderNo=["1"]), "$.orderNo", "S-type"),
        (order(note=True), "$.note", "S-type"),
        (order(consigneeDistrict="12345"), "$.consigneeDistrict", "S-length"),
        (order(consigneeDistrict=""), "$.consigneeDistrict", "S-length"),
        (order(currency="USD"), "$.currency", "S-value"),
        (order(goodsValue="1_000"), "$.goodsValue", "S-type"),
        (order(goodsValue=-1), "$.goodsValue", "S-type"),
        (order(goodsValue="+1"), "$.goodsValue", "S-type"),
        (order(goodsValue=" 1"), "$.goodsValue", "S-type"),
        (order(goodsValue="1,000"), "$.goodsValue", "S-type"),
        (order(goodsValue="\uff11"), "$.goodsValue", "S-type"),
        (order(goodsValue=".5"), "$.goodsValue", "S-type"),
        (order(goodsValue="1.000000"), "$.goodsValue", "S-digits"),
        (order(goodsValue="1" * 15), "$.goodsValue", "S-digits"),
        (order(goodsValue=""), "$.goodsValue", "S-type"),
        (order(goodsValue={}), "$.goodsValue", "S-type"),
        (order(guid="x" * 36), "$.guid", "S-generated"),
        (order(orderType="E"), "$.orderType", "S-value"),
        (order(appStatus="1"), "$.appStatus", "S-filled"),
        (order(buyerName="a\x00b"), "$.buyerName", "S-characters"),
        (order(buyerName="a\x08b"), "$.buyerName", "S-characters"),
        (order(buyerName="a\ud800b"), "$.buyerName", "S-characters"),
        (order(buyerName="a\uffffb"), "$.buyerName", "S-characters"),
        (order(items=None), "$.items", "S-required"),
        (order(items={}), "$.items", "S-type"),
        (order(items=[]), "$.items", "S-rows"),
        (order(items=[1]), "$.items[0]", "S-type"),
        (order(items=submission(ORDER)["items"] * 100), "$.items", "S-rows"),
        (row(qty="1x"), "$.items[0].qty", "S-type"),
        (row(qty=None), "$.items[0].qty", "S-required"),
        (row(extra="1"), "$.items[0].extra", "S-unknown"),
        (row(gnum=2), "$.items[0].gnum", "S-row-number"),
        (row(gnum="01"), "$.items[0].gnum", "S-row-number"),
        (order(mode="by-drone"), "$.mode", "S-value"),
        (order(declarant="1" * 19), "$.declarant", "S-length"),
        (order(declarant=1), "$.declarant", "S-type"),
        (order(inventory=[]), "$.inventory", "S-type"),
        (order(inventory={"gcode": "1"}), "$.inventory.gcode", "S-unknown"),
        (order(inventory={"guid": "1" * 36}), "$.inventory.guid", "S-unknown"),
        (order(inventory={"items": [{"gcode": "1"}]}), "$.inventory.items[0].gcode", "S-length"),
        (order(inventory={"items": [1]}), "$.inventory.items[0]", "S-type"),
        ("order", "$", "S-type"),
        ([], "$", "S-type"),
    ],
)
def test_each_fault_has_path_and_code(record: object, path: str, code: str) -> None:
    """Every facet that is broken is reported at its JSON path with its stable code."""
    value = parsed(record) if isinstance(record, dict) else record
    assert (path, code) in [(one.path, one.code) for one in problems(ORDER, value)]


@pytest.mark.parametrize("text", ["NaN", "Infinity", "-Infinity", "1e3", "1E0", "-0", "-1.5"])
def test_json_numbers_are_plain(text: str) -> None:
    """What JSON or Python call a number and customs would not is refused as it was written."""
    body = json.dumps(order(goodsValue="@")).replace('"@"', text).encode()
    found = problems(ORDER, parse_json(body, limit_records=1)[0])
    assert [(one.code, one.value) for one in found] == [("S-type", text)]


@pytest.mark.parametrize("text", ["0", "1.50", "100.00000", "12345678901234.12345"])
def test_numbers_keep_their_written_text(text: str) -> None:
    """A JSON number goes into the XML as it was written, never through a float."""
    body = json.dumps(order(goodsValue="@")).replace('"@"', text).encode()
    as_number = decode(ORDER, parse_json(body, limit_records=1)[0])
    as_text = decode(ORDER, parsed(order(goodsValue=text)))
    assert as_number.content.head["goodsValue"] == text
    assert type(as_number.content.head["goodsValue"]) is str
    assert as_number == as_text


def test_names_given_twice_are_refused() -> None:
    """The last of two values never wins silently, neither in the head nor in a row."""
    head = json.dumps(order())[:-1] + ',"orderNo":"2"}'
    in_row = json.dumps(order()).replace('"qty"', '"qty":"1","qty"')
    for text, path in ((head, "$.orderNo"), (in_row, "$.items[0].qty")):
        found = problems(ORDER, parse_json(text.encode(), limit_records=1)[0])
        assert [(one.path, one.code) for one in found] == [(path, "S-duplicate")]


def test_personal_values_are_masked() -> None:
    """A problem shows enough to find the value and not the value; codes are shown."""
    found = problems(ORDER, parsed(order(buyerIdNumber="110101199001011234" * 4, orderNo="n" * 61)))
    shown = {one.field: one.value for one in found}
    assert shown == {"buyerIdNumber": "1**********4", "orderNo": "n" * 61}
    assert [mask(text) for text in ("", "李", "张三丰", "abcd")] == ["***", "***", "***", "a**d"]


def test_problems_are_in_two_languages_and_bounded() -> None:
    """Each problem says in Chinese and English what to do; 25 at most."""
    found = problems(ORDER, {f"x{number}": "1" for number in range(1000)})
    assert len(found) == PROBLEMS_MAX
    (one,) = problems(ORDER, parsed(order(orderNo=None)))
    assert one.zh == "订单编号（orderNo）必填"
    assert one.en == "Order number (orderNo) is required"


def test_hostile_names_can_be_answered() -> None:
    """An unknown name of any length and content gives a problem that UTF-8 can carry."""
    (one,) = problems(ORDER, order() | {"\ud800\x00" + "x" * 10_000: "1"})
    assert len(json.dumps(one.as_json(), ensure_ascii=False).encode()) < 2000


def test_extension_stays_beside_the_message() -> None:
    """mode, declarant and inventory are read and do not enter the content."""
    given = {"trafMode": "5", "netWeight": 1, "items": [{"gcode": "1" * 10}]}
    decoded = decode(ORDER, parsed(order(declarant="1100000005", inventory=given)))
    assert decoded.extension == {
        "mode": "direct-import",
        "declarant": "1100000005",
        "inventory": given | {"netWeight": "1"},
    }
    assert not {"mode", "declarant", "inventory"} & decoded.content.head.keys()
    assert decode(ORDER, parsed(order(mode=None))).extension["mode"] == "direct-import"


def test_register_lists_are_tuples() -> None:
    """Roles are a list of known, different texts; rows keep their own name."""
    enterprise = CATALOGUE.by_kind("enterprise")
    record = {"code": "1100000002", "name": "企业", "roles": ["merchant", "platform"]}
    subscribers = [{"status": "ALL", "dxpAddress": "DXPENT0000000001"}]
    assert decode_register(enterprise, record | {"subscribers": subscribers}) == {
        **record,
        "roles": ("merchant", "platform"),
        "subscribers": subscribers,
    }
    wrong: list[tuple[object, str, str]] = [
        (["king"], "$.roles[0]", "S-value"),
        (["merchant", "merchant"], "$.roles", "S-duplicate"),
        ("merchant", "$.roles", "S-type"),
        ([], "$.roles", "S-required"),
        ([{}], "$.roles[0]", "S-type"),
    ]
    for roles, path, code in wrong:
        with pytest.raises(Invalid) as caught:
            decode_register(enterprise, record | {"roles": roles, "name": ""})
        found = [(one.path, one.code) for one in caught.value.problems]
        assert (path, code) in found
        assert ("$.name", "S-length") in found


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "S-json"),
        (b"", "S-json"),
        (b'{"a":"\x01"}', "S-json"),
        (b'{"a":"\xff"}', "S-encoding"),
        (b'{"a":"\xed\xa0\x80"}', "S-encoding"),  # a surrogate in UTF-8's clothes
        (b"[" * 200_000, "S-depth"),
        (b'{"a":' * 200_000, "S-depth"),
        (b"[{},{},{}]", "S-records"),
    ],
)
def test_unreadable_bodies(body: bytes, code: str) -> None:
    """What makes the whole body unreadable is said once."""
    with pytest.raises(Invalid) as caught:
        parse_json(body, limit_records=2)
    assert [one.code for one in caught.value.problems] == [code]


def test_one_bad_line_does_not_poison_its_neighbours() -> None:
    """In NDJSON only the line that is no JSON is refused."""
    good = json.dumps(order()).encode()
    records = parse_ndjson(good + b"\r\n\n{oops\n" + good + b"\n", limit_records=3)
    assert decode(ORDER, records[0]) == decode(ORDER, records[2])
    assert [one.code for one in problems(ORDER, records[1])] == ["S-json"]
    with pytest.raises(Invalid, match="S-records"):
        parse_ndjson(good + b"\n" + good, limit_records=1)


@pytest.mark.parametrize(
    ("body", "single"), [(b" {}", True), (b"\xef\xbb\xbf{}", True), (b"[{}]", False), (b"", False)]
)
def test_single_objects_are_told_apart(body: bytes, single: bool) -> None:  # noqa: FBT001 - a table
    """One object gets one answer, an array a list of them."""
    assert is_one_object(body) is single


@pytest.mark.parametrize("reading", [decode, decode_register])
def test_bad_lines_reach_no_decoder(reading: Callable[[MessageType, object], object]) -> None:
    """An unreadable line is refused by every decoder."""
    (line,) = parse_ndjson(b"{oops", limit_records=1)
    with pytest.raises(Invalid, match="S-json"):
        reading(CATALOGUE.by_kind("goods"), line)
