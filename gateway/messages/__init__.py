"""Message types as data: an XSD and a row each, and what is derived from them."""

from gateway.messages.assemble import Unsigned, assemble
from gateway.messages.body import NumberText, is_one_object, parse_json, parse_ndjson
from gateway.messages.catalogue import Catalogue, load_catalogue
from gateway.messages.decode import decode, decode_register, encode, restore
from gateway.messages.mask import mask
from gateway.messages.read import parse_xml, read, read_fragments
from gateway.messages.rows import Extension, Row
from gateway.messages.schema import Field, Group, Schema
from gateway.messages.typed import differing_paths, typed_values
from gateway.messages.types import MessageType
from gateway.messages.validate import problems_of, validate
from gateway.messages.write import write

__all__ = [
    "Catalogue",
    "Extension",
    "Field",
    "Group",
    "MessageType",
    "NumberText",
    "Row",
    "Schema",
    "Unsigned",
    "assemble",
    "decode",
    "decode_register",
    "differing_paths",
    "encode",
    "is_one_object",
    "load_catalogue",
    "mask",
    "parse_json",
    "parse_ndjson",
    "parse_xml",
    "problems_of",
    "read",
    "read_fragments",
    "restore",
    "typed_values",
    "validate",
    "write",
]
