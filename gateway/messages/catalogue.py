"""The catalogue: every message type, from the XSDs and the rows, checked against each other."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from lxml import etree

import gateway
from gateway.messages.rows import Row, read_rows
from gateway.messages.schema import Schema
from gateway.messages.types import MessageType, compile_schema, local_parser
from gateway.messages.xsd import Glossary, read_glossary, read_schemas, wrong

PACKAGE = Path(gateway.__file__).parent
XS_ELEMENT = "{http://www.w3.org/2001/XMLSchema}element"


def shipped_xsd() -> Path:
    """The XSD folder that belongs to this program: in the wheel, else in the source tree."""
    wheel = PACKAGE / "_shipped" / "xsd"
    return wheel if wheel.is_dir() else PACKAGE.parent / "xsd"


class Catalogue:
    """Looks message types up. Immutable after loading."""

    def __init__(self, types: Iterable[MessageType], files: Mapping[str, Path]) -> None:
        self.types: Mapping[str, MessageType] = MappingProxyType({one.name: one for one in types})
        self._files = files
        every = self.types.values()
        self._kinds = {one.row.kind: one for one in every if not one.is_receipt}
        self._resources = {one.row.resource: one for one in every if one.row.resource}
        self._roots = {one.root_tag: one for one in every}
        self._compiled: dict[str, etree.XMLSchema] = {}

    def type(self, name: str) -> MessageType:
        """The type of that name, e.g. CEB311. Raises KeyError."""
        return self.types[name]

    def by_kind(self, kind: str) -> MessageType:
        """The type of a kind of document, e.g. order. Raises KeyError."""
        return self._kinds[kind]

    def by_resource(self, resource: str) -> MessageType:
        """The type that is posted at /v1/<resource>. Raises KeyError."""
        return self._resources[resource]

    def by_root(self, tag: str) -> MessageType | None:
        """The type of a root element given as {namespace}name."""
        return self._roots.get(tag)

    def xml_schema(self, name: str) -> etree.XMLSchema:
        """The XSD of a message type or, by its file name, another one (`dxp`), compiled once.

        Not for two threads at once: libxml2 keeps its findings in the schema object.
        """
        known = self.types.get(name)
        if known is not None:
            return known.xml_schema
        if name not in self._compiled:
            self._compiled[name] = compile_schema(self._files[name])
        return self._compiled[name]


def load_catalogue(xsd_folder: Path | None = None, rows_folder: Path | None = None) -> Catalogue:
    """Read `<xsd>/<authority>/*.xsd` and `<rows>/<authority>.toml`; default: the shipped ones.

    Raises Misconfigured, with what is wrong, when a file cannot be read or a row names what its
    XSD does not have.
    """
    xsd = xsd_folder or shipped_xsd()
    rows = rows_folder or PACKAGE / "messages"
    glossary = read_glossary(xsd / "glossary.tsv")
    types: list[MessageType] = []
    for path in sorted(rows.glob("*.toml")):
        if (xsd / path.stem).is_dir():
            types += _read_authority(xsd / path.stem, read_rows(path), glossary)
    files = {path.stem: path for path in sorted(xsd.glob("*/*.xsd"))}
    _link(types)
    for one in types:
        for fault in _faults(one, types):
            raise wrong(f"{one.name}: {fault}")
    return Catalogue(types, files)


def _read_authority(folder: Path, rows: list[Row], glossary: Glossary) -> list[MessageType]:
    declared: dict[str, tuple[str, Path]] = {}
    for path in sorted(folder.glob("*.xsd")):
        try:
            root = etree.parse(str(path), local_parser()).getroot()
        except etree.XMLSyntaxError as error:
            raise wrong(f"{path.name}: {error}") from error
        for element in root.iterchildren(XS_ELEMENT):
            declared[element.get("name", "")] = root.get("targetNamespace", ""), path
    wanted: dict[str, dict[str, Path]] = {}
    roots: dict[str, str] = {}
    for row in rows:
        root_name = f"{row.name}Message" if f"{row.name}Message" in declared else row.name
        if root_name not in declared:
            raise wrong(f"{row.name}: no XSD in {folder.name} declares {root_name}")
        namespace, path = declared[root_name]
        wanted.setdefault(namespace, {})[root_name] = path
        roots[row.name] = root_name
    schemas: dict[str, Schema] = {}
    for namespace, files in wanted.items():
        schemas |= read_schemas(files, namespace, glossary)
    return [
        MessageType(
            name=row.name,
            row=row,
            schema=schemas[roots[row.name]],
            file=declared[roots[row.name]][1],
        )
        for row in rows
    ]


def _link(types: list[MessageType]) -> None:
    by_name = {one.name: one for one in types}
    for one in types:
        for extension in one.row.extension.values():
            if extension.type == "part" and extension.of in by_name:
                one.parts[extension.of] = by_name[extension.of]
        if one.row.through in by_name:
            one.parts[one.row.through] = by_name[one.row.through]


def _faults(one: MessageType, types: list[MessageType]) -> Iterator[str]:
    """What the row says and the XSD or another row contradicts."""
    row = one.row
    heads = {field.name for field in one.schema.head_fields}
    named = {
        "parties": row.parties,
        "responsible": row.responsible,
        "key": row.key,
        "match": row.match,
        "filled": tuple(row.filled),
        "generated": row.generated,
        "names": (*row.names, *row.names.values()),
        "status_field, time_field, info_field": tuple(
            name for name in (row.status_field, row.time_field, row.info_field) if name
        ),
    }
    for what, names in named.items():
        for name in names:
            if name not in heads:
                yield f"{what} names {name}, which is no head field of its XSD"
    for name, value in row.filled.items():
        field = one.schema.field(name)
        if field and field.values and value not in field.values:
            yield f"filled {name}={value} is not in its value list"
    yield from _extension_faults(one)
    yield from _reference_faults(one, types)


def _extension_faults(one: MessageType) -> Iterator[str]:
    for name, extension in one.row.extension.items():
        if one.schema.field(name) or name == one.schema.rows_name:
            yield f"extension {name} is a field of its XSD too"
        if extension.type not in {"text", "part"}:
            yield f"extension {name}: type {extension.type} is neither text nor part"
        if extension.type == "part" and extension.of not in one.parts:
            yield f"extension {name}: unknown message type {extension.of}"


def _reference_faults(one: MessageType, types: list[MessageType]) -> Iterator[str]:
    names = {other.name: other for other in types}
    for what, name in (("receipt", one.row.receipt), ("answers", one.row.answers)):
        if name is not None and name not in names:
            yield f"{what} names {name}, which has no row"
    if one.row.receipt and not one.row.statuses:
        yield "has a receipt and no statuses"
    answer = names.get(one.row.receipt or "")
    if answer and answer.row.answers != one.name:
        yield f"its receipt {answer.name} answers {answer.row.answers}"
    leads = names.get(one.row.through)
    if one.row.through and (leads is None or not {*leads.row.key} < {*one.row.key}):
        yield f"through names {one.row.through}, whose key does not stand in its own"
    yield from _sharing_faults(one, types)


def _sharing_faults(one: MessageType, types: list[MessageType]) -> Iterator[str]:
    """Names that two types share."""
    for other in types:
        if other is one:
            continue
        if other.name == one.name:
            yield "has two rows"
        if other.row.kind == one.row.kind and not one.is_receipt:
            yield f"kind {one.row.kind} is also that of {other.name}"
        if one.row.resource and other.row.resource == one.row.resource:
            yield f"resource {one.row.resource} is also that of {other.name}"
