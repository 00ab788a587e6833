"""Content as typed values: what makes two submissions the same although their texts differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from gateway.messages.schema import Field
from gateway.messages.types import MessageType
from gateway.model import Decoded


def typed_values(type_: MessageType, decoded: Decoded) -> dict[str, Any]:
    """Every value of a submission by JSON path, numbers in one normal form (1.0 equals 1.00).

    What the gateway fills per version (guid, appTime …) does not count.
    """
    schema, generated = type_.schema, set(type_.row.generated)
    head = {field.name: field for field in schema.head_fields if field.name not in generated}
    values = dict(_normal(decoded.content.head, head, "$"))
    rows = {field.name: field for field in schema.item_fields}
    for position, item in enumerate(decoded.content.items):
        values.update(_normal(item, rows, f"$.items[{position}]"))
    for name, value in decoded.extension.items():
        values[f"$.{name}"] = value
    return values


def differing_paths(
    type_: MessageType, before: Decoded, after: Decoded, *, most: int
) -> tuple[str, ...]:
    """The JSON paths at which two submissions differ, at most `most` of them."""
    old, new = typed_values(type_, before), typed_values(type_, after)
    paths = (path for path in [*new, *(old.keys() - new.keys())] if old.get(path) != new.get(path))
    return tuple(path for path, _ in zip(paths, range(most), strict=False))


def _normal(
    values: Mapping[str, str], fields: Mapping[str, Field], path: str
) -> Iterator[tuple[str, str]]:
    for name, text in values.items():
        field = fields.get(name)
        if field is None:
            continue
        number = field.type in ("decimal", "integer") and text != ""
        yield f"{path}.{name}", f"{Decimal(text).normalize():f}" if number else text
