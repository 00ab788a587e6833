"""A thin client of the gateway's own API, for the demo and whoever else drives a gateway.

Every call may be made again after a lost connection: the gateway answers a repeated record with
its first answer, so the client retries connection faults, 429 and 503 for as long as its patience
lasts, and never anything else.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import aiohttp

from gateway.errors import GatewayError

RECORDS_MAX = 100
"""Records of one POST."""
PAGE_ENTRIES_MAX = 1_000
BACKOFF_FIRST_SECONDS = 0.1
BACKOFF_MAX_SECONDS = 2.0
CONNECTIONS_MAX = 8
BUSY = frozenset({429, 503})
"""Nothing was accepted; the same request may succeed a little later."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long the client waits: to connect, for one answer, and for a gateway that is away."""

    connect_seconds: float = 5
    answer_seconds: float = 60
    away_seconds: float = 60


class Unreachable(GatewayError):
    """The gateway did not answer for as long as the client's patience lasts."""


class Answered(GatewayError):
    """The gateway refused the request as a whole; `status` and `body` are its answer."""

    def __init__(self, status: int, body: Json) -> None:
        code = str(body.get("code") or f"H-{status}")
        super().__init__(code, str(body.get("zh", "")), str(body.get("en") or f"status {status}"))
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page of entries; `next` is the cursor behind it, `more` says that more is there now."""

    entries: Sequence[Json]
    next: str | None
    more: bool


class Client:
    """The API with one key; use it as an async context manager."""

    def __init__(self, url: str, token: str, patience: Patience | None = None) -> None:
        self._url = url.rstrip("/")
        self._token = token
        self._patience = patience or Patience()
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {self._token}"},
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
            timeout=aiohttp.ClientTimeout(
                total=self._patience.answer_seconds, sock_connect=self._patience.connect_seconds
            ),
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._session is not None:
            await self._session.close()

    async def post(self, resource: str, records: Sequence[Json]) -> list[Json]:
        """Hand in records of one resource (import/orders, goods …); one result each, in order.

        They travel in arrays of at most 100. A result has `status` and the body of the single
        answer. Raises Answered when a whole array is refused.
        """
        results: list[Json] = []
        for start in range(0, len(records), RECORDS_MAX):
            part = list(records[start : start + RECORDS_MAX])
            results += (await self._request("POST", f"/v1/{resource}", body=part))["results"]
        return results

    async def create_api_key(self, role: str, enterprise: str) -> str:
        """A new API key; role operator only. A repeat after a lost answer makes another one."""
        body = {"role": role, "enterprise": enterprise}
        token: str = (await self._request("POST", "/v1/api-keys", body=body))["token"]
        return token

    async def document(self, document_id: str) -> Json:
        """One document version."""
        return await self._request("GET", f"/v1/documents/{document_id}")

    async def consignment(self, direction: str, ebp_code: str, order_no: str) -> Json | None:
        """The consignment of an order; None while there is none."""
        query = {"direction": direction, "ebpCode": ebp_code, "orderNo": order_no}
        try:
            return await self._request("GET", "/v1/consignments", query=query)
        except Answered as answer:
            if answer.status != 404:
                raise
            return None

    async def changes(self, after: str | None = None, limit: int = PAGE_ENTRIES_MAX) -> Page:
        """The states that documents reached after a cursor; None: from the start."""
        return await self._page("changes", after, limit)

    async def discrepancies(
        self,
        wanted: Mapping[str, str] | None = None,
        after: str | None = None,
        limit: int = PAGE_ENTRIES_MAX,
    ) -> Page:
        """A page of the reconciliation queue; `wanted` has state, code, consignment."""
        return await self._page("discrepancies", after, limit, wanted)

    async def all_discrepancies(self, **wanted: str) -> AsyncIterator[Json]:
        """The reconciliation queue, page by page; `wanted` as in `discrepancies`."""
        after, more = None, True
        while more:
            page = await self.discrepancies(wanted, after)
            for entry in page.entries:
                yield entry
            after, more = page.next, page.more

    async def _page(
        self, name: str, after: str | None, limit: int, wanted: Mapping[str, str] | None = None
    ) -> Page:
        query = {"limit": str(limit), **(wanted or {})}
        if after:
            query["after"] = after
        found = await self._request("GET", f"/v1/{name}", query=query)
        return Page(entries=found[name], next=found["next"], more=found["more"])

    async def _request(
        self, method: str, path: str, *, body: Any = None, query: Mapping[str, str] | None = None
    ) -> Json:
        """One request, made again while the gateway is away or busy. Raises Unreachable."""
        loop = asyncio.get_running_loop()
        give_up = loop.time() + self._patience.away_seconds
        backoff = BACKOFF_FIRST_SECONDS
        while True:
            answer = await self._once(method, path, body, query)
            if isinstance(answer, dict):
                return answer
            wait = max(answer.retry_after, random.uniform(backoff / 2, backoff))  # noqa: S311 - jitter
            if loop.time() + wait > give_up:
                raise Unreachable(
                    "H-away",
                    f"网关在 {self._patience.away_seconds:g} 秒内没有应答。",
                    f"{self._url} was away for {self._patience.away_seconds:g} s ({answer.why}).",
                )
            await asyncio.sleep(wait)
            backoff = min(backoff * 2, BACKOFF_MAX_SECONDS)

    async def _once(
        self, method: str, path: str, body: Any, query: Mapping[str, str] | None
    ) -> Json | _Again:
        if self._session is None:
            raise RuntimeError("a Client is used inside `async with`")
        try:
            async with self._session.request(
                method, self._url + path, json=body, params=query
            ) as response:
                if response.status in BUSY:
                    return _Again(str(response.status), _seconds(response))
                found = await response.json(content_type=None)
                if not response.ok or not isinstance(found, dict):
                    raise Answered(response.status, found if isinstance(found, dict) else {})
                return found
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, OSError) as fault:
            return _Again(type(fault).__name__)
        except ValueError as fault:  # a body that is not JSON
            raise Answered(502, {"en": f"{path}: {fault}"}) from fault


@dataclass(frozen=True, slots=True)
class _Again:
    """Why a request must be made again, and what the gateway asks to wait."""

    why: str
    retry_after: float = 0


def _seconds(response: aiohttp.ClientResponse) -> float:
    text = response.headers.get("Retry-After", "")
    return min(float(text), BACKOFF_MAX_SECONDS) if text.isdigit() else 0
