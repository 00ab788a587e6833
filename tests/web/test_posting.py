from __future__ import annotations

import json
from io import BytesIO
from typing import Any

import pytest

from tests.flow import firms
from tests.web.desk import GOODS, Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDERS = "/v1/import/orders"
JSON = "application/json"
NDJSON = "application/x-ndjson"


async def _raw(desk: Desk, data: bytes, content_type: str = JSON, path: str = ORDERS) -> Any:
    headers = {"Content-Type": content_type} if content_type else {}
    return await desk.ask(
        "POST",
        "merchant",
        path,
        data=BytesIO(data),
        headers=headers,
        skip_auto_headers=["Content-Type"],
    )


async def test_one_object_is_answered_as_the_contract_says(desk: Desk, number: str) -> None:
    """202 with id, kind, key, version, state and repeated, and nothing else."""
    answer = await desk.post("merchant", ORDERS, firms.order(number))
    assert answer.status == 202
    document_id = answer.body.pop("id")
    assert len(document_id) == 36
    assert document_id == document_id.upper()
    assert answer.body == {
        "kind": "order",
        "key": {"ebpCode": firms.EBP, "orderNo": number},
        "version": 1,
        "state": "accepted",
        "repeated": False,
    }


async def test_a_repeat_gets_the_first_answer(desk: Desk, number: str) -> None:
    """The same content, written differently, is the same document however often it comes."""
    first = await desk.accepted("merchant", ORDERS, firms.order(number))
    for freight in ("20", "20.0", 20):
        again = await desk.accepted("merchant", ORDERS, firms.order(number, freight=freight))
        assert (again["id"], again["repeated"]) == (first["id"], True)


async def test_many_are_answered_one_by_one(desk: Desk, number: str) -> None:
    """An array: counts, and results in order with the status and body of the single answer."""
    await desk.accepted("merchant", ORDERS, firms.order(f"{number}-1"))
    bad = firms.order(f"{number}-3") | {"items": []}
    body = [firms.order(f"{number}-1"), firms.order(f"{number}-2"), bad]
    answer = (await desk.post("merchant", ORDERS, body)).body
    assert {name: answer[name] for name in ("accepted", "repeated", "refused")} == {
        "accepted": 1,
        "repeated": 1,
        "refused": 1,
    }
    assert [(one["index"], one["status"]) for one in answer["results"]] == [
        (0, 202),
        (1, 202),
        (2, 422),
    ]
    single = await desk.post("merchant", ORDERS, bad)
    assert single.status == 422
    refused = {k: v for k, v in answer["results"][2].items() if k != "index"}
    assert refused == single.body


async def test_ndjson_is_an_array_in_lines(desk: Desk, number: str) -> None:
    """Blank lines are nothing; a line that is no JSON is refused alone."""
    good = json.dumps(firms.order(number), ensure_ascii=False)
    answer = await _raw(desk, f"\n{good}\n{{broken\n".encode(), NDJSON)
    assert answer.status == 202
    assert [one["status"] for one in answer.body["results"]] == [202, 422]


async def test_an_array_of_refused_records_is_202_all_the_same(desk: Desk) -> None:
    """What is wrong stays with the records; nothing at all is nothing accepted."""
    answer = await desk.post("merchant", ORDERS, [{"x": 1}, 5, None])
    assert (answer.status, answer.body["refused"]) == (202, 3)
    empty = await desk.post("merchant", ORDERS, [])
    assert (empty.status, empty.body["accepted"], empty.body["results"]) == (202, 0, [])


async def test_problems_name_path_field_code_and_both_sentences(desk: Desk, number: str) -> None:
    """A 422 is application/problem+json and lists what is wrong; a buyer's data is masked."""
    record = firms.order(number, buyerIdNumber=firms.BUYER + "1" * 60)
    record["items"][0]["qty"] = "1e3"
    answer = await desk.post("merchant", ORDERS, record)
    assert answer.status == 422
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["status"] == 422
    assert answer.body["type"].endswith(answer.body["code"])
    problems = {one["path"]: one for one in answer.body["problems"]}
    assert problems.keys() == {"$.buyerIdNumber", "$.items[0].qty"}
    for one in problems.values():
        assert one.keys() == {"path", "field", "code", "value", "zh", "en"}
        assert one["code"]
        assert one["zh"]
        assert one["en"]
    assert problems["$.items[0].qty"]["value"] == "1e3"
    assert firms.BUYER not in json.dumps(answer.body)


async def test_every_422_lists_its_problems(desk: Desk, number: str) -> None:
    """A record that no field is to blame for has one problem at least: the whole of it."""
    stranger = firms.order(number, ebcCode=firms.PAY, ebcName=firms.NAMES[firms.PAY])
    profile = {
        "agentCode": firms.AGENT, "mode": "direct-import", "customsCode": "5131",
        "portCode": "5131", "assureCode": "A-1",
    }  # fmt: skip
    for role, path, record in (
        ("merchant", ORDERS, firms.order(number, declarant=firms.PAY)),
        ("platform", ORDERS, stranger),
        ("merchant", ORDERS, {}),
        ("payment", "/v1/import/payments", firms.payment(number, amountPaid="-1")),
        ("declarant", "/v1/profiles", profile | {"declaration": "approve"}),
        ("operator", "/v1/key-profiles", {"profile": "k"}),
        ("operator", "/v1/api-keys", {"role": "king", "enterprise": firms.EBC}),
        ("operator", "/v1/api-keys", {"role": "merchant", "enterprise": "4403969999"}),
        ("operator", "/v1/api-keys", {"role": "merchant"}),
    ):
        answer = await desk.post(role, path, record)
        assert answer.status == 422, (path, answer.body)
        results = [answer.body]
        if path != "/v1/api-keys":
            many = await desk.post(role, path, [record, record])
            assert many.body["refused"] == 2
            results += many.body["results"]
        for one in results:
            assert one["problems"], (path, one)
            for problem in one["problems"]:
                assert problem.keys() >= {"path", "code", "zh", "en"}


async def test_declaring_after_approval_is_refused_for_now(desk: Desk) -> None:
    """Nobody could give the approval yet, so the profile would stop every declaration."""
    path = f"/v1/profiles/{firms.AGENT}/direct-import/5132"
    record = {"portCode": "5132", "assureCode": "A-1", "declaration": "approve"}
    refused = await desk.ask("PUT", "declarant", path, json=record)
    assert refused.status == 422
    (problem,) = refused.body["problems"]
    assert (problem["path"], problem["code"]) == ("$.declaration", "R-approval")
    assert "automatic" in problem["en"]
    assert (await desk.get("declarant", path)).status == 404


@pytest.mark.parametrize(
    ("data", "content_type", "status", "code"),
    [
        (b"{", JSON, 400, "S-json"),
        (b"", JSON, 400, "S-json"),
        (b"3", JSON, 400, "S-type"),
        (b'"order"', JSON, 400, "S-type"),
        (b"\xff{}", JSON, 400, "S-encoding"),
        (b"[" * 100_000, JSON, 400, "S-depth"),
        (b"[" + b",".join([b"{}"] * 1001) + b"]", JSON, 413, "S-records"),
        (b"{}\n" * 1001, NDJSON, 413, "S-records"),
        (b" " * 8_388_609, JSON, 413, "S-size"),
        (b"{}", "", 415, "S-content-type"),
        (b"{}", "text/plain", 415, "S-content-type"),
        (b"{}", "application/json; charset=gbk", 415, "S-content-type"),
    ],
)
async def test_a_fault_of_the_whole_body_is_one_answer(
    desk: Desk, data: bytes, content_type: str, status: int, code: str
) -> None:
    """400, 413 and 415 are problems too, and name what to send instead."""
    answer = await _raw(desk, data, content_type)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["zh"]
    assert answer.body["en"]


async def test_a_compressed_body_is_refused_unread(desk: Desk) -> None:
    """A small body that would unpack to a large one is not unpacked."""
    headers = {"Content-Type": JSON, "Content-Encoding": "gzip"}
    answer = await desk.ask("POST", "merchant", ORDERS, data=b"\x1f\x8b", headers=headers)
    assert (answer.status, answer.body["code"]) == (415, "S-coding")


async def test_a_body_of_unknown_length_is_bounded_too(desk: Desk) -> None:
    """A chunked body is cut off at the limit."""

    async def chunks() -> Any:
        for _ in range(9):
            yield b" " * 1_048_576

    headers = {"Content-Type": JSON}
    answer = await desk.ask("POST", "merchant", ORDERS, data=chunks(), headers=headers)
    assert (answer.status, answer.body["code"]) == (413, "S-size")


async def test_a_register_answers_with_key_and_version(desk: Desk) -> None:
    """200 for one record; the same again is repeated; other content is the next version."""
    record = GOODS | {"itemNo": "SKU-VERSIONS"}
    key = {"ebcCode": firms.EBC, "itemNo": "SKU-VERSIONS", "direction": "I"}
    expected = {"kind": "goods", "key": key, "version": 1, "repeated": False}
    first = await desk.post("merchant", "/v1/goods", record)
    assert (first.status, first.body) == (200, expected)
    again = await desk.post("merchant", "/v1/goods", record)
    assert again.body == expected | {"repeated": True}
    changed = await desk.post("merchant", "/v1/goods", record | {"gname": "配方奶粉"})
    assert changed.body == expected | {"version": 2}


async def test_put_replaces_a_record_at_its_own_address(desk: Desk) -> None:
    """The key stands in the address, percent-encoded; a body that says otherwise is refused."""
    path = f"/v1/goods/{firms.EBC}/SKU%2F7%20%E5%A5%B6/I"
    record = {name: GOODS[name] for name in GOODS if name not in {"ebcCode", "itemNo", "direction"}}
    answer = await desk.ask("PUT", "merchant", path, json=record)
    assert (answer.status, answer.body["key"]["itemNo"]) == (200, "SKU/7 奶")
    read = await desk.get("merchant", path)
    assert (read.status, read.body["body"]["gname"]) == (200, "奶粉")
    other = await desk.ask("PUT", "merchant", path, json=record | {"itemNo": "SKU-8"})
    assert (other.status, other.body["code"]) == (400, "S-address")
    many = await desk.ask("PUT", "merchant", path, json=[record, record])
    assert (many.status, many.body["code"]) == (400, "S-one")


async def test_a_profile_of_a_merchant_has_an_address_of_its_own(desk: Desk) -> None:
    """The part of a key that may be left out stands last in the address."""
    general = f"/v1/profiles/{firms.AGENT}/direct-import/5130"
    assert (await desk.get("declarant", general)).body["body"]["customsCode"] == "5130"
    own = f"{general}/{firms.EBC}"
    assert (await desk.get("declarant", own)).status == 404
    record = {"assureCode": "A-2", "declaration": "automatic"}
    assert (await desk.ask("PUT", "declarant", own, json=record)).status == 200
    assert (await desk.get("declarant", own)).body["body"]["assureCode"] == "A-2"
    assert (await desk.get("declarant", general)).body["body"]["assureCode"] == firms.EBC


async def test_receipts_are_taken_with_an_empty_answer(desk: Desk) -> None:
    """200 and no body for bytes that are durable, whatever they say and however often they come."""
    for data in (b"<x/>", b"<x/>", b"\x00 no xml at all"):
        answer = await desk.ask("POST", "authority", "/v1/receipts/customs", data=data)
        assert (answer.status, answer.body) == (200, "")
    unknown = await desk.ask("POST", "authority", "/v1/receipts/moon", data=b"<x/>")
    assert (unknown.status, unknown.body["code"]) == (404, "N-authority")


async def test_a_receipt_of_more_than_8_mib_is_refused(desk: Desk) -> None:
    """The receiving end is bounded like the rest."""
    answer = await desk.ask(
        "POST", "authority", "/v1/receipts/customs", data=BytesIO(b"x" * 8_388_609)
    )
    assert answer.status == 413
