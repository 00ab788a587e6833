"""Reads XSD files into `Schema` values. `xmlschema` resolves includes, types and facets."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import xmlschema
from xmlschema.validators import XsdElement

from gateway.errors import Misconfigured
from gateway.messages.schema import Field, Group, Schema

SIGNATURE = "{http://www.w3.org/2000/09/xmldsig#}Signature"
XS = "{http://www.w3.org/2001/XMLSchema}"
XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
DIGITS_DEFAULT, FRACTION_DEFAULT = 19, 5
INTEGER_DIGITS_DEFAULT = 9


@dataclass(frozen=True, slots=True, kw_only=True)
class Term:
    """What the glossary says about one name: English title, whether personal, an invented value."""

    en: str
    personal: bool = True
    example: str = ""


UNKNOWN = Term(en="")
Glossary = Mapping[str, Term]


def wrong(what: str) -> Misconfigured:
    """The error for a schema, a glossary or a row that cannot be used."""
    return Misconfigured(
        "catalogue", f"报文目录有误：{what}", f"the message catalogue is wrong: {what}"
    )


def read_glossary(path: Path) -> dict[str, Term]:
    """Field name → Term, from `glossary.tsv`; a name that it lacks counts as personal data."""
    with path.open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream, delimiter="\t", quoting=csv.QUOTE_NONE))
    return {
        row["name"]: Term(
            en=row["en"], personal=row["personal"] == "yes", example=row["example"] or ""
        )
        for row in rows
    }


def read_schemas(
    files: Mapping[str, Path], namespace: str, glossary: Glossary
) -> dict[str, Schema]:
    """Root element name → Schema, for root elements of one namespace and the files they are in.

    All files are read as one schema, so that what they share is built once.
    Raises Misconfigured when a file is no XSD 1.0 or a shape is not one that messages have.
    """
    paths = sorted({path.resolve() for path in files.values()})
    includes = "".join(f'<xs:include schemaLocation="{path.as_uri()}"/>' for path in paths)
    source = (
        f'<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{namespace}"'
        f' elementFormDefault="qualified">{includes}</xs:schema>'
    )
    try:
        built = xmlschema.XMLSchema10(source, allow="local")
    except (xmlschema.XMLSchemaException, SyntaxError, OSError) as error:
        raise wrong(f"{namespace}: {error}") from error
    return {root: _schema(built.elements[root], namespace, glossary) for root in files}


def _schema(root: XsdElement, namespace: str, glossary: Glossary) -> Schema:
    children = list(_children(root))
    name = str(root.local_name)
    attributes = tuple(str(attribute) for attribute in root.attributes)
    if any(_is_simple(child) for child in children):  # a record: no message around it
        head, rows = _document(root, glossary)
        return Schema(
            root=name, namespace=namespace, document=head, items=rows, attributes=attributes,
            record=True,
        )  # fmt: skip
    document, names = children[0], [str(child.name) for child in children]
    own, rows = _document(document, glossary)
    groups = [one for one in _children(document) if not _is_simple(one) and one.max_occurs == 1]
    if len(groups) > 1 or (groups and own.fields):
        raise wrong(f"{name}: fields may stand in one head or in the document, not in both")
    extend = f"{{{namespace}}}ExtendMessage"
    return Schema(
        root=name,
        namespace=namespace,
        document=own,
        head=_group(groups[0], glossary) if groups else None,
        items=rows,
        transfer=f"{{{namespace}}}BaseTransfer" in names,
        signature=_signature_place(names, extend),
        attributes=attributes,
    )


def _signature_place(names: list[str], extend: str) -> str | None:
    if SIGNATURE not in names:
        return None
    before = extend in names and names.index(SIGNATURE) < names.index(extend)
    return "before-extend" if before else "last"


def _document(element: XsdElement, glossary: Glossary) -> tuple[Group, Group | None]:
    """The group of an element with its own fields, and its rows."""
    children = list(_children(element))
    rows = [one for one in children if not _is_simple(one) and one.max_occurs != 1]
    if len(rows) > 1 or (rows and rows[0] is not children[-1]):
        raise wrong(f"{element.local_name}: rows must be one list, at the end")
    return _group(element, glossary), _group(rows[0], glossary) if rows else None


def _group(element: XsdElement, glossary: Glossary) -> Group:
    zh, en = _titles(element)
    fields = tuple(_field(one, glossary) for one in _children(element) if _is_simple(one))
    return Group(
        name=str(element.local_name), zh=zh, en=en, fields=fields,
        minimum=element.min_occurs, maximum=element.max_occurs,
    )  # fmt: skip


def _children(element: XsdElement) -> Iterator[XsdElement]:
    if not element.type.has_complex_content():
        raise wrong(f"{element.local_name}: a group of elements is needed here")
    content: Iterable[Any] = element.type.content.iter_elements()  # type: ignore[union-attr]
    return (one for one in content if isinstance(one, XsdElement))


def _is_simple(element: XsdElement) -> bool:
    return bool(element.type.is_simple())


def _titles(element: XsdElement) -> tuple[str, str]:
    """The zh and en titles, from the element or else its type."""
    found: dict[str, str] = {}
    for owner in (element.type, element):
        for annotation in getattr(owner, "annotations", ()):
            for node in annotation.documentation:
                found[node.get(XML_LANG, "")] = (node.text or "").strip()
    name = str(element.local_name)
    return found.get("zh", name), found.get("en", name)


def _field(element: XsdElement, glossary: Glossary) -> Field:
    name, kind = str(element.local_name), cast("Any", element.type)
    zh, en = _titles(element)
    primitive = str(kind.root_type.local_name)
    facets = {str(key).rpartition("}")[2]: facet for key, facet in kind.facets.items()}
    field = Field(
        name=name, zh=zh, en=en,
        required=element.min_occurs > 0,
        repeated=element.max_occurs != 1,
        personal=glossary.get(name, UNKNOWN).personal,
        example=glossary.get(name, UNKNOWN).example,
        values=tuple(str(value) for value in kind.enumeration or ()),
        pattern=_pattern(facets),
        type="decimal" if primitive == "decimal" else "text",
    )  # fmt: skip
    if primitive == "decimal":
        return _number(field, facets, integer=_is_integer(kind))
    if primitive not in {"string", "anyURI"}:
        raise wrong(f"{name}: fields are texts or decimals, not {primitive}")
    return _text(field, kind)


def _is_integer(kind: Any) -> bool:
    """Whether the built-in type at the end of the restrictions is xs:integer or narrower."""
    while not str(kind.name).startswith(XS):
        kind = kind.base_type
    return bool(kind.python_type is int)


def _pattern(facets: Mapping[str, Any]) -> str | None:
    facet = facets.get("pattern")
    if facet is None:
        return None
    texts = [str(text) for text in facet.regexps]
    pattern = texts[0] if len(texts) == 1 else "|".join(f"(?:{text})" for text in texts)
    re.compile(pattern)
    return pattern


def _number(field: Field, facets: Mapping[str, Any], *, integer: bool) -> Field:
    fraction = 0 if integer else _facet(facets, "fractionDigits", FRACTION_DEFAULT)
    default = INTEGER_DIGITS_DEFAULT if integer else DIGITS_DEFAULT
    total = _facet(facets, "totalDigits", default)
    plain = f"[0-9]{{1,{total - fraction}}}" + (rf"(\.[0-9]{{1,{fraction}}})?" if fraction else "")
    return replace(
        field,
        type="integer" if fraction == 0 else "decimal",
        total_digits=total,
        fraction_digits=fraction,
        pattern=field.pattern or plain,
    )


def _facet(facets: Mapping[str, Any], name: str, default: int) -> int:
    facet = facets.get(name)
    return default if facet is None else int(Decimal(str(facet.value)))


def _text(field: Field, kind: Any) -> Field:
    """Lengths from the facets, or from a value list or pattern that fixes them."""
    low, high = kind.min_length, kind.max_length
    if field.values and high is None:
        lengths = [len(value) for value in field.values]
        low, high = min(lengths), max(lengths)
    elif (
        high is None
        and field.pattern
        and (fixed := re.fullmatch(r"\[0-9\]\{(\d+)(?:,(\d+))?\}", field.pattern))
    ):
        low, high = int(fixed[1]), int(fixed[2] or fixed[1])
    return replace(field, min_length=low or 0, max_length=high)
