"""Judges XML by its XSD with libxml2, and says in two languages what is wrong and where."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from lxml import etree

from gateway.errors import PROBLEMS_MAX, Problem
from gateway.messages.assemble import root_end, root_start, transfer_blocks
from gateway.messages.faults import fault, safe
from gateway.messages.read import GUID_NONE, reason
from gateway.messages.schema import Field
from gateway.messages.types import MessageType
from gateway.model import Transfer

BATCH_DEFAULT = 100
"""How many fragments are judged at once where the XSD sets no limit."""
EXPECTED = re.compile(r"Expected is (?:one of )?\( (.+?) \)")
SOMEBODY = Transfer(copCode="0", copName="0", dxpId="0")


def validate(message_type: MessageType, fragments: Sequence[bytes]) -> list[list[Problem]]:
    """The problems of each fragment, in order; an empty list for a valid one.

    Fragments are judged together inside a message with an invented transfer block; only a batch
    with a fault is looked at closer.
    """
    schema = message_type.schema
    batch = schema.documents_max or BATCH_DEFAULT
    start = root_start(message_type, GUID_NONE)
    end = transfer_blocks(SOMEBODY) if schema.transfer else b""
    end += root_end(message_type)
    found: list[list[Problem]] = []
    for first in range(0, len(fragments), batch):
        part = fragments[first : first + batch]
        found += _judge(message_type, start, part, end)
    return found


def problems_of(message_type: MessageType, root: etree._Element) -> list[Problem]:
    """What is wrong with a whole message by its XSD: at most 25 problems, with paths."""
    compiled = message_type.xml_schema
    with message_type.lock:
        if compiled.validate(root):
            return []
        log = compiled.error_log
    return list(islice(_problems(message_type, root, log), PROBLEMS_MAX))


def _judge(
    message_type: MessageType, start: bytes, part: Sequence[bytes], end: bytes
) -> list[list[Problem]]:
    try:
        root = etree.fromstring(start + b"".join(part) + end)
    except etree.XMLSyntaxError as error:
        if len(part) > 1:
            return [_judge(message_type, start, [one], end)[0] for one in part]
        what = safe(reason(error))
        return [[Problem(path="/", code="X-malformed", zh="不是格式良好的 XML", en=what)]]
    found = problems_of(message_type, root)
    if not found or len(part) == 1:
        return [found for _ in part]
    return [_judge(message_type, start, [one], end)[0] for one in part]


def _problems(
    message_type: MessageType, root: etree._Element, log: Iterable[etree._LogEntry]
) -> Iterator[Problem]:
    """One problem a node: libxml2 often reports a value twice (facet, then type)."""
    seen: set[str] = set()
    for entry in log:
        place = entry.path or ""
        if place not in seen:
            seen.add(place)
            yield _problem(message_type, root, place, entry)


def _problem(
    message_type: MessageType, root: etree._Element, place: str, entry: etree._LogEntry
) -> Problem:
    node = _node(root, place)
    path = path_of(message_type, node)
    field = _field_of(message_type, node)
    if field is not None and "CVC" in (entry.type_name or ""):
        found = fault(field, "".join(str(text) for text in node.itertext()), path)
        if found is not None:
            return found
    return _structure(path, entry)


def _node(root: etree._Element, place: str) -> etree._Element:
    """The element at libxml2's path; the root when the path cannot be followed."""
    prefixes = {prefix: uri for prefix, uri in root.nsmap.items() if prefix}
    try:
        found = root.xpath(place or "/*", namespaces=prefixes)
    except etree.XPathError:  # a prefix that is declared further down
        return root
    node = found[0] if isinstance(found, list) and found else root
    return node if etree.iselement(node) else root


def _structure(path: str, entry: etree._LogEntry) -> Problem:
    """A fault of presence or order, else libxml2's own sentence."""
    message = re.sub(r"\{[^}]*\}", "", entry.message)
    expected = EXPECTED.search(message)
    names = expected[1].replace(", ", " ") if expected else ""
    if "Missing child" in message:
        return Problem(
            path=path,
            code="S-required",
            zh=f"缺少元素 {names}",
            en=f"an element is missing: {names}",
        )
    if "not expected" in message:
        return Problem(
            path=path, code="S-order",
            zh=f"此处不应出现该元素，应为 {names or '结束'}",
            en=f"this element is not expected here; expected: {names or 'the end'}",
        )  # fmt: skip
    return Problem(path=path, code="S-schema", zh="不符合报文规范", en=safe(message))


def path_of(message_type: MessageType, node: etree._Element) -> str:
    """`/CEB311Message/Order[1]/OrderList[1]/qty`: documents and rows numbered from 1."""
    numbered = {message_type.schema.document.name}
    if message_type.schema.items is not None:
        numbered.add(message_type.schema.items.name)
    steps: list[str] = []
    while node is not None:
        name = etree.QName(node).localname
        parent = node.getparent()
        if parent is not None and name in numbered:
            name += f"[{1 + len(list(node.itersiblings(str(node.tag), preceding=True)))}]"
        steps.append(safe(name))
        if parent is None:
            break
        node = parent
    return "/" + "/".join(reversed(steps))


def _field_of(message_type: MessageType, node: etree._Element) -> Field | None:
    """The field that an element is, by its name and where it stands."""
    parent, schema = node.getparent(), message_type.schema
    if parent is None or len(node):
        return None
    group, name = etree.QName(parent).localname, etree.QName(node).localname
    fields: tuple[Field, ...] = ()
    if group == (schema.head or schema.document).name:
        fields = schema.head_fields
    elif schema.items is not None and group == schema.items.name:
        fields = schema.item_fields
    return next((field for field in fields if field.name == name), None)
