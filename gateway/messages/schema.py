"""What an XSD says about one message type, as frozen values; everything else is derived from it."""

from __future__ import annotations

from dataclasses import dataclass

ROW_NUMBER = "gnum"
"""The field that numbers the rows from 1; a client may leave it out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One simple element. Lengths count characters; None means no limit."""

    name: str
    zh: str
    en: str
    type: str = "text"
    """text, integer or decimal; numbers stay texts, `pattern` holds their notation."""
    required: bool = True
    min_length: int = 0
    max_length: int | None = None
    total_digits: int | None = None
    fraction_digits: int | None = None
    values: tuple[str, ...] = ()
    pattern: str | None = None
    personal: bool = True
    """Masked wherever it is shown; a field that the glossary does not name counts as personal."""
    example: str = ""
    """An invented value for documentation, where the glossary gives one."""
    repeated: bool = False
    """A list of texts; only registers have such fields."""

    @property
    def is_number(self) -> bool:
        """Whether JSON may carry the value as a number."""
        return self.type != "text"

    @property
    def format(self) -> str:
        """The format as the field tables write it: C..60, C3, N19,5; else the pattern."""
        if self.is_number:
            digits = f"N{self.total_digits or ''}"
            return f"{digits},{self.fraction_digits}" if self.fraction_digits else digits
        if self.max_length is None and self.pattern is not None:
            return self.pattern
        fixed = self.max_length is not None and self.min_length == self.max_length
        return f"C{self.max_length}" if fixed else f"C..{self.max_length or ''}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """An element that holds fields; `maximum` None means unbounded."""

    name: str
    zh: str
    en: str
    fields: tuple[Field, ...] = ()
    minimum: int = 1
    maximum: int | None = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Schema:
    """The shape of one message type, read from its XSD and never assumed.

    `document` is the business node that a message repeats. Where it has a head level its fields
    stand in `head`, else in `document` itself; `items` are the rows. A record of the gateway
    (`record`) has no message around it: its root is the document.
    """

    root: str
    namespace: str
    document: Group
    head: Group | None = None
    items: Group | None = None
    transfer: bool = False
    """Whether the transfer block stands after the documents: requests yes, receipts no."""
    signature: str | None = None
    """Where ds:Signature stands: last, before-extend, or None."""
    attributes: tuple[str, ...] = ()
    record: bool = False

    @property
    def head_fields(self) -> tuple[Field, ...]:
        """The fields that stand once in a document."""
        return (self.head or self.document).fields

    @property
    def item_fields(self) -> tuple[Field, ...]:
        """The fields of one row; empty for a type without rows."""
        return self.items.fields if self.items else ()

    @property
    def documents_max(self) -> int | None:
        """How many documents one message may carry."""
        return self.document.maximum

    @property
    def rows_name(self) -> str:
        """The JSON name of the rows: `items` for messages, the element's own name for records."""
        return self.items.name if self.items and self.record else "items"

    def field(self, name: str) -> Field | None:
        """The head field, else the row field, of that name."""
        every = (*self.head_fields, *self.item_fields)
        return next((field for field in every if field.name == name), None)
