"""HTTP of the simulator: transmissions in, register and control, ledger and health out."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import structlog
from aiohttp import web
from yarl import URL

from gateway.errors import Invalid, Problem
from gateway.simulator.authority import Authority
from gateway.simulator.delivery import Delivery
from gateway.simulator.envelope import ENVELOPE_BYTES_MAX, Rejected, answer
from gateway.telemetry import now

HOST = "127.0.0.1"
LEDGER_LIMIT = 1000
SHUTDOWN_SECONDS = 5.0

log = structlog.get_logger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """The handlers; all work is the authority's."""

    def __init__(self, authority: Authority, delivery: Delivery) -> None:
        self._authority = authority
        self._delivery = delivery

    def application(self) -> web.Application:
        """The routes."""
        app = web.Application(client_max_size=ENVELOPE_BYTES_MAX, middlewares=[_problems])
        app.add_routes(
            [
                web.post("/dxp", self.transmission),
                web.put("/registry/enterprises/{code}", self.register),
                web.put("/control/receipts", self.direct_receipts),
                web.get("/ledger", self.ledger),
                web.get("/documents", self.documents),
                web.get("/healthz", self.health),
            ]
        )
        return app

    async def transmission(self, request: web.Request) -> web.StreamResponse:
        """POST /dxp: one DxpMsg; answered with a DxpRep after the commit."""
        try:
            body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return _too_large()
        outcome = await self._authority.do(self._authority.receive, body)
        self._delivery.kick()
        log.info("transmission", bytes=len(body), status=outcome.status, lost=outcome.lost)
        if outcome.lost and request.transport is not None:
            request.transport.abort()
        return web.Response(
            status=outcome.status or 200,
            body=outcome.body,
            content_type=outcome.content_type,
            charset="utf-8",
        )

    async def register(self, request: web.Request) -> web.StreamResponse:
        """PUT /registry/enterprises/{code}: register an enterprise, or replace it."""
        given = await _json(request)
        made = await self._authority.do(
            self._authority.registry.put, request.match_info["code"], given
        )
        log.info("enterprise_registered", code=made.code, dxp_id=made.dxp_id)
        return web.json_response({"code": made.code, "dxpId": made.dxp_id})

    async def direct_receipts(self, request: web.Request) -> web.StreamResponse:
        """PUT /control/receipts: where receipts are posted from now on."""
        given = await _json(request)
        url = given.get("url") if isinstance(given, dict) else None
        if not isinstance(url, str) or not _is_http(url):
            return _problem(400, "A-control", "url 应为 http(s) 地址", "url must be an http(s) URL")
        await self._authority.do(self._authority.set_receipts_url, url)
        self._delivery.kick()
        return web.json_response({"url": url})

    async def ledger(self, request: web.Request) -> web.StreamResponse:
        """GET /ledger?after=SEQ&limit=N."""
        after, limit = _number(request, "after", 0), _number(request, "limit", LEDGER_LIMIT)
        return web.json_response(await self._authority.do(self._authority.ledger, after, limit))

    async def documents(self, request: web.Request) -> web.StreamResponse:
        """GET /documents?after=ID&limit=N: the newest version of every key, as customs has it."""
        after, limit = _number(request, "after", 0), _number(request, "limit", LEDGER_LIMIT)
        return web.json_response(await self._authority.do(self._authority.documents, after, limit))

    async def health(self, _request: web.Request) -> web.StreamResponse:
        """GET /healthz: how much is under way."""
        return web.json_response(await self._authority.do(self._authority.health))


@asynccontextmanager
async def serving(app: web.Application, port: int) -> AsyncIterator[str]:
    """Listen on the loopback address; gives the URL, with the port that was taken."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, HOST, port)
        await site.start()
        yield f"http://{HOST}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@web.middleware
async def _problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """What a caller did wrong, as a problem; never a page of HTML."""
    try:
        return await handler(request)
    except Invalid as error:
        return _problem(400, error.code, error.zh, error.en)


def _problem(status: int, code: str, zh: str, en: str) -> web.Response:
    body = {"type": "about:blank", "title": en, "status": status, "code": code, "zh": zh, "en": en}
    return web.json_response(body, status=status, content_type="application/problem+json")


def _too_large() -> web.Response:
    fault = Rejected("0999", f"超过 {ENVELOPE_BYTES_MAX} 字节")
    reply = answer(fault.sender, fault.code, fault.info, now())
    return web.Response(status=fault.status, body=reply, content_type="application/xml")


async def _json(request: web.Request) -> Any:
    body = await request.read()
    try:
        return json.loads(body)
    except ValueError:
        raise Invalid(
            [Problem(path="$", code="S-json", zh="不是合法的 JSON", en="not JSON")]
        ) from None


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or len(text) > 15:
        what = Problem(path=name, code="S-type", zh=f"{name} 应为整数", en=f"{name} is a number")
        raise Invalid([what])
    return int(text)


def _is_http(url: str) -> bool:
    try:
        parsed = URL(url)
    except ValueError:
        return False
    return parsed.scheme in {"http", "https"} and bool(parsed.host)
