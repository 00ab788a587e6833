from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from gateway.store.discrepancies import Opening, close, open_all
from tests.flow import firms
from tests.web.desk import Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

AT = datetime(2026, 3, 1, tzinfo=UTC)


async def _open(desk: Desk, number: str, parties: str = f"|{firms.EBC}|{firms.EBP}|") -> None:
    """Three entries about invented subjects: M05, refused, and one that is closed."""
    database = desk.gateway.services.database
    openings = [
        Opening(
            code=code,
            subject_kind="consignment",
            subject_id=f"{number}-{code}",
            consignment_id=number,
            parties=parties,
            detail={"fields": ["acturalPaid"]},
        )
        for code in ("M05", "refused", "overdue")
    ]
    await database.write(open_all, openings, AT)
    subject = [f"{number}-overdue"]
    later = AT + timedelta(hours=1)
    await database.write(lambda connection: close(connection, subject, later, resolution="receipt"))


async def _found(desk: Desk, role: str, query: str) -> list[dict[str, Any]]:
    answer = await desk.get(role, f"/v1/discrepancies?{query}")
    assert answer.status == 200, answer.body
    entries: list[dict[str, Any]] = answer.body["discrepancies"]
    return entries


async def test_the_queue_is_filtered(desk: Desk, number: str) -> None:
    """By state, code and consignment, alone and together."""
    await _open(desk, number)
    here = f"consignment={number}"
    assert [one["code"] for one in await _found(desk, "operator", here)] == [
        "M05",
        "refused",
        "overdue",
    ]
    closed = await _found(desk, "operator", f"{here}&state=closed")
    assert [(one["code"], one["resolution"]) for one in closed] == [("overdue", "receipt")]
    (one,) = await _found(desk, "operator", f"{here}&state=open&code=M05")
    assert one["subject"] == {"kind": "consignment", "id": f"{number}-M05"}
    assert one["detail"] == {"fields": ["acturalPaid"]}
    assert one["opened_at"] == "2026-03-01T00:00:00.000+00:00"
    assert await _found(desk, "operator", f"{here}&state=closed&code=M05") == []


async def test_a_party_sees_its_own_entries(desk: Desk, number: str) -> None:
    """The enterprises beside an entry see it, and an entry without parties is the operator's."""
    await _open(desk, number)
    await _open(desk, f"{number}-X", parties="||")
    assert len(await _found(desk, "merchant", f"consignment={number}")) == 3
    assert len(await _found(desk, "platform", f"consignment={number}")) == 3
    assert await _found(desk, "payment", f"consignment={number}") == []
    assert await _found(desk, "merchant", f"consignment={number}-X") == []
    assert len(await _found(desk, "operator", f"consignment={number}-X")) == 3


@pytest.mark.parametrize(
    ("role", "shown"),
    [("operator", True), ("platform", True), ("merchant", False), ("declarant", False),
     ("payment", False), ("logistics", False)],
)  # fmt: skip
async def test_findings_quote_no_document_that_the_asker_may_not_see(
    desk: Desk, number: str, role: str, *, shown: bool
) -> None:
    """The payment's amount is for who may see order and payment, in both places where it stands."""
    await desk.accepted("merchant", "/v1/import/orders", firms.order(number))
    paid = firms.payment(number, amountPaid="311")
    await desk.accepted("payment", "/v1/import/payments", paid)
    await desk.accepted("logistics", "/v1/import/waybills", firms.waybill(number))
    where = f"consignments?direction=import&ebpCode={firms.EBP}&orderNo={number}"
    consignment = (await desk.get("operator", f"/v1/{where}")).body["id"]
    values = {"order.acturalPaid": "310", "payment.amountPaid": "311"}
    told = {"zh": "金额 310 与 311 不同", "en": "310 is not 311"}
    finding = {"code": "M05", "fields": ["acturalPaid"], "values": values, **told}
    opening = Opening(
        code="M05",
        subject_kind="consignment",
        subject_id=consignment,
        consignment_id=consignment,
        parties=f"|{firms.EBC}|{firms.EBP}|{firms.PAY}|{firms.LOGISTICS}|{firms.AGENT}|",
        detail={
            "findings": [finding | {"kinds": ["order", "payment"]}],
            "problems": [{"path": "$.x", "code": "S-length", "value": "311"}],
        },
    )
    await desk.gateway.services.database.write(open_all, [opening], AT)
    (queued,) = await _found(desk, role, f"consignment={consignment}")
    assert (await desk.get(role, f"/v1/{where}")).body["discrepancies"] == [queued]
    (found,) = queued["detail"]["findings"]
    assert found["fields"] == ["acturalPaid"]
    assert found["values"] == (values if shown else {})
    text = json.dumps(queued["detail"])
    assert ("311" in text) is shown
    assert ("310" in text) is shown
    assert found["en"] == (told["en"] if shown else queued["en"])


@pytest.mark.parametrize(
    ("kind", "seen_by"),
    [("row", ["merchant", "declarant"]), ("inventory", ["merchant", "declarant"]),
     ("goods", ["merchant", "declarant"]), ("payment", ["payment"]), ("waybill", ["logistics"])],
)  # fmt: skip
async def test_each_source_is_quoted_to_those_whose_document_it_stands_in(
    desk: Desk, number: str, kind: str, seen_by: list[str]
) -> None:
    """Rows, goods and what is given for the inventory belong to the order."""
    await desk.accepted("merchant", "/v1/import/orders", firms.order(number))
    await desk.accepted("payment", "/v1/import/payments", firms.payment(number))
    await desk.accepted("logistics", "/v1/import/waybills", firms.waybill(number))
    where = f"consignments?direction=import&ebpCode={firms.EBP}&orderNo={number}"
    consignment = (await desk.get("operator", f"/v1/{where}")).body["id"]
    opening = Opening(
        code="R-fit",
        subject_kind="consignment",
        subject_id=consignment,
        consignment_id=consignment,
        parties=f"|{firms.EBC}|{firms.EBP}|{firms.PAY}|{firms.LOGISTICS}|{firms.AGENT}|",
        detail={"findings": [{"values": {f"{kind}.x": "7"}, "kinds": [kind]}]},
    )
    await desk.gateway.services.database.write(open_all, [opening], AT)
    seen = []
    for role in ("merchant", "declarant", "payment", "logistics"):
        (queued,) = await _found(desk, role, f"consignment={consignment}")
        if queued["detail"]["findings"][0]["values"]:
            seen.append(role)
    assert seen == seen_by


async def test_codes_of_customs_come_with_their_meanings(desk: Desk, number: str) -> None:
    """An inventory that came back: what the code says, and that the partners are to be mended."""
    opening = Opening(
        code="returned",
        subject_kind="document",
        subject_id=f"{number}-returned",
        consignment_id=number,
        parties=f"|{firms.EBC}|",
        detail={"status": "100", "codes": ["1327"], "kind": "inventory"},
    )
    await desk.gateway.services.database.write(open_all, [opening], AT)
    (queued,) = await _found(desk, "merchant", f"consignment={number}")
    assert [one["code"] for one in queued["detail"]["meanings"]] == ["1327"]
    assert "inventory follows by itself" in queued["next"]["en"]


async def test_the_queue_comes_in_pages(desk: Desk, number: str) -> None:
    """Page by page gives every entry once."""
    await _open(desk, number)
    found: list[str] = []
    after = ""
    while True:
        answer = await desk.get(
            "operator", f"/v1/discrepancies?consignment={number}&limit=1&after={after}"
        )
        found += [one["code"] for one in answer.body["discrepancies"]]
        after = answer.body["next"]
        if not answer.body["more"]:
            break
    assert found == ["M05", "refused", "overdue"]


async def test_an_unknown_state_is_refused(desk: Desk) -> None:
    """A misspelt filter must not look like an empty queue."""
    answer = await desk.get("operator", "/v1/discrepancies?state=opened")
    assert (answer.status, answer.body["code"]) == (400, "S-query")
