"""The HTTP server: the application with its bounds, and a listener for it.

What is no HTTP at all never gets here: the library refuses it with a plain 400.
"""

from __future__ import annotations

import asyncio
import logging
import time
import traceback
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.metadata import version

import structlog
from aiohttp import web

from gateway.errors import GatewayError
from gateway.intake import Intake
from gateway.messages import Catalogue
from gateway.model import Caller
from gateway.reconciliation import Receiving
from gateway.reconciliation.receiving import RECEIPT_BYTES_MAX
from gateway.registers import ApiKeys, Registrar, load_key_files
from gateway.store.database import Database
from gateway.store.registry import Registers
from gateway.store.vault import Vault
from gateway.telemetry import Clock, new_id
from gateway.web import openapi
from gateway.web.api import routes
from gateway.web.auth import caller_of, check_role
from gateway.web.keys import Keys
from gateway.web.limits import Admission, limits_of
from gateway.web.posting import CORRELATION, RECORDS, Posting
from gateway.web.problems import UNEXPECTED, answer, dumps, http_answer
from gateway.web.reading import Reading
from gateway.web.routes import Route

IDLE_SECONDS = 30
"""A connection without a whole request head is closed after this time."""
SHUTDOWN_SECONDS = 20
"""How long a stop waits for the requests under way."""
BACKLOG_CONNECTIONS = 1_024

CORRELATION_HEADER = "X-Correlation-Id"
DISTRIBUTION = "single-window-gateway"
CALLER = web.RequestKey("caller", Caller)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """What the API stands on."""

    catalogue: Catalogue
    registers: Registers
    intake: Intake
    receiving: Receiving
    database: Database
    vault: Vault
    clock: Clock


def make_app(services: Services, limits: Mapping[str, int] | None = None) -> web.Application:
    """The application; `limits` holds records_max, body_bytes_max and requests_max."""
    bounds = limits_of(limits or {})
    admission = Admission(bounds)
    registers, database = services.registers, services.database
    api_keys = ApiKeys(registers, database, services.clock)
    registrar = Registrar(registers, database, services.clock, load_key_files)
    table = routes(
        services.catalogue,
        Posting(services.intake, services.receiving, registrar, admission, bounds),
        Reading(
            catalogue=services.catalogue,
            registers=registers,
            database=database,
            vault=services.vault,
        ),
        Keys(api_keys=api_keys, registers=registers, database=database),
    )
    app = web.Application(
        middlewares=[_observed, _explained, _admitted(admission)],
        client_max_size=max(bounds.body_bytes_max, RECEIPT_BYTES_MAX),
    )
    for route in table:
        app.router.add_route(route.method, route.path, _handler(route, api_keys, admission))
    described = dumps(openapi.document(table, version(DISTRIBUTION), bounds))
    app.router.add_get("/healthz", _told(b'{"status":"ok"}'))
    app.router.add_get("/openapi.json", _told(described))
    return app


@asynccontextmanager
async def serving(app: web.Application, host: str, port: int) -> AsyncIterator[str]:
    """Listen while the context lasts; gives the address. Port 0 takes a free one."""
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_protocol_log(),
        keepalive_timeout=IDLE_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port, backlog=BACKLOG_CONNECTIONS)
        await site.start()
        taken = runner.addresses[0]
        name = f"[{taken[0]}]" if ":" in taken[0] else taken[0]
        yield f"http://{name}:{taken[1]}"
    finally:
        await runner.cleanup()


def _handler(route: Route, api_keys: ApiKeys, admission: Admission) -> Handler:
    """A route with its door: who calls, in which role, within its share."""

    async def handle(request: web.Request) -> web.StreamResponse:
        caller = await caller_of(request, api_keys)
        request[CALLER] = caller
        check_role(caller, route.roles)
        with admission.of_enterprise(caller.enterprise):
            return await route.handler(request, caller)

    return handle


def _told(body: bytes) -> Handler:
    async def handle(_request: web.Request) -> web.StreamResponse:
        return web.Response(body=body, content_type="application/json")

    return handle


@web.middleware
async def _observed(request: web.Request, handler: Handler) -> web.StreamResponse:
    """One correlation id a request, in its answer and in every log line; one line at its end."""
    correlation = _correlation(request)
    request[CORRELATION] = correlation
    started = time.monotonic()
    with structlog.contextvars.bound_contextvars(correlation=correlation):
        response = await handler(request)
        response.headers[CORRELATION_HEADER] = correlation
        response.headers["Cache-Control"] = "no-store"
        response.headers["X-Content-Type-Options"] = "nosniff"
        caller = request.get(CALLER)
        resource = request.match_info.route.resource
        log.info(
            "request",
            method=request.method,
            # The pattern, not the path: paths hold business keys.
            route=resource.canonical if resource else None,
            status=response.status,
            milliseconds=round((time.monotonic() - started) * 1000, 1),
            role=caller.role if caller else None,
            enterprise=caller.enterprise if caller else None,
            records=request.get(RECORDS),
        )
    return response


@web.middleware
async def _explained(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every error leaves as a problem; what nobody foresaw is a 500 without its insides."""
    try:
        return await handler(request)
    except GatewayError as error:
        return answer(error)
    except web.HTTPException as error:
        return http_answer(error)
    except asyncio.CancelledError:
        raise
    except Exception as error:  # noqa: BLE001 - the last resort, told in the log
        # Neither the message nor the values: they may hold what was handed in.
        frames = traceback.format_tb(error.__traceback__)
        log.error("unexpected", fault=type(error).__name__, stack="".join(frames))  # noqa: TRY400
        return answer(UNEXPECTED)


def _admitted(admission: Admission) -> Callable[..., Awaitable[web.StreamResponse]]:
    @web.middleware
    async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
        with admission.request():
            return await handler(request)

    return admit


def _correlation(request: web.Request) -> str:
    """The id that the client gives, when it is a UUID; else one of ours."""
    given = request.headers.get(CORRELATION_HEADER, "")
    try:
        return str(uuid.UUID(given)).upper()
    except ValueError:
        return new_id()


def _protocol_log() -> logging.Logger:
    """Where the HTTP library tells of broken requests: one line, without what was sent."""
    logger = logging.getLogger("gateway.web.protocol")
    logger.propagate = False
    if not logger.handlers:
        logger.addHandler(_Structured())
    return logger


class _Structured(logging.Handler):
    """Hands a line of the standard library's logging on, as the kind of its fault."""

    def emit(self, record: logging.LogRecord) -> None:
        fault = record.exc_info[0] if record.exc_info else None
        log.warning("broken_request", fault=fault.__name__ if fault else record.levelname)
