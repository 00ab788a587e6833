"""Customs: the exchange platform's envelope put on and taken off, and its answers read.

Pure functions of bytes. Source: DXP terminal and transport nodes, edition 2022-05; names that look
misspelt (CreatTime, RecevierId) are official.
"""

from __future__ import annotations

import base64
import binascii
from threading import Lock
from xml.sax.saxutils import escape

from lxml import etree

from gateway.errors import PROBLEMS_MAX, Invalid, Problem
from gateway.messages import parse_xml
from gateway.messages.catalogue import shipped_xsd
from gateway.messages.types import compile_schema
from gateway.model import Answer, Envelope, Opened
from gateway.telemetry import SHANGHAI

DXP = "http://www.chinaport.gov.cn/dxp"
ENVELOPE_BYTES_MAX = 33_554_432
ANSWER_BYTES_MAX = 1_048_576
SUCCESS_CODE = "0000"
"""No source names the ResponseCode of success. Error codes begin at 0001, so 0000 is assumed."""


class Customs:
    """An Authority. `success_code` is the ResponseCode that means: taken over."""

    name = "customs"

    def __init__(self, *, success_code: str = SUCCESS_CODE) -> None:
        self._schema = compile_schema(shipped_xsd() / "customs" / "dxp.xsd")
        self._lock = Lock()  # libxml2 keeps its findings in the schema object
        self._success_code = success_code

    def wrap(self, message: bytes, envelope: Envelope) -> bytes:
        """DxpMsg around the signed message; the same input gives the same bytes.

        Raises Invalid when the envelope's values break its schema.
        """
        head, tail = _head(envelope), b"</dxp:Data></dxp:DxpMsg>"
        # The schema judges the head alone: Base64 of ours is right, and long.
        self._check(head + tail)
        return head + base64.b64encode(message) + tail

    def unwrap(self, data: bytes) -> Opened:
        """Take DxpMsg or DxpMsgSv off; anything else passes through as a bare message.

        Lenient, because others write it: only what is used must be there. Raises Invalid.
        """
        root = parse_xml(data, max_bytes=ENVELOPE_BYTES_MAX)
        name = etree.QName(root)
        if name.namespace != DXP or name.localname not in {"DxpMsg", "DxpMsgSv"}:
            return Opened(form=None, message=data)
        outer = root if name.localname == "DxpMsg" else root.find(f"{{{DXP}}}DxpMsg")
        if outer is None:
            raise _missing("/DxpMsgSv/DxpMsg")
        path = "/DxpMsg" if outer is root else "/DxpMsgSv/DxpMsg"
        return Opened(
            form=name.localname,
            message=_content(outer, path),
            message_id=_required(outer, path, "TransInfo/CopMsgId"),
            message_type=_required(outer, path, "TransInfo/MsgType"),
            sender=_required(outer, path, "TransInfo/SenderId"),
            receivers=tuple(
                _text(one) for one in outer.iterfind(_path("TransInfo/ReceiverIds/ReceiverId"))
            ),
        )

    def read_answer(self, status: int, body: bytes) -> Answer:
        """What an HTTP answer means: transmitted, refused or, whenever in doubt, unknown."""
        try:
            root = parse_xml(body, max_bytes=ANSWER_BYTES_MAX)
        except Invalid:
            return Answer(outcome="unknown")
        responses = root.findall(_path("Response")) if root.tag == _path("DxpRep") else []
        if not responses:
            return Answer(outcome="unknown")
        codes = [_text(one.find(_path("ResponseCode"))) for one in responses]
        failed = [place for place, code in enumerate(codes) if code != self._success_code]
        spoken = responses[failed[0] if failed else 0]
        code, info = codes[failed[0] if failed else 0], _text(spoken.find(_path("ResponseInfo")))
        outcome = "unknown"
        if status == 200 and not failed:
            outcome = "transmitted"
        elif 400 <= status < 500 and failed and code:
            outcome = "refused"
        return Answer(outcome=outcome, code=code, info=info)

    def _check(self, envelope: bytes) -> None:
        root = parse_xml(envelope, max_bytes=ENVELOPE_BYTES_MAX)
        with self._lock:
            if self._schema.validate(root):
                return
            log = list(self._schema.error_log)[:PROBLEMS_MAX]
        raise Invalid(
            [
                Problem(
                    path=(entry.path or "/").replace("dxp:", ""), code="X-envelope",
                    zh="报文信封不符合规范", en=entry.message.replace(f"{{{DXP}}}", ""),
                )
                for entry in log
            ]
        )  # fmt: skip


def _head(envelope: Envelope) -> bytes:
    created = envelope.created.astimezone(SHANGHAI).strftime("%Y-%m-%dT%H:%M:%S")
    receivers = "".join(
        f"<dxp:ReceiverId>{escape(one)}</dxp:ReceiverId>" for one in envelope.receivers
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f'<dxp:DxpMsg xmlns:dxp="{DXP}" ver="1.0"><dxp:TransInfo>'
        f"<dxp:CopMsgId>{escape(envelope.message_id)}</dxp:CopMsgId>"
        f"<dxp:SenderId>{escape(envelope.sender)}</dxp:SenderId>"
        f"<dxp:ReceiverIds>{receivers}</dxp:ReceiverIds>"
        f"<dxp:CreatTime>{created}</dxp:CreatTime>"
        f"<dxp:MsgType>{escape(envelope.message_type)}</dxp:MsgType>"
        "</dxp:TransInfo><dxp:Data>"
    ).encode()


def _content(outer: etree._Element, path: str) -> bytes:
    text = _required(outer, path, "Data")
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise Invalid(
            [
                Problem(
                    path=f"{path}/Data", code="X-base64", zh="Data 不是合法的 Base64",
                    en="Data is not Base64",
                )
            ]
        ) from None  # fmt: skip


def _path(names: str) -> str:
    return "/".join(f"{{{DXP}}}{name}" for name in names.split("/"))


def _text(node: etree._Element | None) -> str:
    return "" if node is None else "".join(str(one) for one in node.xpath("text()")).strip()


def _required(outer: etree._Element, path: str, names: str) -> str:
    text = _text(outer.find(_path(names)))
    if not text:
        raise _missing(f"{path}/{names}")
    return text


def _missing(path: str) -> Invalid:
    return Invalid(
        [Problem(path=path, code="X-envelope", zh="缺少该元素", en="this element is missing")]
    )
