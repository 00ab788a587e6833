"""The documents of one message: each is judged, taken or refused, entered in the ledger."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.model import Content
from gateway.simulator.documents import LIVING, Declared, Documents, business_key, key_of
from gateway.simulator.entries import Entries
from gateway.simulator.envelope import Transmission
from gateway.simulator.judging import CHANGE, Ruling, judge
from gateway.simulator.kinds import NO_ENTERPRISE, Kind, Kinds
from gateway.simulator.ledger import REFUSED, TAKEN, Ledger
from gateway.simulator.life import Life
from gateway.simulator.message import Message
from gateway.simulator.registry import Enterprise, Registry
from gateway.simulator.rules import facts_of
from gateway.simulator.store import Store

NO_NUMBER = "无"
"""Repeated in a receipt where the declaration left out what the receipt must carry."""
GIVEN_LATER = ("preNo", "invtNo")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One document of a message, with its key and what steers it."""

    content: Content
    digest: str
    key: str
    scenarios: tuple[str, ...] = ()
    returns: str = ""
    """The text of the status 100 that the first version of its key gets; empty: its usual life."""


class Declaring:
    """Judges and takes documents; every call is inside the caller's transaction."""

    def __init__(
        self,
        store: Store,
        registry: Registry,
        documents: Documents,
        kinds: Kinds,
        entries: Entries,
        ledger: Ledger,
        life: Life,
    ) -> None:
        self._store = store
        self._registry = registry
        self._documents = documents
        self._kinds = kinds
        self._entries = entries
        self._ledger = ledger
        self._life = life

    def keys(self, message: Message) -> list[str]:
        """The business key of each document of a message."""
        identity = self._registry.identity
        return [key_of(message.kind.key, one.head, identity) for one in message.contents]

    def declare(
        self,
        transmission: Transmission,
        message: Message,
        seen: Sequence[Seen],
        signature_fault: str,
        now: int,
    ) -> None:
        """Give every document its verdict, its ledger entry and its first receipt entry.

        `signature_fault` is what is wrong with the signature of the message, or empty.
        """
        kind = message.kind
        signer = self._signer(message)
        existing = self._documents.by_keys(kind.type, [one.key for one in seen])
        lives = self._inventories(kind, seen)
        sent = (transmission.message_id, hashlib.sha256(transmission.message).hexdigest())
        taken: list[tuple[Seen, Declared, bool]] = []
        changed: set[int] = set()
        next_id = self._documents.next_id()
        touched: dict[int, Declared] = {}
        for one in seen:
            before = existing.get(one.key)
            ruling = self._rule(kind, one, signer, signature_fault, before, lives)
            self._enter(kind, one, sent, ruling, now)
            if ruling.verdict != TAKEN:
                self._refuse(transmission, kind, one, ruling, before, now)
                if before is not None:
                    touched[before.id] = before
                continue
            made = self._made(transmission, kind, one, before, next_id, sent)
            next_id = max(next_id, made.id + 1)
            existing[one.key] = made
            touched.pop(made.id, None)
            if one.content.head["appType"] == CHANGE:
                changed.add(made.id)
            if kind.kind == "inventory":
                lives[made.order_key] = made
            taken.append((one, made, bool(one.returns) and before is None))
        self._documents.save(touched.values())
        self._begin(kind, taken, changed, now)

    def _begin(
        self, kind: Kind, taken: Sequence[tuple[Seen, Declared, bool]], changed: set[int], now: int
    ) -> None:
        """What follows: the first receipts, or the return that a scenario asks for."""
        if kind.kind == "arrival":
            self._documents.set_parcels(
                {made.id: (made.facts["billNo"], self._parcels(one)) for one, made, _ in taken}
            )
        usual = [made for _, made, returned in taken if not returned]
        if usual:
            self._life.begin(usual, changed, now)
        for one, made, returned in taken:
            if returned:
                self._life.send_back([made], one.returns, now)

    def _signer(self, message: Message) -> Enterprise | None:
        """The registered enterprise of the transfer block; None when a value of it differs."""
        found = self._registry.find(message.transfer["copCode"])
        if found is None:
            return None
        given = (message.transfer["copName"], message.transfer["dxpId"])
        return found if given == (found.name, found.dxp_id) else None

    def _rule(
        self,
        kind: Kind,
        one: Seen,
        signer: Enterprise | None,
        signature_fault: str,
        before: Declared | None,
        lives: dict[str | None, Declared],
    ) -> Ruling:
        if signature_fault:
            return Ruling(verdict=REFUSED, code=kind.signature, detail=signature_fault)
        if signer is None:
            return Ruling(verdict=REFUSED, code=NO_ENTERPRISE, detail="传输企业与备案不符")
        head = one.content.head
        if not any(self._registry.find(head.get(name, "")) is signer for name in kind.signers):
            detail = f"{'、'.join(kind.signers)}与证书所属企业不符"
            return Ruling(verdict=REFUSED, code=kind.invalid, detail=detail)
        return judge(kind, one.content, before, lives.get(self._tie(kind, one)))

    def _inventories(self, kind: Kind, seen: Sequence[Seen]) -> dict[str | None, Declared]:
        """Living inventories by the keys of the orders or parcels of these documents.

        Needed for new inventories and for changes of what an inventory may already stand on.
        """
        if kind.kind == "arrival":
            return {}
        if kind.kind != "inventory" and not any(
            one.content.head["appType"] == CHANGE for one in seen
        ):
            return {}
        column = "order_key" if kind.order else "parcel_key"
        return self._documents.living_inventories(column, [self._tie(kind, one) for one in seen])

    def _enter(
        self, kind: Kind, one: Seen, sent: tuple[str, str], ruling: Ruling, now: int
    ) -> None:
        head = one.content.head
        self._ledger.add(
            at=now,
            type_=kind.type,
            key=business_key(kind, head),
            guid=head["guid"],
            app_type=head["appType"],
            message=sent,
            digest=one.digest,
            verdict=ruling.verdict,
            status=ruling.code or "2",
        )

    def _refuse(
        self,
        transmission: Transmission,
        kind: Kind,
        one: Seen,
        ruling: Ruling,
        before: Declared | None,
        now: int,
    ) -> None:
        at = now
        if before is not None:
            at = before.last_time = max(now, before.last_time + 1)
        head = one.content.head
        key = ",".join(head.get(name, "") for name in kind.key)
        info = self._kinds.text(ruling.code, key, ruling.detail)
        echo = _echo(kind, head)
        if before is not None and before.state == LIVING:
            echo = before.echo | echo
        self._entries.refuse((transmission.sender, kind.receipt), echo, ruling.code, info, at)

    def _made(
        self,
        transmission: Transmission,
        kind: Kind,
        one: Seen,
        before: Declared | None,
        next_id: int,
        sent: tuple[str, str],
    ) -> Declared:
        head = one.content.head
        echo = _echo(kind, head)
        if before is not None and before.state == LIVING:
            echo |= {name: before.echo[name] for name in GIVEN_LATER if name in before.echo}
        return Declared(
            id=before.id if before else next_id,
            type=kind.type,
            key=one.key,
            guid=head["guid"],
            app_time=head["appTime"],
            state=LIVING,
            status="2",
            waits_for="",
            receiver=transmission.sender,
            order_key=self._key(kind.order, one),
            parcel_key=self._key(kind.parcel, one),
            echo=echo,
            facts=facts_of(kind.kind, one.content, self._store.secrets.hashed),
            scenarios=one.scenarios,
            last_time=before.last_time if before else 0,
            message_id=sent[0],
            message_digest=sent[1],
            digest=one.digest,
        )

    def _tie(self, kind: Kind, one: Seen) -> str | None:
        """The key under which a living inventory of this document would be found."""
        return self._key(kind.order or kind.parcel, one)

    def _key(self, names: tuple[str, ...], one: Seen) -> str | None:
        return key_of(names, one.content.head, self._registry.identity) if names else None

    def _parcels(self, one: Seen) -> list[str]:
        """The parcel keys of an arrival: the carrier of its head, the numbers of its rows."""
        return parcel_keys(one.content, self._registry)


def _echo(kind: Kind, head: Mapping[str, str]) -> dict[str, str]:
    """What a receipt repeats; an empty element would break its schema."""
    echo = {name: head[name] for name in kind.echo if head.get(name)}
    return dict.fromkeys(kind.key, NO_NUMBER) | echo


def parcel_keys(document: Content, registry: Registry) -> list[str]:
    """The parcel keys of an arrival or a waybill status, as waybills and inventories have them."""
    code = document.head["logisticsCode"]
    return [
        key_of(
            ("logisticsCode", "logisticsNo"),
            {"logisticsCode": code, "logisticsNo": row["logisticsNo"]},
            registry.identity,
        )
        for row in (document.items or (document.head,))
    ]
