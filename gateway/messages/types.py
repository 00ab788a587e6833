"""A message type: the shape from its XSD and the row of data beside it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from threading import Lock

from lxml import etree

from gateway.messages.rows import Row
from gateway.messages.schema import Schema


@dataclass(frozen=True, eq=False, kw_only=True)
class MessageType:
    """One type of the catalogue; compared by identity, so that what is compiled is cached."""

    name: str
    schema: Schema
    row: Row
    file: Path
    """The XSD that declares the root element."""
    parts: dict[str, MessageType] = field(default_factory=dict, repr=False)
    """The message types that its row names: those of extension parts, and `through`."""
    lock: Lock = field(default_factory=Lock, repr=False)
    """Held while `xml_schema` judges: libxml2 keeps its findings in the schema object."""

    @property
    def is_receipt(self) -> bool:
        """Whether an authority sends it: an answer to a message of ours, or a tax bill."""
        return not (self.schema.transfer or self.schema.record)

    @property
    def is_record(self) -> bool:
        """Whether it is a record of the gateway that is never sent."""
        return self.schema.record

    @property
    def root_tag(self) -> str:
        """The root element as {namespace}name."""
        return f"{{{self.schema.namespace}}}{self.schema.root}"

    @cached_property
    def xml_schema(self) -> etree.XMLSchema:
        """The XSD compiled by libxml2."""
        return compile_schema(self.file)


def compile_schema(path: Path) -> etree.XMLSchema:
    """An XSD file and what it includes; nothing is fetched from a network."""
    return etree.XMLSchema(etree.parse(str(path), local_parser()))


def local_parser() -> etree.XMLParser:
    """For our own files: no entities, no network."""
    return etree.XMLParser(resolve_entities=False, no_network=True)
