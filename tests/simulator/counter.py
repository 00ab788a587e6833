"""The authority without its process: a clock that a test turns, receipts taken out by hand."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from lxml import etree

from gateway.messages import parse_xml, problems_of, read
from gateway.model import Content
from gateway.simulator.authority import Authority
from gateway.simulator.envelope import CUSTOMS_ID, DXP
from gateway.simulator.reception import Outcome
from tests.simulator.trade import Party, Trade

PACE_SECONDS = 1.0
START = datetime(2026, 1, 31, 16, 0, tzinfo=UTC)
BYTES_MAX = 32 << 20


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One receipt entry as it went out; `message` numbers the messages from 0."""

    message: int
    type: str
    receiver: str
    values: dict[str, str]

    @property
    def status(self) -> str:
        return self.values["returnStatus"]

    @property
    def info(self) -> str:
        return self.values["returnInfo"]

    @property
    def own_number(self) -> str:
        """The part of the business key that its owner gave."""
        for name in ("orderNo", "payTransactionId", "logisticsNo", "copNo"):
            if name in self.values:
                return self.values[name]
        return ""


@dataclass
class Counter:
    """One data folder; `entries` collects everything that went out, in order."""

    trade: Trade
    folder: Path
    moment: datetime = START
    entries: list[Entry] = field(default_factory=list)
    messages: int = 0
    open: list[Authority] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.authority = self._start()
        for party in self.trade.parties:
            self.authority.registry.put(party.code, party.registration)

    def _start(self) -> Authority:
        authority = Authority(self.folder, self.trade.catalogue, lambda: self.moment, PACE_SECONDS)
        self.open.append(authority)
        return authority

    def restart(self) -> None:
        """Close the folder and open it again."""
        self.authority.close()
        self.open.remove(self.authority)
        self.authority = self._start()

    async def send(self, type_: str, *contents: Content, party: Party | None = None) -> Outcome:
        """Hand in a signed message in its envelope."""
        return self.authority.receive(await self.trade.envelope(type_, contents, party))

    def post(self, envelope: bytes) -> Outcome:
        """Hand in these bytes."""
        return self.authority.receive(envelope)

    def turn(self, paces: float = 0) -> list[Entry]:
        """Let that time pass, pace by pace; the entries that went out meanwhile."""
        before = len(self.entries)
        self._take_out()
        for _ in range(round(paces)):
            self.moment += timedelta(seconds=PACE_SECONDS)
            self._take_out()
        return self.entries[before:]

    def _take_out(self) -> None:
        self.moment += timedelta(milliseconds=5)
        self.authority.turn()
        receipts = self.authority.receipts
        for receiver in receipts.receivers():
            waiting = receipts.waiting(receiver, 1000)
            for one in waiting:
                for _ in range(one.copies):
                    self.entries += self._read(one.body)
            receipts.delivered([one.id for one in waiting])

    def _read(self, body: bytes) -> Iterator[Entry]:
        type_, receiver, message = opened(body)
        root = parse_xml(message, max_bytes=BYTES_MAX)
        schema = self.trade.catalogue.by_root(str(root.tag))
        assert schema is not None
        assert schema.schema.root == type_
        assert problems_of(schema, root) == [], "a receipt keeps to its schema"
        for content in read(schema, root):
            yield Entry(
                message=self.messages, type=schema.name, receiver=receiver,
                values=dict(content.head),
            )  # fmt: skip
        self.messages += 1

    def statuses(self, type_: str, own_number: str) -> list[str]:
        """The statuses given to one document, in the order in which they went out."""
        return [
            one.status for one in self.entries if one.type == type_ and one.own_number == own_number
        ]

    def ledger(self) -> list[dict[str, Any]]:
        """The whole ledger."""
        return list(self.authority.ledger(0, 10_000)["entries"])

    def verdicts(self) -> list[tuple[str, str]]:
        """Verdict and status of every ledger entry."""
        return [(one["verdict"], one["status"]) for one in self.ledger()]

    async def consignment(self, *numbers: str, without: Sequence[str] = ()) -> None:
        """Hand in everything of these orders, kind by kind, a message each; receipts taken out."""
        makers: dict[str, Callable[[str], Content]] = {
            "CEB311": self.trade.order,
            "CEB411": self.trade.payment_of,
            "CEB511": self.trade.waybill_of,
            "CEB621": self.trade.inventory_of,
        }
        for type_, make in makers.items():
            if type_ not in without:
                await self.send(type_, *(make(number) for number in numbers))
                self.turn()
        if "CEB711" not in without:
            await self.send("CEB711", self.trade.arrival(f"A{numbers[0]}"[:20], numbers))
            self.turn()


def opened(body: bytes) -> tuple[str, str, bytes]:
    """MsgType, receiver and message of a DxpMsg from customs."""
    root = etree.fromstring(body)
    assert root.findtext(f".//{{{DXP}}}SenderId") == CUSTOMS_ID
    message = base64.b64decode(root.findtext(f"{{{DXP}}}Data") or "")
    receiver = root.findtext(f".//{{{DXP}}}ReceiverId") or ""
    return root.findtext(f".//{{{DXP}}}MsgType") or "", receiver, message
