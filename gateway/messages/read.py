"""Reads XML from outside: safely parsed, and turned into contents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache

from lxml import etree

from gateway.errors import Invalid, Problem
from gateway.messages.assemble import root_end, root_start
from gateway.messages.schema import Field
from gateway.messages.types import MessageType
from gateway.model import Content

MARKUP_MAX = 1_000_000
"""How many tags or attributes are parsed: a bound for memory, some ten times a full message."""
GUID_NONE = "0" * 36
PLACE = re.compile(r" \(<string>, line \d+\)$")
"""What lxml puts behind the message, which names line and column already."""

Names = dict[str, str]


def parse_xml(data: bytes, *, max_bytes: int) -> etree._Element:
    """The root of an XML document from outside.

    No DTD, no entities, no network; size, number of tags and depth (256, by libxml2) are bounded.
    White space and comments stay, so that a digest over the tree is that of the document.
    Raises Invalid.
    """
    if len(data) > max_bytes:
        raise _refused(
            "X-size", f"报文超过 {max_bytes} 字节", f"the message is over {max_bytes} bytes"
        )
    if data.count(b"<") > MARKUP_MAX or data.count(b"=") > MARKUP_MAX:
        raise _refused("X-size", "报文的标记过多", "the message has too many tags or attributes")
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, dtd_validation=False,
        huge_tree=False, strip_cdata=True,
    )  # fmt: skip
    try:
        root = etree.fromstring(data, parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise _refused(
            "X-malformed", "不是格式良好的 XML", f"not well-formed XML: {reason(error)}"
        ) from None
    if root.getroottree().docinfo.doctype:
        raise _refused("X-dtd", "报文不得含有 DTD", "a document type declaration is not allowed")
    return root


def reason(error: Exception) -> str:
    """What the parser says, with its line and column, without its name for our bytes."""
    return PLACE.sub("", str(error)).replace("\n", "")


def _refused(code: str, zh: str, en: str) -> Invalid:
    return Invalid([Problem(path="/", code=code, zh=zh, en=en)])


def read(message_type: MessageType, root: etree._Element) -> list[Content]:
    """The documents of a message, in order; by namespace and name, whatever the prefix.

    Texts are kept exactly. Elements that the schema does not know are skipped: receipts carry
    more than their tables say. Nothing is validated here.
    """
    document, head, items, head_names, item_names = _tags(message_type)
    contents: list[Content] = []
    for node in root.iterchildren(document):
        fields = node if head is None else node.find(head)
        values = {} if fields is None else _texts(fields, head_names)
        rows: tuple[Names, ...] = ()
        if items is not None:
            rows = tuple(_texts(row, item_names) for row in node.iterchildren(items))
        contents.append(Content(values, rows))
    return contents


def read_fragments(message_type: MessageType, fragments: Sequence[bytes]) -> list[Content]:
    """The contents of canonical fragments that this gateway wrote and stored."""
    start, end = root_start(message_type, GUID_NONE), root_end(message_type)
    return read(message_type, etree.fromstring(start + b"".join(fragments) + end))


def _texts(group: etree._Element, names: Names) -> Names:
    values: Names = {}
    for child in group:
        name = names.get(child.tag)  # type: ignore[arg-type]
        if name is not None:
            # A text cut by a comment stands in several pieces.
            values[name] = (child.text or "") if len(child) == 0 else "".join(child.itertext())
    return values


@lru_cache(maxsize=512)
def _tags(message_type: MessageType) -> tuple[str, str | None, str | None, Names, Names]:
    schema = message_type.schema
    space = f"{{{schema.namespace}}}"

    def tags(fields: tuple[Field, ...]) -> Names:
        return {space + field.name: field.name for field in fields}

    return (
        space + schema.document.name,
        space + schema.head.name if schema.head else None,
        space + schema.items.name if schema.items else None,
        tags(schema.head_fields),
        tags(schema.item_fields),
    )
