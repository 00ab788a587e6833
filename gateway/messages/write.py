"""Writes one document as a canonical fragment, by a template compiled from the schema.

The bytes are what C14N 1.0 makes of the document inside a message whose root declares the prefix:
start and end tags for empty elements, no white space, `&`, `<`, `>` and CR escaped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter

from gateway.messages.schema import Field
from gateway.messages.types import MessageType
from gateway.model import Content

PREFIX = "ceb"
TEMPLATES_MAX = 256
"""How many sets of names one group remembers a template for; clients send few different ones."""

Template = tuple[str, Callable[[Mapping[str, str]], object]]


def write(message_type: MessageType, content: Content) -> bytes:
    """The document node of complete content, generated fields included, as UTF-8.

    Fields stand in the order of the schema; what the content does not name is left out. The values
    are not judged here (see `validate`). Raises ValueError for a name that the schema lacks.
    """
    head, rows, frame = _writers(message_type)
    start, between, end = frame
    text = start + head.write(content.head) + between
    if content.items:
        text += "".join(map(rows.write, content.items))
    return (text + end).encode()


def escape(text: str) -> str:
    """Character data in canonical form."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return text.replace("\r", "&#xD;")


def escape_attribute(text: str) -> str:
    """An attribute value in canonical form."""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")
    return text.replace("\t", "&#x9;").replace("\n", "&#xA;").replace("\r", "&#xD;")


def element(name: str, text: str) -> str:
    """One element with text, in canonical form."""
    return f"<{PREFIX}:{name}>{escape(text)}</{PREFIX}:{name}>"


class _GroupWriter:
    """Writes the fields of one group, with one remembered template per set of names."""

    def __init__(self, fields: Sequence[Field], start: str = "", end: str = "") -> None:
        self._order = [field.name for field in fields]
        self._start, self._end = start, end
        self._templates: dict[tuple[str, ...], Template] = {}

    def write(self, values: Mapping[str, str]) -> str:
        names = tuple(values)
        template, pick = self._templates.get(names) or self._compile(names)
        joined = "".join(values.values())
        if "&" in joined or "<" in joined or ">" in joined or "\r" in joined:
            values = {name: escape(value) for name, value in values.items()}
        return template % pick(values)

    def _compile(self, names: tuple[str, ...]) -> Template:
        unknown = set(names) - set(self._order)
        if unknown:
            raise ValueError(f"the schema has no field {', '.join(sorted(unknown))}")
        present = [name for name in self._order if name in names]
        fields = "".join(f"<{PREFIX}:{name}>%s</{PREFIX}:{name}>" for name in present)
        pick: Callable[[Mapping[str, str]], object] = itemgetter(*present) if present else _nothing
        if len(self._templates) >= TEMPLATES_MAX:
            self._templates.clear()
        made = self._templates[names] = f"{self._start}{fields}{self._end}", pick
        return made


def _nothing(_: Mapping[str, str]) -> tuple[()]:
    return ()


@lru_cache(maxsize=512)
def _writers(message_type: MessageType) -> tuple[_GroupWriter, _GroupWriter, tuple[str, str, str]]:
    """The writers of head and rows, and what stands before, between and after them."""
    schema = message_type.schema
    start, end = f"<{PREFIX}:{schema.document.name}>", f"</{PREFIX}:{schema.document.name}>"
    between = ""
    if schema.head is not None:
        start, between = f"{start}<{PREFIX}:{schema.head.name}>", f"</{PREFIX}:{schema.head.name}>"
    rows = _GroupWriter(())
    if schema.items is not None:
        name = schema.items.name
        rows = _GroupWriter(schema.item_fields, f"<{PREFIX}:{name}>", f"</{PREFIX}:{name}>")
    return _GroupWriter(schema.head_fields), rows, (start, between, end)
