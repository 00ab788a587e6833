"""A route as data: from one table come the addresses of the server and its OpenAPI document."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from gateway.messages import MessageType
from gateway.model import Caller

Handler = Callable[[web.Request, Caller], Awaitable[web.StreamResponse]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query parameter."""

    name: str
    en: str
    required: bool = False
    values: tuple[str, ...] = ()
    counts_to: int | None = None
    """For a whole number: its largest value; the smallest is 1."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """One method at one address.

    `roles` empty: every role. `records` is the type of the records in the body; `body` describes
    another body as OpenAPI does (media types). `answers` maps a status to the name of a schema of
    the OpenAPI document, or to nothing when the answer has no body.
    """

    method: str
    path: str
    name: str
    en: str
    zh: str
    answers: Mapping[int, str]
    handler: Handler
    roles: tuple[str, ...] = ()
    records: MessageType | None = None
    body: Mapping[str, Any] | None = None
    query: tuple[Query, ...] = ()
