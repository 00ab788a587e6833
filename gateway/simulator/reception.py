"""One transmission: opened, read, steered, declared; what is answered with 200 is committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from gateway.messages import Catalogue
from gateway.simulator.declaring import Declaring, Seen, parcel_keys
from gateway.simulator.documents import WAYBILL, Documents
from gateway.simulator.entries import Receipts
from gateway.simulator.envelope import (
    SUCCESS,
    Rejected,
    Transmission,
    answer,
    open_envelope,
)
from gateway.simulator.kinds import Kinds
from gateway.simulator.marks import Marks, Steered
from gateway.simulator.message import Message, Unreadable, read_message
from gateway.simulator.registry import Registry
from gateway.simulator.scenarios import Scenarios
from gateway.simulator.store import Store

TAKEN_OVER = "接收成功"
STEERED = "场景要求"
BAD_GATEWAY = (
    b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    b"<center><h1>502 Bad Gateway</h1></center>\r\n</body>\r\n</html>\r\n"
)
SIGNATURE_FAULTS = {"digest": "签名与数据不符", "value": "数字签名无效", "certificate": "证书无效"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What the sender of a transmission sees; `lost`: the connection closes without an answer."""

    status: int
    body: bytes
    content_type: str = "application/xml"
    lost: bool = False


class Reception:
    """Takes transmissions, one at a time."""

    def __init__(
        self,
        store: Store,
        catalogue: Catalogue,
        registry: Registry,
        kinds: Kinds,
        scenarios: Scenarios,
        documents: Documents,
        declaring: Declaring,
        receipts: Receipts,
    ) -> None:
        self._store = store
        self._catalogue = catalogue
        self._registry = registry
        self._kinds = kinds
        self._scenarios = scenarios
        self._documents = documents
        self._declaring = declaring
        self._receipts = receipts
        self._marks = Marks(store)

    def receive(self, body: bytes, now: int) -> Outcome:
        """Take one envelope; `now` in milliseconds since 1970."""
        at = datetime.fromtimestamp(now / 1000, UTC)
        try:
            transmission = open_envelope(self._catalogue.xml_schema("dxp"), body)
            return self._receive(transmission, now, at)
        except Rejected as fault:
            reply = answer(fault.sender, fault.code, fault.info, at)
            return Outcome(status=fault.status, body=reply)

    def _receive(self, transmission: Transmission, now: int, at: datetime) -> Outcome:
        if not self._registry.knows_sender(transmission.sender):
            raise Rejected("1999", "发送方未备案", transmission.sender)
        accepted = Outcome(status=200, body=answer(transmission.sender, SUCCESS, TAKEN_OVER, at))
        try:
            message = read_message(self._catalogue, self._kinds, transmission, at)
        except Unreadable as fault:
            with self._store.transaction():
                self._refuse(transmission, fault, now)
            return accepted
        if message.transfer["dxpId"] != transmission.sender:
            raise Rejected("1999", "SenderId 与 BaseTransfer/dxpId 不符", transmission.sender)
        steered = self._steered(message)
        with self._store.transaction():
            return self._steer(transmission, message, steered, accepted, now)

    def _steer(
        self,
        transmission: Transmission,
        message: Message,
        steered: Sequence[Sequence[Steered]],
        accepted: Outcome,
        now: int,
    ) -> Outcome:
        """What a scenario does to the message as a whole comes before its documents."""
        every = [one for document in steered for one in document]
        if self._marks.happens(one for one in every if one.scenario.answer == "bad-gateway"):
            return Outcome(status=502, body=BAD_GATEWAY, content_type="text/html")
        if self._marks.happens(one for one in every if one.scenario.refusal == "message"):
            root = f"{message.kind.type}Message"
            self._refuse(transmission, Unreadable(f"报文格式校验不通过（{STEERED}）", root), now)
            return accepted
        fault = self._signature_fault(message)
        if self._marks.happens(one for one in every if one.scenario.refusal == "signature"):
            fault = STEERED
        seen = self._seen(message, steered)
        self._declaring.declare(transmission, message, seen, fault, now)
        if self._marks.happens(one for one in every if one.scenario.answer == "lost"):
            return Outcome(status=0, body=b"", lost=True)
        return accepted

    def _refuse(self, transmission: Transmission, fault: Unreadable, now: int) -> None:
        self._receipts.refuse_message(
            transmission.sender, transmission.message_id, transmission.message, fault, now
        )

    def _steered(self, message: Message) -> list[list[Steered]]:
        """For each document the scenarios that concern it."""
        kind = message.kind
        if "orderNo" not in message.contents[0].head:
            orders = [
                self._orders_of_parcels(parcel_keys(one, self._registry))
                for one in message.contents
            ]
        else:
            orders = [[one.head["orderNo"]] for one in message.contents]
        found = []
        for numbers in orders:
            chosen = [(number, self._scenarios.of(number)) for number in numbers]
            found.append(
                [
                    Steered.of(scenario, number, kind.type)
                    for number, scenario in chosen
                    if scenario is not None and scenario.concerns(kind.kind)
                ]
            )
        return found

    def _orders_of_parcels(self, keys: Iterable[str]) -> list[str]:
        """The order numbers of the waybills that were taken for these parcels."""
        return [one.facts["orderNo"] for one in self._documents.by_keys(WAYBILL, keys).values()]

    def _seen(self, message: Message, steered: Sequence[Sequence[Steered]]) -> list[Seen]:
        keys = self._declaring.keys(message)
        rows = zip(message.contents, message.digests, keys, steered, strict=True)
        return [
            Seen(
                content=content,
                digest=digest,
                key=key,
                scenarios=tuple(dict.fromkeys(one.scenario.name for one in steering)),
                returns=next((one.scenario.returns for one in steering), ""),
            )
            for content, digest, key, steering in rows
        ]

    def _signature_fault(self, message: Message) -> str:
        """What is wrong with the signature; empty when it is the registered enterprise's."""
        verdict = message.verdict
        if verdict.status == "absent":
            return "报文未签名"
        if verdict.status == "unsupported" or not verdict.official:
            return "签名算法不适用"
        if verdict.status != "valid":
            return SIGNATURE_FAULTS.get(verdict.fault or "", "数字签名无效")
        if not verdict.key_name_fits:
            return "KeyName与证书序列号不符"
        enterprise = self._registry.find(message.transfer["copCode"])
        if enterprise is not None and verdict.certificate_der != enterprise.certificate:
            return "证书与备案不符"
        return ""
