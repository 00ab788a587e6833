"""From loaded rows to facts, from facts to findings or to a declaration that is ready to store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import RowMapping

from gateway.errors import Invalid
from gateway.matching.declaring import Declaration, cop_no
from gateway.matching.lateness import parties_of
from gateway.matching.loading import Loaded
from gateway.matching.sources import Sources
from gateway.messages import MessageType, validate, write
from gateway.messages.derivation import derive_inventory
from gateway.messages.facts import Facts, given_content
from gateway.messages.findings import Finding
from gateway.messages.keys import key_text
from gateway.messages.versions import NEW, versioned
from gateway.model import Content, Decoded
from gateway.store import discrepancies
from gateway.store.documents import key_parts
from gateway.store.prepared import stored_content
from gateway.telemetry import SHANGHAI, new_id

CODES = ("ebpCode", "ebcCode", "payCode", "logisticsCode")
APPROVAL = "awaiting_approval"


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A consignment that may not be declared, with what was found."""

    loaded: Loaded
    findings: tuple[Finding, ...]
    code: str = ""
    problems: Sequence[Mapping[str, str]] = ()
    """Where a derived message breaks its schema: path and code."""

    @property
    def holds(self) -> bool:
        """Whether a person must look; findings that only wait for something do not count."""
        return bool(self.code) or any(one.holds and not one.waits for one in self.findings)

    def openings(self) -> list[discrepancies.Opening]:
        """One discrepancy per rule; the findings of a rule stand together in its detail."""
        found: dict[str, list[dict[str, object]]] = {self.code: []} if self.code else {}
        for one in self.findings:
            if one.holds and not one.waits:
                found.setdefault(one.code, []).append(one.as_json())
        return [
            discrepancies.Opening(
                code=code,
                subject_kind="consignment",
                subject_id=self.loaded.home["id"],
                consignment_id=self.loaded.home["id"],
                parties=parties_of(self.loaded),
                detail={"findings": details, "problems": list(self.problems)},
            )
            for code, details in found.items()
        ]


@dataclass(frozen=True, slots=True)
class Deriving:
    """Decrypts, judges and derives one consignment."""

    sources: Sources

    def content(self, kind: str, row: RowMapping) -> Content:
        """The content of a stored document."""
        return self._decoded(kind, row).content

    def _decoded(self, kind: str, row: RowMapping) -> Decoded:
        return stored_content(self.sources.vault, self.sources.catalogue.by_kind(kind), row)

    def derive(self, one: Loaded) -> Declaration | Held:
        """The declaration of a consignment, or what holds it. Raises Refused without a key."""
        now = self.sources.clock()
        order = self._decoded("order", one.documents["order"])
        mode = order.extension["mode"]
        profile = self.sources.registry.declarant(
            order.content.head["ebcCode"],
            mode,
            now,
            order.extension.get("declarant"),
        )
        facts = self._facts(one, order, profile, now)
        derived = derive_inventory(facts, self.sources.rules, self.sources.derivation)
        if derived.content is None:
            return Held(loaded=one, findings=derived.findings)
        if profile["declaration"] != "automatic":
            return Held(loaded=one, findings=(), code=APPROVAL)
        type_ = self.sources.catalogue.type(self.sources.rules.modes.by_name[mode].derived)
        return self._declaration(one, type_, derived.content, now)

    def _facts(
        self, one: Loaded, order: Decoded, profile: Mapping[str, Any], now: datetime
    ) -> Facts:
        registry = self.sources.registry
        payment = self.content("payment", one.documents["payment"])
        waybill = self.content("waybill", one.documents["waybill"])
        shipment = _shipment(one, waybill)
        heads = [order.content.head, payment.head, waybill.head, profile]
        codes = {head[name] for head in heads for name in (*CODES, "agentCode") if head.get(name)}
        names = {code: name for code in codes if (name := registry.name(code))}
        goods = {
            number: found
            for item in order.content.items
            if (number := item.get("itemNo"))
            and (found := registry.goods(order.content.head["ebcCode"], number, "I", now))
        }
        return Facts(
            mode=order.extension["mode"],
            declared_at=now,
            order=order.content,
            payment=payment,
            waybill=waybill,
            extension=order.extension,
            given=given_content(order.extension.get("inventory")),
            shipment=shipment,
            parcel_listed=shipment is not None,
            goods=goods,
            profile=profile,
            names=names,
            identity=registry.identity,
        )

    def _declaration(
        self, one: Loaded, type_: MessageType, given: Content, now: datetime
    ) -> Declaration:
        last = one.inventory[-1] if one.inventory else None
        moment = max(now, last["app_time"] + timedelta(seconds=1)) if last else now
        document_id = new_id()
        head = {
            **given.head,
            "copNo": self._own_number(one, given),
            "declTime": moment.astimezone(SHANGHAI).strftime("%Y%m%d"),
        }
        content = versioned(Content(head, given.items), document_id, NEW, moment)
        fragment = write(type_, content)
        (problems,) = validate(type_, [fragment])
        if problems:
            raise Invalid(problems)
        choice = self.sources.registry.signing([head["agentCode"]], type_.name, now)
        return Declaration(
            loaded=one,
            type=type_,
            document_id=document_id,
            version=last["version"] + 1 if last else 1,
            app_time=moment,
            content=content,
            fragment=fragment,
            key_text=key_text(type_.row.key, head, self.sources.registry.identity),
            responsible=choice.enterprise,
            key_profile=choice.profile,
            submitted_by=choice.enterprise,
            parties=self._parties(type_, content),
            digest=self.sources.vault.hash(document_id),
        )

    def _own_number(self, one: Loaded, given: Content) -> str:
        """The copNo stays over versions; the declarant's own, else one of ours."""
        if one.inventory:
            return key_parts(one.inventory[-1]["key_text"])[-1]
        return given.head.get("copNo") or cop_no()

    def _parties(self, type_: MessageType, content: Content) -> str:
        """Who stands in the inventory sees it; a payment or logistics firm sees its own alone."""
        codes = [content.head.get(name) for name in type_.row.parties]
        identities = [self.sources.registry.identity(code) for code in codes if code]
        return "|" + "|".join(dict.fromkeys(identities)) + "|"


def _shipment(one: Loaded, waybill: Content) -> Mapping[str, Any] | None:
    """The shipment in which the parcel stands; that of the waybill's billNo when it names one."""
    bill_no = waybill.head.get("billNo")
    fitting = [row for row in one.shipments if not bill_no or row["bill_no"] == bill_no]
    chosen = fitting or list(one.shipments)
    return dict(chosen[0]["head"]) if chosen else None
