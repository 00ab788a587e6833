"""The JSON Schema (Draft 2020-12) of what a client hands in, derived from XSD and row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from gateway.messages.rows import Extension
from gateway.messages.schema import ROW_NUMBER, Field, Group
from gateway.messages.types import MessageType

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]


def json_schema(message_type: MessageType) -> Json:
    """The schema of one record of this type, as `decode` reads it.

    What a JSON Schema cannot say stays with `decode`: the notation of JSON numbers (1e3), names
    given twice, rows numbered from 1, and characters that XML forbids.
    """
    schema, row = message_type.schema, message_type.row
    fields = [field for field in schema.head_fields if field.name not in row.generated]
    required = [field.name for field in fields if field.required and field.name not in row.filled]
    properties = {field.name: _field(field) for field in fields}
    for name, constant in row.filled.items():
        properties[name] |= {"const": constant, "default": constant}
    if schema.items is not None:
        properties[schema.rows_name] = _rows(schema.items)
        if schema.items.minimum > 0:
            required.append(schema.rows_name)
    for name, extension in row.extension.items():
        properties[name] = _extension(message_type, extension)
    return {
        "$schema": DIALECT,
        "title": schema.document.en,
        "description": f"{schema.document.zh} {message_type.name}",
        **_object(properties, required),
    }


def _object(properties: Json, required: Iterable[str]) -> Json:
    return {
        "type": "object",
        "properties": properties,
        "required": sorted(required),
        "additionalProperties": False,
    }


def _field(field: Field) -> Json:
    titles: Json = {"title": field.en, "description": f"{field.zh} {field.format}"}
    if field.repeated:
        items = _value(field)
        return titles | {"type": "array", "items": items, "uniqueItems": True} | _least(field)
    return titles | _value(field)


def _least(field: Field) -> Json:
    return {"minItems": 1} if field.required else {}


def _value(field: Field) -> Json:
    if field.is_number:
        whole = (field.total_digits or 0) - (field.fraction_digits or 0)
        return {
            "type": ["integer" if field.type == "integer" else "number", "string"],
            "pattern": f"^(?:{field.pattern})$",
            "minimum": 0,
            "exclusiveMaximum": 10**whole,
        }
    if field.values:
        return {"type": "string", "enum": list(field.values)}
    found: Json = {"type": "string"}
    if field.min_length:
        found["minLength"] = field.min_length
    if field.max_length is not None:
        found["maxLength"] = field.max_length
    if field.pattern is not None:
        found["pattern"] = f"^(?:{field.pattern})$"
    return found


def _rows(items: Group) -> Json:
    """The rows; the row number may be left out."""
    properties = {field.name: _field(field) for field in items.fields}
    required = [field.name for field in items.fields if field.required and field.name != ROW_NUMBER]
    rows: Json = {
        "title": items.en,
        "description": items.zh,
        "type": "array",
        "minItems": items.minimum,
        "items": _object(properties, required),
    }
    if items.maximum is not None:
        rows["maxItems"] = items.maximum
    return rows


def _extension(message_type: MessageType, extension: Extension) -> Json:
    titles: Json = {"title": extension.en, "description": extension.zh}
    if extension.type == "part":
        return titles | _part(message_type.parts[extension.of])
    found: Json = titles | {"type": "string", "minLength": 1, "maxLength": extension.max_length}
    if extension.values:
        found = titles | {"type": "string", "enum": list(extension.values)}
    return found | ({"default": extension.default} if extension.default is not None else {})


def _part(message_type: MessageType) -> Json:
    """Any of the fields of a message type, none required."""
    schema, generated = message_type.schema, message_type.row.generated
    properties = {
        field.name: _field(field) for field in schema.head_fields if field.name not in generated
    }
    if schema.items is not None:
        rows = _rows(schema.items)
        rows["items"] |= {"required": []}
        del rows["minItems"]
        properties[schema.rows_name] = rows
    return _object(properties, [])
