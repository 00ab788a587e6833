"""Puts fragments into a message: root, documents, transfer block, and a place for the signature."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.messages.types import MessageType
from gateway.messages.write import PREFIX, element, escape_attribute
from gateway.model import Subscriber, Transfer

XSI = "http://www.w3.org/2001/XMLSchema-instance"
VERSION = "1.0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsigned:
    """A message in canonical form, in the pieces that a stored recipe needs.

    `head` is the start tag of the root, `after` the blocks before the signature and
    `after_signature` what follows it. All of it joined is `data`: the bytes to digest.
    """

    head: bytes
    fragments: tuple[bytes, ...]
    after: bytes
    after_signature: bytes

    @property
    def data(self) -> bytes:
        """The canonical bytes of the message without its signature."""
        return self.head + b"".join(self.fragments) + self.after + self.after_signature

    def tail(self, signature: bytes) -> bytes:
        """What follows the fragments once the signature element is there."""
        return self.after + signature + self.after_signature

    def with_signature(self, element: bytes) -> bytes:
        """The signed message. Never serialise it again: the signature is over these bytes."""
        return self.head + b"".join(self.fragments) + self.tail(element)


def assemble(
    message_type: MessageType,
    guid: str,
    fragments: Sequence[bytes],
    transfer: Transfer | None,
    subscribers: Sequence[Subscriber] = (),
) -> Unsigned:
    """The message that carries these fragments, in their order; receipts have no transfer block.

    Raises ValueError for no fragment, for more than one message may carry, or a transfer block
    where the schema has none (or the reverse).
    """
    schema = message_type.schema
    if not fragments:
        raise ValueError("a message carries at least one document")
    if schema.documents_max is not None and len(fragments) > schema.documents_max:
        raise ValueError(f"{message_type.name} carries at most {schema.documents_max} documents")
    if schema.transfer != (transfer is not None):
        raise ValueError(f"{message_type.name}: requests have a transfer block, receipts have none")
    return Unsigned(
        head=root_start(message_type, guid),
        fragments=tuple(fragments),
        after=transfer_blocks(transfer, subscribers) if transfer else b"",
        after_signature=root_end(message_type),
    )


def root_start(message_type: MessageType, guid: str) -> bytes:
    """The start tag of the root: exactly two namespaces, then guid and version."""
    schema = message_type.schema
    return (
        f'<{PREFIX}:{schema.root} xmlns:{PREFIX}="{schema.namespace}" xmlns:xsi="{XSI}"'
        f' guid="{escape_attribute(guid)}" version="{VERSION}">'
    ).encode()


def root_end(message_type: MessageType) -> bytes:
    """The end tag of the root."""
    return f"</{PREFIX}:{message_type.schema.root}>".encode()


def transfer_blocks(transfer: Transfer, subscribers: Sequence[Subscriber] = ()) -> bytes:
    """BaseTransfer and the BaseSubscribe blocks, in the order of the schema."""
    blocks = [
        _block("BaseTransfer", transfer, ("copCode", "copName", "dxpMode", "dxpId", "note")),
        *(
            _block("BaseSubscribe", one, ("status", "dxpMode", "dxpAddress", "note"))
            for one in subscribers
        ),
    ]
    return "".join(blocks).encode()


def _block(name: str, block: Transfer | Subscriber, fields: Sequence[str]) -> str:
    values = [(field, getattr(block, field)) for field in fields]
    inner = "".join(element(field, value) for field, value in values if value is not None)
    return f"<{PREFIX}:{name}>{inner}</{PREFIX}:{name}>"
