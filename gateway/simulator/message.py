"""Reads one declared message: whole and by its schema, or not at all (CEB900)."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from lxml import etree

from gateway.errors import Invalid
from gateway.messages import Catalogue, MessageType, parse_xml, problems_of, read
from gateway.model import Content
from gateway.signing.verify import Verdict, verify
from gateway.simulator.envelope import ENVELOPE_BYTES_MAX, Transmission
from gateway.simulator.kinds import Kind, Kinds

REFUSED = "-999999"
"""The returnStatus of CEB900: it refuses a message, and is no state of a document."""
UNKNOWN_TYPE = "Unknown"
INFO_MAX = 5000
TRANSFER = ("copCode", "copName", "dxpId")
FORBIDDEN = re.compile("[^\\t\\n\\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What XML 1.0 cannot carry; CEB900 repeats the original text, which may be anything."""


class Unreadable(Exception):
    """The message is refused as a whole; `message_type` is its root if that is known."""

    def __init__(self, info: str, message_type: str = UNKNOWN_TYPE) -> None:
        super().__init__(info)
        self.info = info[:INFO_MAX]
        self.message_type = message_type


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """A message that keeps to its schema. `digests` are those of the documents, in order."""

    kind: Kind
    contents: list[Content]
    digests: list[str]
    transfer: Mapping[str, str]
    verdict: Verdict


def read_message(
    catalogue: Catalogue, kinds: Kinds, transmission: Transmission, now: datetime
) -> Message:
    """The documents of a transmission with the verdict on its signature. Raises Unreadable."""
    try:
        root = parse_xml(transmission.message, max_bytes=ENVELOPE_BYTES_MAX)
    except Invalid as error:
        raise Unreadable(error.problems[0].zh) from None
    type_ = catalogue.by_root(str(root.tag))
    if type_ is None or type_.name not in kinds.types:
        raise Unreadable("报文类型无法识别")
    if transmission.message_type != type_.schema.root:
        raise Unreadable("信封的报文类型与报文不符", type_.schema.root)
    problems = problems_of(type_, root)
    if problems:
        # Personal values are masked in problems, so that this text may be shown and kept.
        raise Unreadable("；".join(f"{one.path} {one.zh}" for one in problems), type_.schema.root)
    return Message(
        kind=kinds.types[type_.name],
        contents=read(type_, root),
        digests=[_digest(type_, node) for node in root.iterchildren(_document_tag(type_))],
        transfer=_transfer(type_, root),
        verdict=verify(root, now=now),
    )


def original_text(message: bytes) -> str:
    """What CEB900 repeats as oriBizMessage: the text as far as it is one."""
    return FORBIDDEN.sub("\ufffd", message.decode("utf-8", errors="replace"))


def _document_tag(type_: MessageType) -> str:
    return f"{{{type_.schema.namespace}}}{type_.schema.document.name}"


def _digest(type_: MessageType, node: etree._Element) -> str:
    """SHA-256 of the canonical document node without its namespace declaration.

    For a message in canonical form these are the very bytes that stand in it.
    """
    data = etree.tostring(node, method="c14n", exclusive=True)
    declaration = f'="{type_.schema.namespace}"'.encode()
    end = data.index(b">")
    start = data.find(b" xmlns", 0, end)
    if start >= 0 and data.endswith(declaration, start, end):
        data = data[:start] + data[end:]
    return hashlib.sha256(data).hexdigest()


def _transfer(type_: MessageType, root: etree._Element) -> Mapping[str, str]:
    space = f"{{{type_.schema.namespace}}}"
    return {name: root.findtext(f"{space}BaseTransfer/{space}{name}") or "" for name in TRANSFER}
