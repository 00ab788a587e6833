"""API keys: who is calling. A key is 256 random bits; the store keeps its SHA-256 alone."""

from __future__ import annotations

import hashlib
import re
import secrets
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.errors import Refused
from gateway.model import Caller
from gateway.store import api_keys as statements
from gateway.store import audit
from gateway.store.database import Database
from gateway.store.registry.snapshot import Registers
from gateway.telemetry import Clock, new_id

ROLES = (
    "platform",
    "merchant",
    "declarant",
    "payment",
    "logistics",
    "site",
    "operator",
    "authority",
)
UNREGISTERED_ROLES = frozenset({"operator", "authority"})
"""Who is no party of a consignment, and so needs no place in the register of enterprises."""

SECRET_BYTES = 32
PREFIX_BYTES = 4
PREFIX_CHARACTERS = 12
CODE_CHARACTERS_MAX = 18
SHAPE = re.compile(r"swg_[0-9a-f]{8}_[A-Za-z0-9_-]{43}")

CACHE_SECONDS = 2
"""How long a key revoked by another process may still be taken."""
CACHE_KEYS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A new key. The token is told once and kept nowhere."""

    id: str
    prefix: str
    token: str


@dataclass(frozen=True, slots=True)
class _Known:
    id: str
    role: str
    enterprise: str
    until: datetime


class ApiKeys:
    """Issues, checks and revokes API keys."""

    def __init__(self, registers: Registers, database: Database, clock: Clock) -> None:
        self._registers = registers
        self._database = database
        self._clock = clock
        self._cache: OrderedDict[str, _Known] = OrderedDict()

    async def create(self, role: str, enterprise: str, *, actor: str) -> Issued:
        """A new key for a role of an enterprise. Raises Refused (422).

        Apart from operator and authority the enterprise must be registered in that role.
        """
        if role not in ROLES:
            raise _refused("A-role", f"没有角色 {role}。", f"The roles are {', '.join(ROLES)}.")
        if not 1 <= len(enterprise) <= CODE_CHARACTERS_MAX:
            raise _refused(
                "A-enterprise",
                f"企业代码为 1 至 {CODE_CHARACTERS_MAX} 位。",
                f"An enterprise code has 1 to {CODE_CHARACTERS_MAX} characters.",
            )
        if role not in UNREGISTERED_ROLES:
            self._check_registered(role, enterprise)
        issued = _issue()
        row = {
            "id": issued.id,
            "prefix": issued.prefix,
            "digest": _digest(issued.token),
            "role": role,
            "enterprise": self._registers.identity(enterprise),
            "created_at": self._clock(),
        }
        await self._database.write(_create, row, actor)
        return issued

    async def authenticate(self, token: str) -> Caller | None:
        """Whose key this is; None for a key that is unknown or revoked."""
        if not SHAPE.fullmatch(token):
            return None
        digest, now = _digest(token), self._clock()
        known = self._cache.get(digest)
        if known is None or known.until <= now:
            row = await self._database.read(statements.by_digest, digest)
            if row is None:
                self._cache.pop(digest, None)
                return None
            until = now + timedelta(seconds=CACHE_SECONDS)
            known = _Known(row["id"], row["role"], row["enterprise"], until)
            self._cache[digest] = known
            self._cache.move_to_end(digest)
            if len(self._cache) > CACHE_KEYS_MAX:
                self._cache.popitem(last=False)
        return Caller(
            key_id=known.id,
            role=known.role,
            enterprise=self._registers.identity(known.enterprise),
            codes=self._registers.codes(known.enterprise),
        )

    async def revoke(self, key_id: str, *, actor: str) -> bool:
        """Revoke a key; False when there is none in force with this id."""
        row = await self._database.write(_revoke, key_id, actor, self._clock())
        if row is not None:
            self._cache.pop(row["digest"], None)
        return row is not None

    def _check_registered(self, role: str, enterprise: str) -> None:
        record = self._registers.enterprise(enterprise)
        if record is None or role not in record["roles"]:
            raise _refused(
                "A-enterprise",
                f"企业 {enterprise} 未以角色 {role} 登记，请先登记：POST /v1/enterprises。",
                f"{enterprise} is not registered with the role {role}; "
                "register it first: POST /v1/enterprises.",
            )


def _issue() -> Issued:
    prefix = f"swg_{secrets.token_hex(PREFIX_BYTES)}"
    token = f"{prefix}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return Issued(id=new_id(), prefix=prefix, token=token)


def _digest(token: str) -> str:
    """Random tokens need no slow hash: there is nothing to guess."""
    return hashlib.sha256(token.encode()).hexdigest()


def _create(connection: Connection, row: dict[str, Any], actor: str) -> None:
    statements.add(connection, row)
    action = audit.Action(
        actor=actor,
        action="api_key_created",
        subject=row["id"],
        detail=f"{row['role']} {row['enterprise']}",
    )
    audit.append(connection, [action], row["created_at"])


def _revoke(connection: Connection, key_id: str, actor: str, at: datetime) -> Any:
    row = statements.revoke(connection, key_id, at)
    if row is not None:
        action = audit.Action(actor=actor, action="api_key_revoked", subject=key_id)
        audit.append(connection, [action], at)
    return row


def _refused(code: str, zh: str, en: str) -> Refused:
    return Refused(422, code, zh, en)
