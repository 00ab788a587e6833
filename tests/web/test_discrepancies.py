from __future__ import annotations

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
