"""A gateway over real HTTP with its registers filled, and a way to ask it in every role."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from gateway.app.running import Gateway, running
from gateway.registers import ApiKeys
from gateway.settings import Settings
from gateway.web.server import make_app, serving
from tests.flow import firms

CALLERS = {
    "operator": firms.OPERATOR,
    "platform": firms.EBP,
    "merchant": firms.EBC,
    "payment": firms.PAY,
    "logistics": firms.LOGISTICS,
    "declarant": firms.AGENT,
    "site": firms.SITE,
    "authority": firms.OPERATOR,
}
"""Every role with the enterprise that has it."""

GOODS = {
    "ebcCode": firms.EBC,
    "itemNo": "SKU-9",
    "direction": "I",
    "gname": "奶粉",
    "gcode": "1901101000",
    "unit": "122",
    "unit1": "035",
    "factor1": "0.8",
    "country": "601",
    "netWeight": "0.8",
}
"""A goods record of the merchant."""


@dataclass(frozen=True)
class Answer:
    """An answer: its status, its headers, and its body as JSON or as text."""

    status: int
    headers: Mapping[str, str]
    body: Any


@dataclass
class Desk:
    """One running gateway."""

    gateway: Gateway
    url: str
    http: aiohttp.ClientSession
    keys: dict[str, str] = field(default_factory=dict)

    async def ask(self, method: str, role: str, path: str, **request: Any) -> Answer:
        """Ask as a role; an empty role gives no key. `request` goes to aiohttp."""
        headers = dict(request.pop("headers", {}))
        if role:
            headers.setdefault("Authorization", f"Bearer {self.keys[role]}")
        async with self.http.request(method, self.url + path, headers=headers, **request) as got:
            text = await got.text()
            return Answer(
                got.status, got.headers, json.loads(text) if text[:1] in ("{", "[") else text
            )

    async def get(self, role: str, path: str) -> Answer:
        """GET as a role."""
        return await self.ask("GET", role, path)

    async def post(self, role: str, path: str, body: Any) -> Answer:
        """POST JSON as a role."""
        return await self.ask("POST", role, path, json=body)

    async def accepted(self, role: str, path: str, record: Any) -> dict[str, Any]:
        """POST one document that must be accepted."""
        answer = await self.post(role, path, record)
        assert answer.status == 202, answer.body
        body: dict[str, Any] = answer.body
        return body


@asynccontextmanager
async def opened(
    folder: Path, settings: Mapping[str, Any] | None = None, **limits: int
) -> AsyncIterator[Desk]:
    """A gateway in that folder; nothing leaves it, for the linger is an hour."""
    chosen = Settings(data=folder / "data", linger_seconds=3600, **(settings or {}))
    records = await asyncio.to_thread(firms.registers, folder, {})
    async with (
        running(chosen) as gateway,
        serving(make_app(gateway.services, limits), "127.0.0.1", 0) as url,
        aiohttp.ClientSession() as http,
    ):
        desk = Desk(gateway, url, http)
        services = gateway.services
        api_keys = ApiKeys(services.registers, services.database, services.clock)
        for role in ("operator", "authority"):
            issued = await api_keys.create(role, CALLERS[role], actor="test")
            desk.keys[role] = issued.token
        for resource, entries in records.items():
            for entry in entries:
                answer = await desk.post("operator", f"/v1/{resource}", entry)
                assert answer.status == 200, answer.body
        for role, code in CALLERS.items():
            if role not in desk.keys:
                answer = await desk.post(
                    "operator", "/v1/api-keys", {"role": role, "enterprise": code}
                )
                assert answer.status == 201, answer.body
                desk.keys[role] = answer.body["token"]
        yield desk
