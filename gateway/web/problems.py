"""Errors as application/problem+json (RFC 9457), each with a stable code and two sentences."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from aiohttp import web

from gateway.errors import GatewayError, Invalid, Problem, Refused

CONTENT_TYPE = "application/problem+json"
UNPROCESSABLE = 422
"""Always with a list of problems, the whole record being one at worst."""
TYPE = "urn:single-window-gateway:problem:"

UNEXPECTED = Refused(
    500,
    "O-unexpected",
    "内部错误，未完成；请凭 X-Correlation-Id 联系运营方。",
    "An unexpected fault; ask the operator, naming the X-Correlation-Id.",
)

_HTTP: Mapping[int, tuple[str, str, str]] = {
    404: ("N-path", "没有该地址。", "There is nothing at this address."),
    405: ("N-method", "该地址不支持此方法。", "This address does not know the method."),
    408: ("S-slow", "请求体接收超时。", "The body took too long to arrive."),
    413: ("S-size", "请求体过大。", "The body is too large."),
}
"""What the HTTP library refuses by itself."""


def error_body(error: GatewayError) -> dict[str, Any]:
    """The body that tells of an error; Invalid is 422 and lists its problems."""
    status = error.status if isinstance(error, Refused) else 422
    body: dict[str, Any] = {
        "status": status,
        "code": error.code,
        "zh": error.zh,
        "en": error.en,
    }
    if isinstance(error, Refused) and error.document_id is not None:
        body["id"] = error.document_id
        body["differences"] = [{"path": one.path} for one in error.differences]
    problems = error.problems if isinstance(error, Invalid | Refused) else ()
    if problems:
        body["problems"] = [problem.as_json() for problem in problems]
    elif status == UNPROCESSABLE:
        whole = Problem(path="$", code=error.code, zh=error.zh, en=error.en)
        body["problems"] = [whole.as_json()]
    return named(body)


def named(body: Mapping[str, Any]) -> dict[str, Any]:
    """A refusal with the type and title that RFC 9457 asks for."""
    title = HTTPStatus(body["status"]).phrase
    return {"type": TYPE + body["code"], "title": title, **body}


def answer(error: GatewayError) -> web.Response:
    """The HTTP answer that tells of an error."""
    headers = {}
    if isinstance(error, Refused):
        if error.retry_after_seconds is not None:
            headers["Retry-After"] = str(error.retry_after_seconds)
        if error.status == 401:
            headers["WWW-Authenticate"] = "Bearer"
    return problem_response(error_body(error), headers)


def http_answer(error: web.HTTPException) -> web.Response:
    """The same for what the HTTP library refuses (no such path, method, too large)."""
    code, zh, en = _HTTP.get(
        error.status, ("N-request", "请求无法处理。", "The request cannot be served.")
    )
    headers = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
    body = named({"status": error.status, "code": code, "zh": zh, "en": en})
    return problem_response(body, headers)


def problem_response(body: Mapping[str, Any], headers: Mapping[str, str] = {}) -> web.Response:
    """A problem as an answer with its status."""
    return web.Response(
        status=body["status"],
        body=dumps(body),
        content_type=CONTENT_TYPE,
        headers=headers,
    )


def json_response(body: object, status: int = 200) -> web.Response:
    """Compact JSON, Chinese text as it is."""
    return web.Response(status=status, body=dumps(body), content_type="application/json")


def dumps(body: object) -> bytes:
    """Compact JSON in UTF-8."""
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()
