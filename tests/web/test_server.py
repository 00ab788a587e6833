from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from gateway.errors import Refused
from gateway.web import limits as bounds
from gateway.web.limits import Admission, Limits
from tests.flow import firms
from tests.web.desk import GOODS, Desk, opened

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/", 404, "N-path"),
        ("GET", "/v1/nothing", 404, "N-path"),
        ("POST", "/v1/import/inventories", 404, "N-path"),
        ("DELETE", "/v1/changes", 405, "N-method"),
        ("GET", "/v1/import/orders", 405, "N-method"),
    ],
)
async def test_what_is_not_there_is_a_problem(
    desk: Desk, method: str, path: str, status: int, code: str
) -> None:
    """404 and 405 are application/problem+json; 405 names the methods that are there."""
    answer = await desk.ask(method, "operator", path)
    assert (answer.status, answer.body["code"]) == (status, code)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.body["title"]
    assert ("Allow" in answer.headers) == (status == 405)


async def test_a_fault_that_nobody_foresaw_is_a_bare_500(tmp_path: Path) -> None:
    """With a table gone the answer is a problem, and neither it nor the log tells what was sent.

    The error of the database names its parameters: they must not get out.
    """
    secret = "不可泄露"
    async with opened(tmp_path) as desk:
        database = desk.gateway.services.database
        await database.write(
            lambda connection: connection.exec_driver_sql("DROP TABLE consignments")
        )
        with capture_logs() as logs:
            answer = await desk.get("operator", f"/v1/consignments/{secret}")
    assert (answer.status, answer.body["code"]) == (500, "O-unexpected")
    assert "Traceback" not in json.dumps(answer.body)
    (fault,) = [one for one in logs if one["event"] == "unexpected"]
    assert fault["fault"] == "OperationalError"
    assert "reading.py" in fault["stack"]
    assert secret not in json.dumps(logs, ensure_ascii=False, default=str)


async def test_a_correlation_id_is_kept_or_made(desk: Desk) -> None:
    """A UUID of the client comes back and stands in the log; anything else is replaced."""
    given = str(uuid4())
    with capture_logs() as logs:
        answer = await desk.ask("GET", "", "/healthz", headers={"X-Correlation-Id": given})
    assert answer.headers["X-Correlation-Id"] == given.upper()
    (line,) = [one for one in logs if one["event"] == "request"]
    assert (line["route"], line["status"], line["method"]) == ("/healthz", 200, "GET")
    other = await desk.ask("GET", "", "/healthz", headers={"X-Correlation-Id": 'x" injected'})
    assert len(other.headers["X-Correlation-Id"]) == 36


async def test_the_correlation_id_of_a_request_is_that_of_its_document(
    desk: Desk, number: str
) -> None:
    """The id under which a document was handed in is stored with it."""
    given = str(uuid4()).upper()
    record = firms.order(number)
    answer = await desk.ask(
        "POST", "merchant", "/v1/import/orders", json=record, headers={"X-Correlation-Id": given}
    )
    database = desk.gateway.services.database
    stored = await database.read(
        lambda connection: connection.exec_driver_sql(
            "SELECT correlation FROM documents WHERE id = ?", (answer.body["id"],)
        ).scalar_one()
    )
    assert stored == given


async def test_the_access_log_holds_no_business_key_and_no_buyer(desk: Desk, number: str) -> None:
    """A line tells route, status, role and count; paths and bodies stay out of it."""
    with capture_logs() as logs:
        accepted = await desk.accepted("merchant", "/v1/import/orders", firms.order(number))
        await desk.get("merchant", f"/v1/documents/{accepted['id']}")
        await desk.get(
            "merchant", f"/v1/consignments?direction=import&ebpCode={firms.EBP}&orderNo={number}"
        )
    lines = [one for one in logs if one["event"] == "request"]
    assert [one["route"] for one in lines] == [
        "/v1/import/orders",
        "/v1/documents/{id}",
        "/v1/consignments",
    ]
    assert (lines[0]["role"], lines[0]["records"]) == ("merchant", 1)
    text = json.dumps(logs, ensure_ascii=False, default=str)
    token = desk.keys["merchant"]
    for secret in (number, accepted["id"], firms.BUYER, "甲测试", "13900000001", token):
        assert secret not in text


async def test_a_broken_request_is_closed_without_a_word_in_the_log(desk: Desk) -> None:
    """Bytes that are no HTTP get a 400, and what was sent is not logged."""
    target = urlsplit(desk.url)
    with capture_logs() as logs:
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        writer.write(b"GET /v1/changes HTTP/1.1\r\nbroken header with 13900000001\r\n\r\n")
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert [one["event"] for one in logs] == ["broken_request"]
    assert "13900000001" not in str(logs)


async def test_a_connection_that_says_nothing_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half a request head does not hold a connection for ever."""
    monkeypatch.setattr("gateway.web.server.IDLE_SECONDS", 0.2)
    async with opened(tmp_path) as desk:
        target = urlsplit(desk.url)
        reader, writer = await asyncio.open_connection(target.hostname, target.port)
        writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


async def test_a_body_that_does_not_arrive_is_408(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client that announces a body and sends half of it is told so and let go."""
    monkeypatch.setattr(bounds, "BODY_READ_SECONDS", 0.2)
    target = urlsplit(desk.url)
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    writer.write(
        b"POST /v1/import/orders HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: 100\r\nAuthorization: Bearer "
        + desk.keys["merchant"].encode()
        + b'\r\n\r\n{"orderNo":'
    )
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n")
    assert head.startswith(b"HTTP/1.1 408 ")
    writer.close()
    await writer.wait_closed()


async def test_limits_are_settings(tmp_path: Path, number: str) -> None:
    """Fewer records and bytes, as the settings say; receipts of customs are taken all the same."""
    async with opened(tmp_path, records_max=20, body_bytes_max=30_000) as desk:
        path = "/v1/import/orders"
        too_many = [firms.order(f"{number}-{place}") for place in range(21)]
        answer = await desk.post("merchant", path, too_many)
        assert (answer.status, answer.body["code"]) == (413, "S-records")
        assert (await desk.post("merchant", path, too_many[:20])).body["accepted"] == 20
        large = await desk.post("merchant", path, {"note": "x" * 30_000})
        assert (large.status, large.body["code"]) == (413, "S-size")

        async def chunks() -> AsyncIterator[bytes]:
            for _ in range(4):
                yield b" " * 10_000

        headers = {"Content-Type": "application/json"}
        large = await desk.ask("POST", "merchant", path, data=chunks(), headers=headers)
        assert (large.status, large.body["code"]) == (413, "S-size")
        receipt = await desk.ask("POST", "authority", "/v1/receipts/customs", data=b"x" * 40_000)
        assert receipt.status == 200


async def test_requests_beyond_the_bound_are_turned_away_at_once() -> None:
    """The third of two is 503 with Retry-After, and its place is free again when one ends."""
    admission = Admission(Limits(requests_max=2))
    with admission.request():
        with admission.request():
            with pytest.raises(Refused) as caught, admission.request():
                pass
            assert (caught.value.status, caught.value.retry_after_seconds) == (503, 1)
        with admission.request():
            pass


async def test_one_enterprise_cannot_take_every_place() -> None:
    """A quarter of the places is the share of one enterprise; another one still gets in."""
    admission = Admission(Limits(requests_max=8))
    with admission.of_enterprise("A"), admission.of_enterprise("A"):
        with pytest.raises(Refused) as caught, admission.of_enterprise("A"):
            pass
        assert (caught.value.status, caught.value.retry_after_seconds) == (429, 1)
        with admission.of_enterprise("B"):
            pass
    with admission.of_enterprise("A"):
        pass


async def test_bodies_in_memory_are_bounded() -> None:
    """Eight bodies of the largest size fit; one more is 503, and alone any body fits."""
    admission = Admission(Limits(body_bytes_max=10))
    with admission.body(80):
        with pytest.raises(Refused) as caught, admission.body(1):
            pass
        assert caught.value.status == 503
    with admission.body(81):
        pass


async def test_too_many_requests_at_once_are_told_to_come_again(tmp_path: Path) -> None:
    """Over HTTP: with four places, a fifth request of slow ones gets 503 or 429, none is lost."""
    async with opened(tmp_path, requests_max=4) as desk:
        body = [firms.order(f"BUSY-{place}") for place in range(300)]
        answers = await asyncio.gather(
            *(desk.post("merchant", "/v1/import/orders", body) for _ in range(12))
        )
        statuses = {one.status for one in answers}
        assert 202 in statuses
        assert statuses & {429, 503}
        assert statuses <= {202, 429, 503}
        for one in answers:
            assert (one.status == 202) != ("Retry-After" in one.headers)


async def test_a_backlog_bounds_intake_and_nothing_else(tmp_path: Path, number: str) -> None:
    """While too much waits for the broker a document is 503 before it is read; reading goes on."""
    slow = {"backlog_max": 15, "sweep_seconds": 0.05}
    async with opened(tmp_path, slow) as desk:
        taken = 0
        async with asyncio.timeout(20):
            while True:
                record = firms.order(f"{number}-{taken}")
                answer = await desk.post("merchant", "/v1/import/orders", record)
                if answer.status != 202:
                    break
                taken += 1
                await asyncio.sleep(0.02)
        assert taken > 1
        assert (answer.status, answer.body["code"]) == (503, "O-backlog")
        assert int(answer.headers["Retry-After"]) > 0
        changes = await desk.get("merchant", "/v1/changes?limit=1000")
        assert len(changes.body["changes"]) == taken
        goods = await desk.post("merchant", "/v1/goods", GOODS)
        assert goods.status == 200
