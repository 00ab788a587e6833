"""The simulator as the demo sees it: its registry, where its receipts go, and its ledger."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import aiohttp

from gateway.demo.ledger import Entry, read_entry
from gateway.demo.parties import Party
from gateway.demo.processes import DemoFailed

ENTRIES_MAX = 5_000
"""Ledger entries of one page."""
TRIES_MAX = 60
"""Times a call is made while the simulator is away."""
PAUSE_SECONDS = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """The control side of a running simulator."""

    url: str

    async def register(self, party: Party, certificate: str) -> None:
        """Make an enterprise and its certificate (PEM) known to customs."""
        await self._call(
            "PUT",
            f"/registry/enterprises/{party.code}",
            {
                "name": party.name,
                "creditCode": party.credit_code,
                "dxpId": party.dxp_id,
                "certificate": certificate,
            },
        )

    async def send_receipts_to(self, url: str) -> None:
        """Tell where the gateway takes receipts."""
        await self._call("PUT", "/control/receipts", {"url": f"{url}/v1/receipts/customs"})

    async def ledger(self) -> list[Entry]:
        """Every entry of its ledger, in order."""
        entries: list[Entry] = []
        after = 0
        while True:
            page = await self._call("GET", f"/ledger?after={after}&limit={ENTRIES_MAX}")
            entries += map(read_entry, page["entries"])
            if not page["entries"]:
                return entries
            after = page["next"]

    async def _call(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        for _ in range(TRIES_MAX):
            try:
                async with (
                    aiohttp.ClientSession() as session,
                    session.request(method, self.url + path, json=body) as response,
                ):
                    if not response.ok:
                        text = await response.text()
                        raise DemoFailed(f"simulator: {method} {path}: {response.status} {text}")
                    found: dict[str, Any] = await response.json(content_type=None) or {}
                    return found
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(PAUSE_SECONDS)
        raise DemoFailed(f"the simulator at {self.url} is away")
