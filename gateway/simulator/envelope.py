"""The exchange platform's envelope from the authority's side: requests opened, answers written.

Strict where the gateway's own reading is lenient. Source: DXP terminal node, edition 2022-05; names
that look misspelt (CreatTime, RecevierId) are official.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from xml.sax.saxutils import escape

from lxml import etree

from gateway.errors import Invalid
from gateway.messages import parse_xml
from gateway.telemetry import SHANGHAI

DXP = "http://www.chinaport.gov.cn/dxp"
CUSTOMS_ID = "DXPEDCCEB0000002"
"""The id under which customs receives import messages and sends their receipts."""
ENVELOPE_BYTES_MAX = 33_554_432
SUCCESS = "0000"
"""No source names the ResponseCode of success. Error codes begin at 0001, so 0000 is assumed."""
NOBODY = "UNKNOWN"
"""Addressee of an answer to an envelope that does not tell its sender."""

FAULTS: Mapping[str, tuple[int, str]] = {
    "0001": (400, "报文格式错误"),
    "0002": (400, "数据包不能通过schema验证"),
    "0999": (413, "其他格式错误"),
    "1999": (403, "其他安全错误"),
    "2001": (400, "指定的接收方不存在"),
}
"""Error code of the platform → HTTP status and official text (code table of edition 202205)."""


class Rejected(Exception):
    """The transmission is refused at the door; nothing of it was kept."""

    def __init__(self, code: str, detail: str = "", sender: str = NOBODY) -> None:
        super().__init__(code)
        self.status, text = FAULTS[code]
        self.code = code
        self.info = f"{text}：{detail}" if detail else text
        self.sender = sender


@dataclass(frozen=True, slots=True, kw_only=True)
class Transmission:
    """An envelope that was opened; `message` is what it carried."""

    message_id: str
    message_type: str
    sender: str
    message: bytes


def open_envelope(schema: etree.XMLSchema, body: bytes) -> Transmission:
    """Open a DxpMsg addressed to customs. Raises Rejected.

    The schema judges the envelope without its Data: that text is long, and is decoded strictly.
    """
    try:
        root = parse_xml(body, max_bytes=ENVELOPE_BYTES_MAX)
    except Invalid as error:
        raise Rejected("0001", error.problems[0].zh) from None
    if root.tag != f"{{{DXP}}}DxpMsg":
        raise Rejected("0001", "根元素不是 DxpMsg")
    data = root.find(f"{{{DXP}}}Data")
    text = "" if data is None or len(data) else data.text or ""
    if data is not None:
        data.text = ""
    sender = (root.findtext(f"{{{DXP}}}TransInfo/{{{DXP}}}SenderId") or NOBODY)[:16]
    if not schema.validate(root):
        entry = schema.error_log.last_error
        raise Rejected("0002", f"第 {entry.line if entry else 0} 行", sender)
    try:
        message = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Rejected("0002", "Data 不是合法的 Base64", sender) from None
    receivers = [one.text for one in root.iter(f"{{{DXP}}}ReceiverId")]
    if receivers != [CUSTOMS_ID]:
        raise Rejected("2001", "进口报文只发往 " + CUSTOMS_ID, sender)
    return Transmission(
        message_id=_text(root, "CopMsgId"),
        message_type=_text(root, "MsgType"),
        sender=sender,
        message=message,
    )


def answer(receiver: str, code: str, info: str, at: datetime) -> bytes:
    """A DxpRep: what the platform says to one transmission."""
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<DxpRep xmlns="{DXP}" ver="1.0"><RecevierId>{escape(receiver)}</RecevierId>'
        f"<Response><ResponseCode>{code}</ResponseCode>"
        f"<ResponseInfo>{escape(info[:300])}</ResponseInfo>"
        f"<NoticeTime>{_moment(at)}</NoticeTime></Response></DxpRep>"
    ).encode()


def wrap(message: bytes, message_id: str, receiver: str, root: str, at: datetime) -> bytes:
    """A DxpMsg from customs with a receipt; `root` is its MsgType, e.g. CEB312Message."""
    head = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<DxpMsg xmlns="{DXP}" ver="1.0"><TransInfo><CopMsgId>{message_id}</CopMsgId>'
        f"<SenderId>{CUSTOMS_ID}</SenderId>"
        f"<ReceiverIds><ReceiverId>{escape(receiver)}</ReceiverId></ReceiverIds>"
        f"<CreatTime>{_moment(at)}</CreatTime><MsgType>{root}</MsgType></TransInfo><Data>"
    )
    return head.encode() + base64.b64encode(message) + b"</Data></DxpMsg>"


def _text(root: etree._Element, name: str) -> str:
    return root.findtext(f"{{{DXP}}}TransInfo/{{{DXP}}}{name}") or ""


def _moment(at: datetime) -> str:
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M:%S")
