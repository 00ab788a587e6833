"""Intake: a submitted record becomes a durable, valid document that will be declared.

`Intake.submit` prepares each record without the store (decode, door rules, who may, whose key,
canonical fragment), then hands the good ones to the group commit. Its answers are the results of
contracts: one per record, and a bad record never stops its neighbours.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from gateway.errors import GatewayError, Invalid, Problem, Refused
from gateway.messages import Catalogue, MessageType, decode, write
from gateway.messages.keys import key_text
from gateway.messages.rules import Rules
from gateway.messages.typed import typed_values
from gateway.messages.versions import NEW, versioned
from gateway.model import Caller, Content, Decoded
from gateway.store.prepared import Prepared, Reference
from gateway.store.registry import KeyChoice, Registers
from gateway.store.vault import Vault
from gateway.telemetry import Clock, new_id

MODE_DEFAULT = "direct-import"
ARRIVAL = "arrival"
UNPROCESSABLE = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """What every record is checked against before the store sees it."""

    catalogue: Catalogue
    registry: Registers
    rules: Rules
    vault: Vault
    clock: Clock

    def prepare(
        self, caller: Caller, type_: MessageType, record: object, correlation: str
    ) -> Prepared:
        """Turn one record into what the commit needs; raises Invalid or Refused."""
        self.check_role(caller, type_)
        decoded = decode(type_, record)
        self.check_party(caller, type_, decoded.content)
        moment = self.clock()
        declared = self.declared(type_)
        choice = self._choose_key(caller, declared, decoded.content, moment)
        self._check_rules(type_, decoded)
        # Of what the client sent alone: a register that changes makes no other content.
        sent = json.dumps(typed_values(type_, decoded), sort_keys=True)
        decoded = self._with_declarant(caller, type_, decoded, moment)
        finished = self._finish(caller, (type_, declared), decoded, choice, moment, correlation)
        return replace(finished, digest=self.vault.hash(type_.name, sent))

    def declared(self, type_: MessageType) -> MessageType:
        """The message type that a record becomes: its own, or that of the derived message."""
        return self.catalogue.by_kind(ARRIVAL) if type_.is_record else type_

    def check_role(self, caller: Caller, type_: MessageType) -> None:
        """The row of the type says which roles hand it in. Raises Refused (403)."""
        if caller.role not in type_.row.submitters:
            raise Refused(
                403,
                "A-role",
                f"角色 {caller.role} 不得提交该类单证。",
                f"The role {caller.role} may not submit {type_.row.kind} documents.",
            )

    def check_party(self, caller: Caller, type_: MessageType, content: Content) -> None:
        """A code of the caller's enterprise must stand in the document. Raises Refused (403)."""
        named = {content.head.get(field, "") for field in type_.row.parties}
        if not named & caller.codes:
            raise Refused(
                403,
                "A-foreign",
                "单证中没有调用方企业的代码。",
                "No enterprise code in this document belongs to the caller.",
            )

    def _choose_key(
        self, caller: Caller, type_: MessageType, content: Content, moment: datetime
    ) -> KeyChoice:
        codes = [content.head[name] for name in type_.row.responsible if content.head.get(name)]
        choice = self.registry.signing(codes, type_.name, moment)
        self.registry.may_submit(caller, choice.enterprise, type_.name, moment)
        return choice

    def _check_rules(self, type_: MessageType, decoded: Decoded) -> None:
        problems: list[Problem] = []
        for code_field, name_field in type_.row.names.items():
            problems += self._check_name(decoded.content, code_field, name_field)
        problems += self.rules.at_the_door(type_.row.kind, decoded.content, decoded.extension)
        if problems:
            raise Invalid(problems)

    def _check_name(self, content: Content, code_field: str, name_field: str) -> list[Problem]:
        """A name must be the one that is registered for its code (derivation section 1)."""
        code, given = content.head.get(code_field), content.head.get(name_field)
        registered = self.registry.name(code) if code else None
        if registered is None or not given or given == registered:
            return []
        return [
            Problem(
                path=f"$.{name_field}",
                field=name_field,
                code="R-name",
                value=given,
                zh=f"名称与企业 {code} 的备案名称“{registered}”不一致。",
                en=f"The name differs from {registered!r}, registered for {code}.",
            )
        ]

    def _with_declarant(
        self, caller: Caller, type_: MessageType, decoded: Decoded, moment: datetime
    ) -> Decoded:
        """An order names its mode and its declarant, or there is exactly one to take."""
        if type_.row.kind != "order":
            return decoded
        extension = dict(decoded.extension)
        mode = extension.setdefault("mode", MODE_DEFAULT)
        if self.rules.modes.get(mode) is None:
            raise Invalid([_not_enabled(mode)])
        profile = self.registry.declarant(
            decoded.content.head["ebcCode"], mode, moment, extension.get("declarant")
        )
        extension["declarant"] = profile["agentCode"]
        extension["customsCode"] = profile["customsCode"]
        if "inventory" in extension and profile["agentCode"] not in caller.codes:
            self.registry.may_submit(caller, profile["agentCode"], "CEB621", moment)
        return Decoded(decoded.content, extension)

    def _finish(
        self,
        caller: Caller,
        types: tuple[MessageType, MessageType],
        decoded: Decoded,
        choice: KeyChoice,
        moment: datetime,
        correlation: str,
    ) -> Prepared:
        document_id = new_id()
        submitted, declared = types
        content = decoded.content
        waits = submitted is not declared
        return Prepared(
            document_id=document_id,
            type=declared,
            submitted=submitted,
            content=content,
            extension=decoded.extension,
            key_text=key_text(submitted.row.key, content.head, self.registry.identity),
            digest="",
            buyer_hash=self._buyer_hash(content),
            fragment=None
            if waits
            else write(declared, versioned(content, document_id, NEW, moment)),
            moment=moment,
            submitted_by=self.registry.identity(caller.enterprise),
            responsible=choice.enterprise,
            key_profile=choice.profile,
            parties=self._parties(caller, submitted, content, decoded.extension),
            reference=self._reference(submitted, decoded),
            correlation=correlation,
        )

    def _buyer_hash(self, content: Content) -> str | None:
        number = content.head.get("buyerIdNumber")
        return self.vault.hash("buyer", content.head["buyerIdType"], number) if number else None

    def _parties(
        self,
        caller: Caller,
        type_: MessageType,
        content: Content,
        extension: Mapping[str, Any],
    ) -> str:
        """The identities of every enterprise that may see the document, between bars."""
        codes = [content.head.get(name) for name in type_.row.parties]
        named = [*codes, extension.get("declarant"), extension.get("ebpCode"), caller.enterprise]
        unique = dict.fromkeys(self.registry.identity(code) for code in named if code)
        return "|" + "|".join(unique) + "|"

    def _reference(self, type_: MessageType, decoded: Decoded) -> Reference | None:
        """Which consignment the document belongs to; a waybill may not know its platform."""
        head = decoded.content.head
        if "orderNo" not in head:
            return None
        ebp = head.get("ebpCode") or decoded.extension.get("ebpCode") or ""
        return Reference(
            direction="I",
            ebp_code=self.registry.identity(ebp) if ebp else "",
            order_no=head["orderNo"],
            slot=type_.row.kind,
            mode=decoded.extension.get("mode"),
        )


def _not_enabled(mode: str) -> Problem:
    return Problem(
        path="$.mode",
        field="mode",
        code="R-mode",
        value=mode,
        zh="该业务模式尚未启用。",
        en="This mode is not enabled here.",
    )


def refusal(error: GatewayError) -> dict[str, Any]:
    """The result of one refused record, in the shape of the single answer."""
    status = error.status if isinstance(error, Refused) else UNPROCESSABLE
    result: dict[str, Any] = {
        "status": status,
        "code": error.code,
        "zh": error.zh,
        "en": error.en,
    }
    problems = error.problems if isinstance(error, Invalid | Refused) else ()
    if status == UNPROCESSABLE and not problems:
        problems = (Problem(path="$", code=error.code, zh=error.zh, en=error.en),)
    if problems:
        result["problems"] = [problem.as_json() for problem in problems]
    if isinstance(error, Refused) and error.document_id is not None:
        result["id"] = error.document_id
        result["differences"] = [{"path": one.path} for one in error.differences]
    return result
