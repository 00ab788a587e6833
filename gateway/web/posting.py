"""The writing half of the API: one handler for all kinds of documents, one for all registers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from aiohttp import web

from gateway.errors import GatewayError, Refused
from gateway.intake import Intake
from gateway.messages import MessageType
from gateway.model import Caller
from gateway.reconciliation import Receiving
from gateway.reconciliation.receiving import RECEIPT_BYTES_MAX
from gateway.registers import Put, Registrar
from gateway.web.bodies import check_content_type, parse
from gateway.web.limits import Admission, Limits, read_body
from gateway.web.problems import error_body, json_response, named, problem_response

CORRELATION = web.RequestKey("correlation", str)
RECORDS = web.RequestKey("records", int)
"""What the access log tells of a request."""

Result = dict[str, Any]
Submit = Callable[[Sequence[object]], Awaitable[list[Result]]]


class Posting:
    """Takes bodies of records and receipts."""

    def __init__(
        self,
        intake: Intake,
        receiving: Receiving,
        registrar: Registrar,
        admission: Admission,
        limits: Limits,
    ) -> None:
        self._intake = intake
        self._receiving = receiving
        self._registrar = registrar
        self._admission = admission
        self._limits = limits

    async def documents(
        self, type_: MessageType, request: web.Request, caller: Caller
    ) -> web.StreamResponse:
        """POST of any kind of document. 202 is answered after the commit."""
        wait = self._intake.overloaded()
        if wait is not None:
            raise Refused(
                503,
                "O-backlog",
                "系统繁忙，请稍后重试。",
                "Too much waits already; nothing was accepted. Try again.",
                retry_after_seconds=wait,
            )
        resource = type_.row.resource or ""

        async def submit(records: Sequence[object]) -> list[Result]:
            correlation = request[CORRELATION]
            return await self._intake.submit(caller, resource, records, correlation)

        return await self._take(request, submit)

    async def records(
        self, type_: MessageType, request: web.Request, caller: Caller
    ) -> web.StreamResponse:
        """POST or PUT of records of a register; on a record's own address its key must agree."""

        async def submit(records: Sequence[object]) -> list[Result]:
            if request.match_info:
                _check_address(request, type_, records)
            return [_result(one) for one in await self._registrar.put(caller, type_, records)]

        return await self._take(request, submit)

    async def receipt(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """The bytes of one receipt message; 200 without a body once they are durable."""
        # Not the setting for submitted bodies: what customs says must not be turned away.
        with self._admission.announced_body(request, RECEIPT_BYTES_MAX):
            data = await read_body(request, RECEIPT_BYTES_MAX)
            await self._receiving.receive(caller, request.match_info["authority"], data)
        return web.Response()

    async def _take(self, request: web.Request, submit: Submit) -> web.StreamResponse:
        content_type = check_content_type(request)
        most = self._limits.body_bytes_max
        with self._admission.announced_body(request, most):
            body = await read_body(request, most)
            found = await parse(content_type, body, self._limits.records_max)
            request[RECORDS] = len(found.records)
            results = await submit(found.records)
        return _single(results[0]) if found.single else _many(results)


def _single(result: Result) -> web.Response:
    """The answer to one object: its result, with the status as HTTP status."""
    body = {name: value for name, value in result.items() if name != "index"}
    if body["status"] >= 400:
        return problem_response(named(body))
    status = body.pop("status")
    return json_response(body, status)


def _many(results: Sequence[Result]) -> web.Response:
    """The answer to many: 202 even if all are refused, each result as its single answer."""
    shown = []
    repeated = refused = 0
    for index, result in enumerate(results):
        failed = result["status"] >= 400
        refused += failed
        repeated += bool(result.get("repeated"))
        shown.append({"index": index, **(named(result) if failed else result)})
    accepted = len(results) - repeated - refused
    counts = {"accepted": accepted, "repeated": repeated, "refused": refused}
    return json_response(counts | {"results": shown}, 202)


def _result(one: Put | GatewayError) -> Result:
    if isinstance(one, GatewayError):
        return error_body(one)
    return {
        "status": 200,
        "kind": one.kind,
        "key": dict(one.key),
        "version": one.version,
        "repeated": one.repeated,
    }


def _check_address(request: web.Request, type_: MessageType, records: Sequence[object]) -> None:
    """PUT of one record: its key may be left out, and is that of the address in any case."""
    record = records[0] if len(records) == 1 else None
    wanted = dict(request.match_info)
    if not isinstance(record, dict):
        raise Refused(400, "S-one", "此地址只接受一条记录。", "This address takes one record.")
    for name, value in wanted.items():
        record.setdefault(name, value)
    if {name: record[name] for name in type_.row.key if name in record} != wanted:
        raise Refused(
            400,
            "S-address",
            "记录的主键与地址不一致。",
            "The key of the record differs from the address.",
        )
