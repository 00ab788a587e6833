"""What one process takes at once: requests, requests of one enterprise, bytes of bodies.

Whoever comes beyond a bound is told so before the body is read: nothing was accepted, and
Retry-After says when to come again.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from aiohttp import hdrs, web

from gateway.errors import Refused

ENTERPRISE_SHARE = 4
"""One enterprise may hold a quarter of the requests at once, so that others get through."""
BODIES_AT_ONCE = 8
"""Bodies of the largest size that may be in memory together."""
BODY_READ_SECONDS = 30
"""How long a body may take to arrive."""
RETRY_SECONDS = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The bounds that are settings."""

    records_max: int = 1_000
    body_bytes_max: int = 8_388_608
    requests_max: int = 256


class Admission:
    """Counts what is under way."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._requests = 0
        self._enterprises: Counter[str] = Counter()
        self._bytes = 0

    @contextmanager
    def request(self) -> Iterator[None]:
        """One request under way. Raises Refused (503) when there are too many."""
        if self._requests >= self._limits.requests_max:
            raise _overloaded()
        self._requests += 1
        try:
            yield
        finally:
            self._requests -= 1

    @contextmanager
    def of_enterprise(self, enterprise: str) -> Iterator[None]:
        """One request of an enterprise. Raises Refused (429) when it has too many."""
        if self._enterprises[enterprise] >= max(1, self._limits.requests_max // ENTERPRISE_SHARE):
            raise Refused(
                429,
                "O-share",
                "同一企业的并发请求过多，请稍后重试。",
                "Too many requests of this enterprise at once; try again.",
                retry_after_seconds=RETRY_SECONDS,
            )
        self._enterprises[enterprise] += 1
        try:
            yield
        finally:
            self._enterprises[enterprise] -= 1
            if not self._enterprises[enterprise]:
                del self._enterprises[enterprise]

    @contextmanager
    def body(self, size: int) -> Iterator[None]:
        """A body of this size in memory. Raises Refused (503) when there is no room."""
        if self._bytes and self._bytes + size > BODIES_AT_ONCE * self._limits.body_bytes_max:
            raise _overloaded()
        self._bytes += size
        try:
            yield
        finally:
            self._bytes -= size

    @contextmanager
    def announced_body(self, request: web.Request, most: int) -> Iterator[None]:
        """Room for the body that a request announces. Raises Refused (413, 415, 503)."""
        if request.headers.get(hdrs.CONTENT_ENCODING, "identity") != "identity":
            raise Refused(
                415, "S-coding", "不接受压缩的请求体。", "Send the body without a content encoding."
            )
        length = request.content_length
        if length is not None and length > most:
            raise _too_large(most)
        with self.body(most if length is None else length):
            yield


async def read_body(request: web.Request, most: int) -> bytes:
    """The whole body, within the time for it. Raises Refused (408, 413)."""
    try:
        async with asyncio.timeout(BODY_READ_SECONDS):
            data = await request.read()
    except TimeoutError:
        raise Refused(
            408, "S-slow", "请求体接收超时。", "The body took too long to arrive."
        ) from None
    if len(data) > most:
        raise _too_large(most)
    return data


def _too_large(most: int) -> Refused:
    return Refused(413, "S-size", "请求体过大。", f"A body has at most {most} bytes.")


def limits_of(given: Mapping[str, int]) -> Limits:
    """The bounds with what the settings say."""
    return Limits(**given)


def _overloaded() -> Refused:
    return Refused(
        503,
        "O-overload",
        "系统繁忙，请稍后重试。",
        "The gateway is overloaded; nothing was accepted. Try again.",
        retry_after_seconds=RETRY_SECONDS,
    )
