"""A customs office for tests: keeps what arrives, answers as told, and writes receipts on demand.

It decides nothing by itself, so that a test can say in which order, how often and how late the
receipts come. The strict office is the simulator.
"""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from aiohttp import web
from lxml import etree

from gateway.messages import Catalogue, parse_xml, read
from gateway.messages.write import escape
from gateway.model import Content

DXP = "http://www.chinaport.gov.cn/dxp"
CEB = "http://www.chinaport.gov.cn/ceb"
SENDER = "DXPEDCCEB0000002"
SUCCESS = (
    f'<DxpRep xmlns="{DXP}" ver="1.0"><RecevierId>{SENDER}</RecevierId>'
    "<Response><ResponseCode>0000</ResponseCode></Response></DxpRep>"
).encode()
SHANGHAI_HOURS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One transmission as it came."""

    wire: bytes
    message: bytes
    message_id: str
    type: str
    sender: str
    contents: Sequence[Content]


Told = web.Response | None
"""An HTTP answer; None for success."""


@dataclass(slots=True)
class Office:
    """`answer` may be exchanged: it gets the transmission, and gives or awaits the HTTP answer."""

    catalogue: Catalogue
    received: list[Received] = field(default_factory=list)
    answer: Callable[[Received], Told | Awaitable[Told]] = lambda _: None
    url: str = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Keep the transmission, then answer: success unless `answer` says otherwise."""
        wire = await request.read()
        received = self._open(wire)
        self.received.append(received)
        answered = self.answer(received)
        told = await answered if isinstance(answered, Awaitable) else answered
        return told or web.Response(body=SUCCESS, content_type="application/xml")

    def _open(self, wire: bytes) -> Received:
        root = parse_xml(wire, max_bytes=32 << 20)

        def text(name: str) -> str:
            return (root.findtext(f".//{{{DXP}}}{name}") or "").strip()

        message = base64.b64decode(text("Data"))
        inner = parse_xml(message, max_bytes=32 << 20)
        type_ = self.catalogue.by_root(str(inner.tag))
        assert type_ is not None
        return Received(
            wire=wire,
            message=message,
            message_id=text("CopMsgId"),
            type=type_.name,
            sender=text("SenderId"),
            contents=read(type_, inner),
        )

    def sent(self, type_: str) -> list[Content]:
        """Every document of a type that arrived, in order, repeats included."""
        return [one for got in self.received if got.type == type_ for one in got.contents]


@asynccontextmanager
async def opened(catalogue: Catalogue) -> AsyncIterator[Office]:
    """An office on a free port of this machine."""
    office = Office(catalogue)
    app = web.Application(client_max_size=64 << 20)
    app.router.add_post("/dxp", office.take)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    office.url = f"http://127.0.0.1:{runner.addresses[0][1]}/dxp"
    try:
        yield office
    finally:
        await runner.cleanup()


def return_time(moment: datetime) -> str:
    """A returnTime: 17 digits in Asia/Shanghai."""
    local = moment.astimezone(UTC) + timedelta(hours=SHANGHAI_HOURS)
    return local.strftime("%Y%m%d%H%M%S%f")[:17]


def entry(
    document: Content,
    type_: str,
    status: str,
    at: datetime,
    info: str = "ok",
    **more: str,
) -> tuple[str, dict[str, str]]:
    """One receipt entry for a document that arrived, as (receipt type, fields in order)."""
    head = document.head
    keys: Mapping[str, tuple[str, tuple[str, ...]]] = {
        "CEB311": ("CEB312", ("ebpCode", "ebcCode", "orderNo")),
        "CEB411": ("CEB412", ("payCode", "payTransactionId")),
        "CEB511": ("CEB512", ("logisticsCode", "logisticsNo")),
        "CEB513": ("CEB514", ("logisticsCode", "logisticsNo", "logisticsStatus")),
        "CEB621": ("CEB622", ("customsCode", "ebpCode", "ebcCode", "agentCode", "copNo")),
        "CEB711": ("CEB712", ("customsCode", "operatorCode", "copNo")),
    }
    receipt, names = keys[type_]
    fields = {"guid": head["guid"].lower(), **{name: head[name] for name in names}}
    tail = {"returnStatus": status, "returnTime": return_time(at), "returnInfo": info}
    return receipt, fields | more | tail


def receipt(entries: Sequence[tuple[str, Mapping[str, str]]]) -> bytes:
    """A bare receipt message of entries of one type, in the default namespace."""
    type_ = entries[0][0]
    nodes = {
        "CEB312": "OrderReturn",
        "CEB412": "PaymentReturn",
        "CEB512": "LogisticsReturn",
        "CEB514": "LogisticsStatusReturn",
        "CEB622": "InventoryReturn",
        "CEB712": "DeliveryReturn",
        "CEB900": "MessageReturn",
    }
    body = "".join(
        f"<{nodes[type_]}>"
        + "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
        + f"</{nodes[type_]}>"
        for _, fields in entries
    )
    guid = entries[0][1]["guid"]
    start = f'<{type_}Message xmlns="{CEB}" guid="{guid}" version="1.0">'
    return f"{start}{body}</{type_}Message>".encode()


def tax_bill(invt_no: str, tax_no: str, at: datetime, status: str = "1") -> bytes:
    """CEB816: a bill of one row over 28.21 yuan for the inventory with that number."""
    taxes = "<customsTax>0</customsTax><valueAddedTax>28.21</valueAddedTax>"
    taxes += "<consumptionTax>0</consumptionTax>"
    head = f"{_tax_head(invt_no, tax_no, at)}{taxes}<status>{status}</status>"
    row = f"<gnum>1</gnum><gcode>1901101000</gcode><taxPrice>310</taxPrice>{taxes}"
    body = f"<TaxHeadRd>{head}</TaxHeadRd><TaxListRd>{row}</TaxListRd>"
    return _tax_message("CEB816Message", body)


def tax_status(invt_no: str, tax_no: str, at: datetime, status: str) -> bytes:
    """CEB818: the bill is summed up in a payment book (2) or void (3)."""
    head = f"{_tax_head(invt_no, tax_no, at)}<status>{status}</status><entDutyNo>BOOK-1</entDutyNo>"
    return _tax_message("CEB818Message", f"<TaxHeadStatus>{head}</TaxHeadStatus>")


def _tax_head(invt_no: str, tax_no: str, at: datetime) -> str:
    fields = {"returnTime": return_time(at), "invtNo": invt_no, "taxNo": tax_no}
    texts = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in fields.items())
    return f"<guid>{uuid4()}</guid>{texts}"


def _tax_message(root: str, body: str) -> bytes:
    start = f'<{root} xmlns="{CEB}" guid="{uuid4()}" version="1.0">'
    return f"{start}<Tax>{body}</Tax></{root}>".encode()


def refusal(got: Received, at: datetime, status: str = "-999999") -> bytes:
    """CEB900 for a whole transmission."""
    fields = {
        "guid": got.contents[0].head["guid"],
        "returnStatus": status,
        "returnInfo": "报文校验失败",
        "returnTime": return_time(at),
        "oriCopMsgId": got.message_id,
        "oriMessageType": f"{got.type}Message",
        "oriBizMessage": "…",
    }
    return receipt([("CEB900", fields)])


def root_guid(message: bytes) -> str:
    """The guid of a message's root."""
    return str(etree.fromstring(message).get("guid"))
