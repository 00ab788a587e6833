from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from gateway.store.receipts import add_entries
from gateway.telemetry import new_id
from tests.flow import firms
from tests.web.desk import GOODS, Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

ORDERS = "/v1/import/orders"
BUYER = ("甲测试", "乙测试", "13900000001", "13900000002", firms.BUYER, "示例市示例路1号")


async def _order(desk: Desk, number: str, **changes: Any) -> str:
    accepted = await desk.accepted("merchant", ORDERS, firms.order(number, **changes))
    return str(accepted["id"])


async def test_the_submitter_reads_its_document_in_clear(desk: Desk, number: str) -> None:
    """The body comes back with official names and the very texts, and what the gateway filled."""
    document_id = await _order(desk, number)
    answer = await desk.get("merchant", f"/v1/documents/{document_id}")
    body = answer.body
    assert answer.status == 200
    assert (body["id"], body["kind"], body["state"], body["version"]) == (
        document_id,
        "order",
        "accepted",
        1,
    )
    sent = firms.order(number)
    rows = sent.pop("items")
    assert body["body"].items() >= sent.items()
    assert body["body"]["items"][0].items() >= rows[0].items()
    assert body["body"]["guid"] == document_id
    assert body["body"]["mode"] == "direct-import"
    assert [one["id"] for one in body["versions"]] == [document_id]
    assert [one["state"] for one in body["events"]] == ["accepted"]
    assert body["receipts"] == []


@pytest.mark.parametrize("role", ["platform", "declarant", "operator"])
async def test_others_read_it_with_personal_data_masked(desk: Desk, number: str, role: str) -> None:
    """Parties and the operator see codes and amounts, never who buys."""
    document_id = await _order(desk, number)
    answer = await desk.get(role, f"/v1/documents/{document_id}")
    assert answer.status == 200
    text = json.dumps(answer.body, ensure_ascii=False)
    assert not [secret for secret in BUYER if secret in text]
    assert answer.body["body"]["acturalPaid"] == "310"
    assert answer.body["body"]["buyerIdNumber"] == "1**********X"


@pytest.mark.parametrize("role", ["payment", "logistics", "site", "authority"])
async def test_who_is_no_party_finds_nothing(desk: Desk, number: str, role: str) -> None:
    """A foreign document does not exist: the answer is that of an unknown id."""
    document_id = await _order(desk, number)
    foreign = await desk.get(role, f"/v1/documents/{document_id}")
    unknown = await desk.get(role, "/v1/documents/01900000-0000-7000-8000-000000000000")
    assert foreign.status == unknown.status == 404
    assert foreign.body == unknown.body


async def test_values_given_for_the_inventory_are_masked_too(desk: Desk, number: str) -> None:
    """Personal fields inside the inventory part of an order are masked for others."""
    mandate = {
        "principal": firms.AGENT,
        "holder": firms.EBC,
        "messageTypes": ["CEB621"],
        "validFrom": "2026-01-01",
        "evidence": "委托书示例",
    }
    assert (await desk.post("operator", "/v1/mandates", mandate)).status == 200
    document_id = await _order(desk, number, inventory={"note": "请找丙测试"})
    own = await desk.get("merchant", f"/v1/documents/{document_id}")
    assert own.body["body"]["inventory"]["note"] == "请找丙测试"
    other = await desk.get("platform", f"/v1/documents/{document_id}")
    assert "丙测试" not in json.dumps(other.body, ensure_ascii=False)


async def test_versions_of_a_key_are_listed_with_each(desk: Desk, number: str) -> None:
    """A changed order is a second version; both name both."""
    first = await _order(desk, number)
    second = await _order(desk, number, buyerRegNo="u-78")
    for document_id in (first, second):
        body = (await desk.get("merchant", f"/v1/documents/{document_id}")).body
        assert [(one["id"], one["version"]) for one in body["versions"]] == [
            (first, 1),
            (second, 2),
        ]
    assert (await desk.get("merchant", f"/v1/documents/{first}")).body["state"] == "replaced"


async def test_the_text_of_a_receipt_is_for_the_submitter(desk: Desk, number: str) -> None:
    """Status, codes and their meanings are for all who see the document; the text names persons."""
    document_id = await _order(desk, number)
    services, at = desk.gateway.services, datetime(2026, 3, 1, tzinfo=UTC)
    entry = {
        "id": new_id(),
        "receipt_id": new_id(),
        "digest": number,
        "type": "CEB312",
        "key_text": "[]",
        "document_id": document_id,
        "status": "100",
        "return_time": at,
        "codes": ["1327", "9999"],
        "numbers": {},
        "data_key": services.vault.key_id,
        "received_at": at,
    }
    entry["sealed_info"] = services.vault.seal(str(entry["id"]), "订购人甲测试不一致".encode())
    await services.database.write(add_entries, [entry])
    expected = {
        "type": "CEB312",
        "status": "100",
        "return_time": "2026-03-01T00:00:00.000+00:00",
        "codes": ["1327", "9999"],
        "numbers": {},
        "received_at": "2026-03-01T00:00:00.000+00:00",
    }
    text = "订购人甲测试不一致"
    for role in ("merchant", "platform", "declarant", "operator"):
        body = (await desk.get(role, f"/v1/documents/{document_id}")).body
        (receipt,) = body["receipts"]
        # A code that nobody knows the meaning of stands without one.
        (known,) = receipt.pop("meanings")
        assert known["code"] == "1327"
        assert known["zh"]
        assert known["en"]
        assert receipt == expected | {"info": text if role == "merchant" else None}


async def test_an_arrival_that_waits_is_shown_as_it_was_handed_in(desk: Desk, number: str) -> None:
    """Without its shipment nothing is written yet: state waiting, the site's own words."""
    record = firms.arrival(number, [number]) | {"billNo": number}
    accepted = await desk.accepted("site", "/v1/import/arrivals", record)
    body = (await desk.get("site", f"/v1/documents/{accepted['id']}")).body
    assert body["state"] == "waiting"
    assert body["body"] == record


async def _consignment(desk: Desk, number: str) -> str:
    await _order(desk, number)
    await desk.accepted("payment", "/v1/import/payments", firms.payment(number))
    await desk.accepted("logistics", "/v1/import/waybills", firms.waybill(number))
    return f"/v1/consignments?direction=import&ebpCode={firms.EBP_CREDIT}&orderNo={number}"


async def test_the_operator_sees_a_consignment_whole(desk: Desk, number: str) -> None:
    """Every document of the order, in time order, found by either code of the platform."""
    path = await _consignment(desk, number)
    answer = await desk.get("operator", path)
    body = answer.body
    assert answer.status == 200
    assert (body["direction"], body["ebpCode"], body["orderNo"]) == ("import", firms.EBP, number)
    assert [one["kind"] for one in body["documents"]] == ["order", "payment", "waybill"]
    times = [one["created_at"] for one in body["documents"]]
    assert times == sorted(times)
    assert [one["name"] for one in body["events"]].count("accepted") == 3
    by_id = await desk.get("operator", f"/v1/consignments/{body['id']}")
    assert by_id.body == body


@pytest.mark.parametrize(
    ("role", "kinds"),
    [
        ("merchant", ["order"]),
        ("declarant", ["order"]),
        ("payment", ["payment"]),
        ("logistics", ["waybill"]),
        ("platform", ["order", "payment", "waybill"]),
    ],
)
async def test_a_party_sees_the_common_state_and_its_own_documents(
    desk: Desk, number: str, role: str, kinds: list[str]
) -> None:
    """The state of the consignment is everybody's; documents and events are their parties'."""
    path = await _consignment(desk, number)
    whole = (await desk.get("operator", path)).body
    body = (await desk.get(role, path)).body
    assert body["state"] == whole["state"]
    assert [one["kind"] for one in body["documents"]] == kinds
    own = {one["id"] for one in body["documents"]}
    assert {one["document_id"] for one in body["events"]} <= own | {None}


async def test_who_has_no_document_in_it_finds_no_consignment(desk: Desk, number: str) -> None:
    """A site without an arrival for the order gets 404, under the id too."""
    path = await _consignment(desk, number)
    consignment_id = (await desk.get("operator", path)).body["id"]
    assert (await desk.get("site", path)).status == 404
    assert (await desk.get("site", f"/v1/consignments/{consignment_id}")).status == 404


@pytest.mark.parametrize(
    "query",
    [
        "",
        "?direction=import",
        "?direction=sideways&ebpCode=1&orderNo=1",
        "?direction=import&ebpCode=1&orderNo=1&orderNumber=1",
        "?direction=import&ebpCode=1&orderNo=1&orderNo=2",
        "?direction=import&ebpCode=1&orderNo=" + "1" * 101,
    ],
)
async def test_a_query_is_checked(desk: Desk, query: str) -> None:
    """Missing, unknown, doubled and overlong parameters are 400 and named."""
    answer = await desk.get("operator", f"/v1/consignments{query}")
    assert (answer.status, answer.body["code"]) == (400, "S-query")


async def test_an_unknown_parameter_is_named_in_a_sentence(desk: Desk) -> None:
    """In both languages."""
    body = (await desk.get("operator", "/v1/changes?foo=1")).body
    assert body["zh"] == "没有参数 foo。"
    assert body["en"] == "There is no parameter foo here."


async def _changes(desk: Desk, role: str, after: str, limit: int) -> list[dict[str, Any]]:
    """All changes after a cursor, page by page."""
    found: list[dict[str, Any]] = []
    while True:
        page = (await desk.get(role, f"/v1/changes?after={after}&limit={limit}")).body
        assert len(page["changes"]) <= limit
        found += page["changes"]
        after = page["next"]
        if not page["more"]:
            return found


async def _end(desk: Desk, role: str) -> str:
    after = ""
    while True:
        page = (await desk.get(role, f"/v1/changes?after={after}&limit=1000")).body
        if page["next"] == after:
            return str(after)
        after = page["next"]


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
async def test_changes_skip_nothing_and_double_nothing(desk: Desk, number: str, limit: int) -> None:
    """Whatever the size of the page: every acceptance once, in the order of acceptance."""
    start = await _end(desk, "merchant")
    ids = [await _order(desk, f"{number}-{place}") for place in range(5)]
    found = await _changes(desk, "merchant", start, limit)
    assert [one["document_id"] for one in found] == ids
    cursors = [int(one["cursor"]) for one in found]
    assert cursors == sorted(set(cursors))
    assert found[0].keys() == {"cursor", "document_id", "kind", "key", "version", "state", "at"}
    assert found[0]["key"] == {"ebpCode": firms.EBP, "orderNo": f"{number}-0"}


async def test_a_party_gets_its_own_changes_and_moves_past_the_others(
    desk: Desk, number: str
) -> None:
    """The payment firm hears of its payment alone; its cursor still passes the orders."""
    start = await _end(desk, "payment")
    for place in range(3):
        await _order(desk, f"{number}-{place}")
    page = (await desk.get("payment", f"/v1/changes?after={start}&limit=2")).body
    assert page["changes"] == []
    assert int(page["next"]) > int(start or 0)
    paid = await desk.accepted("payment", "/v1/import/payments", firms.payment(f"{number}-0"))
    found = await _changes(desk, "payment", page["next"], 10)
    assert [one["document_id"] for one in found] == [paid["id"]]


@pytest.mark.parametrize("query", ["after=x", "after=-1", "limit=0", "limit=1001", "limit=1e2"])
async def test_a_cursor_and_a_limit_are_checked(desk: Desk, query: str) -> None:
    """What is no cursor of ours is refused, never read as the start."""
    answer = await desk.get("merchant", f"/v1/changes?{query}")
    assert (answer.status, answer.body["code"]) == (400, "S-query")


async def test_registers_are_read_by_those_whom_they_name(desk: Desk) -> None:
    """The operator sees every enterprise, an enterprise itself; key profiles show no key."""
    everyone = (await desk.get("operator", "/v1/enterprises?limit=1000")).body["records"]
    assert {one["key"]["code"] for one in everyone} >= set(firms.NAMES)
    own = (await desk.get("merchant", "/v1/enterprises")).body["records"]
    assert [one["body"]["name"] for one in own] == [firms.NAMES[firms.EBC]]
    assert (await desk.get("merchant", f"/v1/enterprises/{firms.EBC}")).status == 200
    assert (await desk.get("merchant", f"/v1/enterprises/{firms.EBP}")).status == 404
    assert (await desk.get("platform", f"/v1/enterprises/{firms.EBP_CREDIT}")).status == 200
    keys = (await desk.get("operator", "/v1/key-profiles")).body
    assert len(keys["records"]) == len(firms.SIGNERS)
    assert "PRIVATE KEY" not in json.dumps(keys)


@pytest.mark.parametrize("limit", [1, 2, 3, 100])
async def test_registers_come_in_pages_that_skip_nothing(desk: Desk, limit: int) -> None:
    """Pages of any size give the same records in the same order."""
    for place in range(5):
        await desk.post("merchant", "/v1/goods", GOODS | {"itemNo": f"PAGE-{place}"})
    expected = [
        one["key"] for one in (await desk.get("merchant", "/v1/goods?limit=1000")).body["records"]
    ]
    found, after = [], ""
    while True:
        page = (
            await desk.ask("GET", "merchant", "/v1/goods", params={"after": after, "limit": limit})
        ).body
        found += [one["key"] for one in page["records"]]
        after = page["next"] or ""
        if not page["more"]:
            break
    assert len(expected) >= 5
    assert found == expected


@pytest.mark.parametrize("after", ["x", "[]", '["a"]', "[1,2,3]", "{}"])
async def test_a_cursor_of_a_register_is_checked(desk: Desk, after: str) -> None:
    """A cursor that is none is 400."""
    answer = await desk.ask("GET", "merchant", "/v1/goods", params={"after": after})
    assert (answer.status, answer.body["code"]) == (400, "S-query")
