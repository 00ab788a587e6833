"""Invented records of every register, and the use cases over one store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway.errors import GatewayError, Invalid
from gateway.messages import Catalogue
from gateway.model import Caller
from gateway.registers import ApiKeys, Put, Registrar
from gateway.store.database import Database
from gateway.store.registry import Registers

OPERATOR = Caller(key_id="K-OPERATOR", role="operator", enterprise="ZONE", codes=frozenset())

PLATFORM, MERCHANT, AGENT, OTHER = "4403960001", "4403960002", "4403960003", "4403960004"
PLATFORM_CREDIT = "91440300MA5TEST0X1"


@dataclass
class Clock:
    """A clock that a test turns."""

    moment: datetime = field(default=datetime(2026, 3, 1, 4, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, **step: float) -> None:
        self.moment += timedelta(**step)


@dataclass(frozen=True)
class Office:
    """Everything about registers, on one store."""

    catalogue: Catalogue
    database: Database
    clock: Clock
    registers: Registers
    registrar: Registrar
    api_keys: ApiKeys

    async def put(
        self, kind: str, *records: Mapping[str, Any], caller: Caller = OPERATOR
    ) -> list[Put | GatewayError]:
        return await self.registrar.put(caller, self.catalogue.by_kind(kind), list(records))

    async def must_put(self, kind: str, *records: Mapping[str, Any]) -> list[Put]:
        results = await self.put(kind, *records)
        assert all(isinstance(one, Put) for one in results), results
        return [one for one in results if isinstance(one, Put)]

    async def problems(self, kind: str, record: Mapping[str, Any]) -> set[tuple[str, str]]:
        """(path, code) of what is wrong with a record."""
        (result,) = await self.put(kind, record)
        assert isinstance(result, Invalid), result
        return {(one.path, one.code) for one in result.problems}

    async def reloaded(self) -> Registers:
        """The registers as a process sees them that starts now."""
        fresh = Registers(self.database, self.catalogue, self.clock)
        await fresh.load()
        return fresh

    def caller(self, code: str, role: str = "merchant") -> Caller:
        codes = self.registers.codes(code)
        return Caller(key_id=f"K-{code}", role=role, enterprise=code, codes=codes)


def enterprise(code: str, *roles: str, **more: Any) -> dict[str, Any]:
    """An invented enterprise."""
    return {
        "code": code,
        "name": f"示例{code}有限公司",
        "roles": list(roles or ("merchant",)),
        "dxpId": f"DXPENT{code}",
        **more,
    }


def mandate(principal: str, holder: str, *types: str, **more: Any) -> dict[str, Any]:
    """A mandate from the start of the year."""
    return {
        "principal": principal,
        "holder": holder,
        "messageTypes": list(types or ("CEB311",)),
        "validFrom": "2026-01-01",
        "evidence": "委托书示例",
        **more,
    }


def goods(item: str = "SKU-1", **more: Any) -> dict[str, Any]:
    """A goods record of the merchant."""
    return {
        "ebcCode": MERCHANT,
        "itemNo": item,
        "direction": "I",
        "gname": "奶粉",
        "gcode": "1901101000",
        "unit": "122",
        "unit1": "035",
        "factor1": "0.8",
        "country": "601",
        "netWeight": "0.8",
        **more,
    }


def profile(**more: Any) -> dict[str, Any]:
    """A declarant profile of the agent."""
    return {
        "agentCode": AGENT,
        "mode": "direct-import",
        "customsCode": "5130",
        "assureCode": "A-1",
        "declaration": "automatic",
        **more,
    }


def key_profile(files: Path, enterprise_code: str, **more: Any) -> dict[str, Any]:
    """A key profile of the RSA key in that folder."""
    return {
        "profile": f"key-{enterprise_code}",
        "enterprise": enterprise_code,
        "algorithm": "rsa-sha1",
        "provider": "software",
        "keyReference": str(files / "rsa.key.pem"),
        "certificateReference": str(files / "rsa.cert.pem"),
        **more,
    }
