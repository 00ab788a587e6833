"""A gateway in this process, over real HTTP, with a real store, and an office under direction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from sqlalchemy import Connection, select

from gateway.app.running import Gateway
from gateway.registers import ApiKeys
from gateway.settings import Settings
from gateway.store.tables import outbox
from tests.flow import firms
from tests.flow import office as offices
from tests.flow.office import Office, Received

WAIT_SECONDS = 20
POLL_SECONDS = 0.02
ROLES = {
    "operator": firms.OPERATOR,
    "platform": firms.EBP,
    "merchant": firms.EBC,
    "payment": firms.PAY,
    "logistics": firms.LOGISTICS,
    "declarant": firms.AGENT,
    "site": firms.SITE,
    "authority": firms.OPERATOR,
}


@dataclass(slots=True)
class Bench:
    """The gateway and everything around it."""

    folder: Path
    office: Office
    settings: Settings
    gateway: Gateway
    url: str
    http: aiohttp.ClientSession
    keys: dict[str, str] = field(default_factory=dict)

    async def post(self, role: str, path: str, body: Any, *, status: int = 202) -> dict[str, Any]:
        """POST as a role; the answer's JSON."""
        headers = {"Authorization": f"Bearer {self.keys[role]}"}
        async with self.http.post(f"{self.url}/v1/{path}", json=body, headers=headers) as got:
            answer: dict[str, Any] = await got.json(content_type=None)
            assert got.status == status, answer
            return answer

    async def get(self, role: str, path: str) -> dict[str, Any]:
        """GET as a role."""
        headers = {"Authorization": f"Bearer {self.keys[role]}"}
        async with self.http.get(f"{self.url}/v1/{path}", headers=headers) as got:
            answer: dict[str, Any] = await got.json(content_type=None)
            assert got.status == 200, answer
            return answer

    async def tell(self, *messages: bytes) -> None:
        """Hand in receipt messages as customs."""
        headers = {
            "Authorization": f"Bearer {self.keys['authority']}",
            "Content-Type": "application/xml",
        }
        for message in messages:
            async with self.http.post(
                f"{self.url}/v1/receipts/customs", data=message, headers=headers
            ) as got:
                assert got.status == 200, await got.text()

    async def arrived(self, type_: str, count: int = 1) -> list[Received]:
        """Wait until so many transmissions of a type have arrived at customs."""

        def found() -> list[Received]:
            return [one for one in self.office.received if one.type == type_]

        await until(lambda: len(found()) >= count, f"{count} x {type_}")
        return found()

    async def state(self, document_id: str) -> str:
        """The state of a document, as the operator sees it."""
        document = await self.get("operator", f"documents/{document_id}")
        return str(document["state"])

    async def becomes(self, document_id: str, state: str) -> None:
        """Wait until a document is in a state."""
        found = ""
        for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
            found = await self.state(document_id)
            if found == state:
                return
            await asyncio.sleep(POLL_SECONDS)
        pytest.fail(f"{document_id} is {found}, not {state}")

    async def partners(self) -> list[Received]:
        """Wait for the first message of orders, of payments and of waybills."""
        return [(await self.arrived(one))[0] for one in ("CEB311", "CEB411", "CEB511")]

    async def consignment(self, order: str) -> str:
        """Where the consignment of an order stands."""
        query = f"direction=import&ebpCode={firms.EBP}&orderNo={order}"
        found = await self.get("operator", f"consignments?{query}")
        return str(found["state"])

    async def reaches(self, order: str, state: str) -> None:
        """Wait until the consignment of an order is in a state."""
        found = ""
        for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
            found = await self.consignment(order)
            if found == state:
                return
            await asyncio.sleep(POLL_SECONDS)
        pytest.fail(f"the consignment of {order} is {found}, not {state}")

    async def accept(self, *orders: str) -> dict[str, list[str]]:
        """Hand in order, payment and waybill of these orders; the ids by kind."""
        ids = {}
        for role, path, make in (
            ("merchant", "orders", firms.order),
            ("payment", "payments", firms.payment),
            ("logistics", "waybills", firms.waybill),
        ):
            answer = await self.post(role, f"import/{path}", [make(one) for one in orders])
            ids[path] = [one["id"] for one in answer["results"]]
        return ids

    async def queue(self, *codes: str) -> list[dict[str, Any]]:
        """Wait until the open discrepancies have exactly these codes."""
        found: list[dict[str, Any]] = []
        for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
            found = await self.discrepancies()
            if sorted(one["code"] for one in found) == sorted(codes):
                return found
            await asyncio.sleep(POLL_SECONDS)
        pytest.fail(f"open are {[one['code'] for one in found]}, not {codes}")

    async def discrepancies(self, state: str = "open") -> list[dict[str, Any]]:
        """The reconciliation queue as the operator sees it."""
        answer = await self.get("operator", f"discrepancies?state={state}&limit=1000")
        found: list[dict[str, Any]] = answer["discrepancies"]
        return found


async def until(true: Callable[[], bool], what: str) -> None:
    """Wait for a condition, within a bound."""
    for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
        if true():
            return
        await asyncio.sleep(POLL_SECONDS)
    pytest.fail(f"not within {WAIT_SECONDS} s: {what}")


def settings_for(folder: Path, url: str, **changes: Any) -> Settings:
    """Settings with waiting times of a test."""
    given: dict[str, Any] = {
        "data": folder / "data",
        "customs_url": url,
        "linger_seconds": 0.05,
        "answer_wait_seconds": 60,
        "unknown_wait_seconds": 0.2,
        "send_poll_seconds": 0.05,
        "sweep_seconds": 0.2,
        "lateness_poll_seconds": 0.2,
        "clock_tolerance_seconds": 0.5,
        "total_timeout_seconds": 3,
        "read_timeout_seconds": 2,
    }
    return Settings(**(given | changes))


Opener = Callable[..., Any]


async def register(bench: Bench, algorithms: dict[str, str]) -> None:
    """Fill the registers, and make one API key per role."""
    services = bench.gateway.services
    api_keys = ApiKeys(services.registers, services.database, services.clock)
    first = await api_keys.create("operator", firms.OPERATOR, actor="test")
    bench.keys["operator"] = first.token
    for resource, records in firms.registers(bench.folder, algorithms).items():
        answer = await bench.post("operator", resource, records)
        assert answer["refused"] == 0, answer
    for role, code in ROLES.items():
        if role != "operator":
            issued = await api_keys.create(role, code, actor="test")
            bench.keys[role] = issued.token
    await _settled(bench)


async def _settled(bench: Bench) -> None:
    """Wait until what follows from new registers is done: a new key resumes what was refused."""
    for _ in range(int(WAIT_SECONDS / POLL_SECONDS)):
        if not await bench.gateway.services.database.read(_follows):
            return
        await asyncio.sleep(POLL_SECONDS)
    pytest.fail("the registers are not settled")


def _follows(connection: Connection) -> bool:
    return connection.execute(select(outbox.c.id).limit(1)).first() is not None


def now() -> datetime:
    """The present, aware."""
    return datetime.now(UTC)


def told(got: Sequence[Received], status: str, info: str = "ok", **more: str) -> list[bytes]:
    """One receipt message per transmission: every document in it gets this status now."""
    return [
        offices.receipt(
            [
                offices.entry(one, message.type, status, now(), info, **more)
                for one in message.contents
            ]
        )
        for message in got
    ]
