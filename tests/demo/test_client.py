"""The client of the API, against a server on loopback that answers as a test tells it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web

from gateway.client import Answered, Client, Patience, Unreachable

IMPATIENT = Patience(connect_seconds=1, answer_seconds=0.3, away_seconds=1.5)

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass
class Server:
    """Gives its answers in turn, the last one for ever, and keeps what was asked."""

    answers: list[Answer]
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        body = await request.json() if request.can_read_body else None
        self.asked.append((request.method, request.path_qs, body))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return await answer(request)


@asynccontextmanager
async def _serving(*answers: Answer, patience: Patience) -> AsyncIterator[tuple[Client, Server]]:
    server = Server(list(answers))
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with Client(url, "token", patience) as client:
            yield client, server
    finally:
        await runner.cleanup()


def _json(body: Any, status: int = 200, **headers: str) -> Answer:
    async def answer(_request: web.Request) -> web.StreamResponse:
        return web.json_response(body, status=status, headers=headers)

    return answer


async def _lost(request: web.Request) -> web.StreamResponse:
    """The connection breaks before an answer."""
    assert request.transport is not None
    request.transport.abort()
    return web.Response()


async def _silence(_request: web.Request) -> web.StreamResponse:
    await asyncio.sleep(30)
    return web.Response()


ACCEPTED = _json({"accepted": 1, "results": [{"index": 0, "status": 202, "id": "D1"}]}, 202)


@pytest.mark.parametrize(
    "fault",
    [_lost, _silence, _json({}, 503, **{"Retry-After": "0"}), _json({}, 429)],
    ids=["connection lost", "no answer in time", "503", "429"],
)
async def test_what_may_not_have_arrived_is_sent_again(fault: Answer) -> None:
    """The same request, unchanged: the gateway answers a repeat with its first answer."""
    async with _serving(fault, ACCEPTED, patience=IMPATIENT) as (client, server):
        results = await client.post("import/orders", [{"orderNo": "1"}])
    assert results[0]["id"] == "D1"
    assert server.asked == [("POST", "/v1/import/orders", [{"orderNo": "1"}])] * 2


@pytest.mark.parametrize("status", [400, 401, 403, 413, 422, 500])
async def test_a_refusal_is_not_argued_with(status: int) -> None:
    """One request; the code and the sentences of the problem reach the caller."""
    problem = {"code": "S-type", "zh": "不行", "en": "no"}
    async with _serving(_json(problem, status), patience=IMPATIENT) as (client, server):
        with pytest.raises(Answered) as refused:
            await client.post("import/orders", [{}])
    assert (refused.value.status, refused.value.code, refused.value.en) == (status, "S-type", "no")
    assert len(server.asked) == 1


async def test_patience_has_an_end() -> None:
    """A gateway that stays away is an error, after the time that was set."""
    async with _serving(_lost, patience=IMPATIENT) as (client, server):
        loop = asyncio.get_running_loop()
        began = loop.time()
        with pytest.raises(Unreachable):
            await client.changes()
        assert loop.time() - began < 4 * IMPATIENT.away_seconds
    assert len(server.asked) > 1


async def test_records_travel_in_arrays_of_at_most_100() -> None:
    """250 records are three requests; the results stand in the order of the records."""

    async def answer(request: web.Request) -> web.StreamResponse:
        records = await request.json()
        return web.json_response({"results": [{"status": 202, "id": one["n"]} for one in records]})

    async with _serving(answer, patience=IMPATIENT) as (client, server):
        results = await client.post("goods", [{"n": number} for number in range(250)])
    assert [one["id"] for one in results] == list(range(250))
    assert [len(body) for _, _, body in server.asked] == [100, 100, 50]


async def test_the_queue_is_read_to_its_end() -> None:
    """Page by page, each after the cursor of the one before, with the same filter."""
    pages = (
        _json({"discrepancies": [{"id": "1"}, {"id": "2"}], "next": "2", "more": True}),
        _json({"discrepancies": [{"id": "3"}], "next": "3", "more": False}),
    )
    async with _serving(*pages, patience=IMPATIENT) as (client, server):
        found = [one["id"] async for one in client.all_discrepancies(state="open")]
    assert found == ["1", "2", "3"]
    assert [path for _, path, _ in server.asked] == [
        "/v1/discrepancies?limit=1000&state=open",
        "/v1/discrepancies?limit=1000&state=open&after=2",
    ]


async def test_a_consignment_that_is_not_there_is_none() -> None:
    """404 is an answer to this question, not a fault."""
    async with _serving(_json({"code": "N-found"}, 404), patience=IMPATIENT) as (client, _):
        assert await client.consignment("import", "9999010001", "SO 1/2") is None
