"""The registers in memory, for questions that every document asks.

One copy of the records in force, loaded at start and kept up by each write of this process.
Readers may stand in other threads: an entry is replaced as a whole, never changed in place.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from gateway.errors import Problem, Refused
from gateway.messages import Catalogue
from gateway.model import Caller
from gateway.store import audit
from gateway.store import registers as statements
from gateway.store.database import Database
from gateway.store.queues import RESUMPTION, post
from gateway.store.registers import (
    ENTERPRISE,
    GOODS,
    KEY_PROFILE,
    MANDATE,
    PROFILE,
    REGISTERS,
    Key,
    Record,
)
from gateway.store.registry.choices import GATEWAY, KeyChoice, day_of, key_choice, valid_on
from gateway.telemetry import Clock

INVENTORY = "inventory"

Index = dict[tuple[str | None, ...], tuple[Record, ...]]
"""Values of some columns to the records that have them."""

Refusal = tuple[int, str, str, str]
"""How far a candidate came, code, zh, en: the reason that came furthest is told."""


class Registers:
    """Answers from the records in force; see the package for who writes them."""

    def __init__(self, database: Database, catalogue: Catalogue, clock: Clock) -> None:
        self._database = database
        self._clock = clock
        self._catalogue = catalogue
        self._records: dict[str, dict[Key, Record]] = {kind: {} for kind in REGISTERS}
        self._identity: dict[str, str] = {}
        self._dxp_ids: dict[str, frozenset[str]] = {}
        self._keys_of: Index = {}
        self._mandates_of: Index = {}
        self._profiles_of: Index = {}
        self._indexes: Mapping[str, tuple[tuple[str, ...], Index]] = {
            KEY_PROFILE: (("enterprise",), self._keys_of),
            MANDATE: (("principal",), self._mandates_of),
            PROFILE: (("agent_code", "mode"), self._profiles_of),
        }

    async def load(self) -> None:
        """Read every record in force; done once at start."""
        for kind in REGISTERS:
            self.apply(await self._database.read(statements.in_force, kind))

    def apply(self, records: Sequence[Record]) -> None:
        """Take over versions that were committed."""
        for record in records:
            old = self._records[record.kind].get(record.key)
            self._records[record.kind][record.key] = record
            if record.kind == ENTERPRISE:
                self._learn_enterprise(record.body, old.body if old else {})
            elif record.kind in self._indexes:
                self._learn(record, old)

    def identity(self, code: str) -> str:
        """The one code that stands for the enterprise: 10 and 18 characters name the same one."""
        return self._identity.get(code, code)

    def codes(self, code: str) -> frozenset[str]:
        """Every code of the enterprise; the code alone when it is not registered."""
        enterprise = self.enterprise(code)
        if enterprise is None:
            return frozenset({code})
        return frozenset(one for one in (enterprise["code"], enterprise.get("creditCode")) if one)

    def enterprise(self, code: str) -> Mapping[str, Any] | None:
        """The record of the enterprise with this code."""
        return self._body(ENTERPRISE, (self.identity(code),))

    def name(self, code: str) -> str | None:
        """The registered name of the enterprise with this code."""
        enterprise = self.enterprise(code)
        return enterprise["name"] if enterprise else None

    def key_profile(self, profile: str) -> Mapping[str, Any] | None:
        """The record of a key profile."""
        return self._body(KEY_PROFILE, (profile,))

    def is_our_dxp_id(self, dxp_id: str) -> bool:
        """Whether an enterprise here transmits and receives under this id."""
        return bool(self._dxp_ids.get(dxp_id))

    def goods(
        self, ebc_code: str, item_no: str, direction: str, at: datetime
    ) -> Mapping[str, Any] | None:
        """The goods record of a row, if it is valid on that day."""
        body = self._body(GOODS, (self.identity(ebc_code), item_no, direction))
        return body if body is not None and valid_on(body, day_of(at)) else None

    def mandated(self, principal: str, holder: str, message_type: str, at: datetime) -> bool:
        """Whether the principal lets the holder (a code, or gateway) act for this message type."""
        identity, day = self.identity(holder), day_of(at)
        return any(
            one.columns["holder"] == identity
            and message_type in one.body["messageTypes"]
            and valid_on(one.body, day)
            for one in self._mandates_of.get((self.identity(principal),), ())
        )

    def signing(self, codes: Sequence[str], message_type: str, at: datetime) -> KeyChoice:
        """The key of the first of these enterprises that has a usable one.

        Usable: a key profile within its validity, a dxpId, and a mandate that lets the gateway
        sign this type. Raises Refused (422) with the reason.
        """
        reasons: list[Refusal] = []
        for code in dict.fromkeys(self.identity(one) for one in codes):
            found = self._key_of(code, message_type, at)
            if isinstance(found, KeyChoice):
                return found
            reasons.append(found)
        if not reasons:
            raise Refused(
                422,
                "K-responsible",
                "单证中没有责任企业代码。",
                "The document names no responsible enterprise.",
            )
        _, problem, zh, en = max(reasons, key=lambda reason: reason[0])
        raise Refused(422, problem, zh, en)

    def may_submit(self, caller: Caller, responsible: str, message_type: str, at: datetime) -> None:
        """The responsible enterprise itself, or who holds its mandate. Raises Refused (403)."""
        if caller.role == "operator":
            raise Refused(
                403,
                "A-operator",
                "运营方不得代企业提交单证。",
                "The operator submits no documents.",
            )
        if self.identity(responsible) == self.identity(caller.enterprise):
            return
        if not self.mandated(responsible, caller.enterprise, message_type, at):
            raise Refused(
                403,
                "A-mandate",
                f"没有企业 {responsible} 对 {message_type} 的有效委托。",
                f"The caller holds no valid mandate of {responsible} for {message_type}.",
            )

    def declarant(
        self, ebc_code: str, mode: str, at: datetime, declarant: str | None
    ) -> Mapping[str, Any]:
        """The profile under which an order of this merchant is declared.

        `declarant` names the agent; else it is the one agent with a profile for the mode. The
        merchant must have mandated the agent for inventories, unless it is the agent itself.
        A profile for this merchant goes before the agent's general one. Raises Refused (422)
        for none and for several.
        """
        merchant = self.identity(ebc_code)
        agents = self._agents(merchant, at)
        if declarant is not None:
            agents &= {self.identity(declarant)}
        found: list[Mapping[str, Any]] = []
        for agent in sorted(agents):
            profiles = self._profiles_of.get((agent, mode), ())
            own = [one for one in profiles if one.columns["ebc_code"] == merchant]
            general = [one for one in profiles if not one.columns["ebc_code"]]
            found += [one.body for one in own or general]
        if len(found) == 1:
            return found[0]
        raise _no_profile(mode) if not found else _several_profiles(mode)

    def site_profile(self, operator_code: str, mode: str) -> Mapping[str, Any]:
        """The one profile of a site operator; empty, and its shipment names the office then."""
        found = self._profiles_of.get((self.identity(operator_code), mode), ())
        return found[0].body if len(found) == 1 else {}

    async def pause(self, profile: str, reason: str = "signature") -> None:
        """Let a key profile sign nothing more, after customs refused its signature."""
        action = audit.Action(actor=GATEWAY, action="key_paused", subject=profile, detail=reason)
        await self._set_pause(profile, reason, action)

    async def resume(self, caller: Caller, profile: str) -> bool:
        """Let a paused key profile sign again; False when it was not paused."""
        action = audit.Action(actor=caller.key_id, action="key_resumed", subject=profile)
        return await self._set_pause(profile, None, action)

    async def _set_pause(self, profile: str, reason: str | None, action: audit.Action) -> bool:
        now = self._clock()
        record = await self._database.write(_pause, profile, reason, action, now)
        if record is not None:
            self.apply([record])
        return record is not None

    def _key_of(self, code: str, message_type: str, at: datetime) -> KeyChoice | Refusal:
        enterprise = self.enterprise(code)
        if enterprise is None:
            return 0, "K-unregistered", f"企业 {code} 未登记。", f"{code} is not registered."
        day = day_of(at)
        usable = [one for one in self._keys_of.get((code,), ()) if valid_on(one.body, day)]
        if not usable:
            return (
                1,
                "K-none",
                f"企业 {code} 没有可用的签名密钥。",
                f"{code} has no usable signing key.",
            )
        if not self.mandated(code, GATEWAY, message_type, at):
            return (
                2,
                "K-mandate",
                f"企业 {code} 未委托网关签署 {message_type}。",
                f"{code} has not mandated the gateway to sign {message_type}.",
            )
        if not enterprise.get("dxpId"):
            return 3, "K-dxp", f"企业 {code} 没有传输编号。", f"{code} has no dxpId."
        # On renewal two profiles overlap: the one that may sign, then the newer one.
        chosen = max(
            usable,
            key=lambda one: (not one.paused, one.body.get("validFrom", ""), one.valid_from),
        )
        return key_choice(enterprise, chosen.body, chosen.version, paused=chosen.paused)

    def _agents(self, merchant: str, at: datetime) -> set[str]:
        """Who may declare for a merchant: itself and the holders of its mandate."""
        inventory, day = self._catalogue.by_kind(INVENTORY).name, day_of(at)
        return {merchant} | {
            one.columns["holder"] or ""
            for one in self._mandates_of.get((merchant,), ())
            if inventory in one.body["messageTypes"] and valid_on(one.body, day)
        }

    def _body(self, kind: str, key: Key) -> Mapping[str, Any] | None:
        record = self._records[kind].get(key)
        return record.body if record else None

    def _learn_enterprise(self, body: Mapping[str, Any], old: Mapping[str, Any]) -> None:
        code = body["code"]
        for one in (code, body.get("creditCode")):
            if one:
                self._identity[one] = code
        gone = old.get("creditCode")
        if gone and gone != body.get("creditCode"):
            self._identity.pop(gone, None)
        for before, dxp_id in ((True, old.get("dxpId")), (False, body.get("dxpId"))):
            if dxp_id:
                users = self._dxp_ids.get(dxp_id, frozenset())
                self._dxp_ids[dxp_id] = users - {code} if before else users | {code}

    def _learn(self, record: Record, old: Record | None) -> None:
        """Put a record where it is looked for; a reader sees the old or the new, never neither."""
        columns, index = self._indexes[record.kind]
        place = tuple(record.columns[name] for name in columns)
        others = (one for one in index.get(place, ()) if one.key != record.key)
        index[place] = (*others, record)
        before = tuple(old.columns[name] for name in columns) if old else place
        if before != place:
            index[before] = tuple(one for one in index[before] if one.key != record.key)


def _pause(
    connection: Connection, profile: str, reason: str | None, action: audit.Action, at: datetime
) -> Record | None:
    moment = at if reason is not None else None
    if not statements.set_pause(connection, profile, at=moment, reason=reason):
        return None
    audit.append(connection, [action], at)
    if reason is None:
        post(connection, [(RESUMPTION, [profile])], at, lease=timedelta(0))
    return statements.current(connection, KEY_PROFILE, [(profile,)])[(profile,)]


def _no_profile(mode: str) -> Refused:
    return Refused(
        422,
        "R-declarant",
        f"没有可用于 {mode} 的申报企业档案及有效委托。",
        f"No declarant has both a profile for {mode} and a valid mandate of the merchant.",
        problems=(_at_declarant("R-declarant", "没有可用的申报企业。", "No declarant fits."),),
    )


def _several_profiles(mode: str) -> Refused:
    return Refused(
        422,
        "R-declarants",
        f"有多个申报企业档案可用于 {mode}，请在 declarant 中指明。",
        f"Several declarant profiles fit {mode} orders of the merchant; name one as declarant.",
        problems=(_at_declarant("R-declarants", "请指明申报企业。", "Name the declarant."),),
    )


def _at_declarant(code: str, zh: str, en: str) -> Problem:
    return Problem(path="$.declarant", field="declarant", code=code, zh=zh, en=en)
