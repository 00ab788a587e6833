"""Hypothesis strategies derived from the catalogue: any document that a message type allows."""

from __future__ import annotations

import re
from collections.abc import Iterable

from hypothesis import strategies as st

from gateway.messages import Field, MessageType
from gateway.messages.schema import ROW_NUMBER
from gateway.model import Content, Subscriber, Transfer

CHARACTERS = st.characters(
    exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff", include_characters="\t\n\r"
)
"""What XML can carry; every plane, and the white space that canonical form treats specially."""
MARKUP = st.sampled_from(list("&<>\"'\r\n\t ]%{}测é😀"))
ROWS_MAX = 3


def texts(least: int, most: int) -> st.SearchStrategy[str]:
    """Texts of that length, mostly short, rich in characters that XML escapes."""
    short = st.text(CHARACTERS | MARKUP, min_size=least, max_size=min(most, least + 8))
    full = st.integers(0x4E00, 0x9FA5).map(lambda code: chr(code) * most)
    return short | full if most <= 1000 else short


def numbers(field: Field) -> st.SearchStrategy[str]:
    """Plain notation within the digits of the field, leading and trailing zeros included."""
    fraction = field.fraction_digits or 0
    whole = (field.total_digits or 0) - fraction
    integers = st.text("0123456789", min_size=1, max_size=whole)
    if not fraction:
        return integers
    decimals = st.text("0123456789", min_size=1, max_size=fraction)
    return integers | st.tuples(integers, decimals).map(".".join)


def values(field: Field) -> st.SearchStrategy[str]:
    """Any text that the field accepts."""
    if field.values:
        return st.sampled_from(field.values)
    if field.is_number:
        return numbers(field)
    if field.pattern is not None:
        return st.from_regex(re.compile(field.pattern, re.ASCII), fullmatch=True)
    return texts(field.min_length, 2000 if field.max_length is None else field.max_length)


def groups(fields: Iterable[Field]) -> st.SearchStrategy[dict[str, str]]:
    """One head or row: all required fields, any of the others."""
    listed = list(fields)
    return st.fixed_dictionaries(
        {field.name: values(field) for field in listed if field.required},
        optional={field.name: values(field) for field in listed if not field.required},
    )


def contents(message_type: MessageType) -> st.SearchStrategy[Content]:
    """Any complete document of the type, rows numbered from 1."""
    schema = message_type.schema
    if schema.items is None:
        return st.builds(Content, groups(schema.head_fields))
    rows = st.lists(groups(schema.item_fields), min_size=1, max_size=ROWS_MAX)
    return st.builds(Content, groups(schema.head_fields), rows.map(_numbered))


def _numbered(rows: list[dict[str, str]]) -> tuple[dict[str, str], ...]:
    return tuple(
        row | ({ROW_NUMBER: str(position)} if ROW_NUMBER in row else {})
        for position, row in enumerate(rows, start=1)
    )


transfers = st.builds(
    Transfer,
    copCode=texts(1, 18),
    copName=texts(1, 100),
    dxpId=texts(1, 30),
    note=st.none() | texts(0, 1000),
)
subscribers = st.lists(
    st.builds(
        Subscriber,
        status=texts(1, 100),
        dxpAddress=texts(1, 100),
        note=st.none() | texts(0, 1000),
    ),
    max_size=2,
)
