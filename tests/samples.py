"""Real messages for tests: valid documents of every type, derived from the catalogue, and keys."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.messages import Catalogue, Field, MessageType, assemble, write
from gateway.messages.faults import fault
from gateway.messages.schema import ROW_NUMBER
from gateway.model import Content, Transfer
from gateway.ports import Signer
from gateway.signing.element import sign
from gateway.signing.software import generate, load_signer

GUID = "4CDE1CFD-EDED-46B1-946C-B8022E42FC94"
TRANSFER = Transfer(copCode="4601630004", copName="海南公司", dxpId="DXPENT0000012345")
CANDIDATES = ("1", "1.5", "20260131", "20260131120000", "142", "测试 A&B", "A", "1234567890")
SETS = ("rsa-sha1", "rsa-sha256", "sm2-sm3", "sm2-w3")


@dataclass(frozen=True)
class KeyFiles:
    """A business key on disk."""

    key: Path
    certificate: Path

    def signer(self, set_name: str) -> Signer:
        """A signer of that set."""
        return load_signer(set_name, self.key, self.certificate)


def key_files(folder: Path, algorithm: str, name: str = "海南公司") -> KeyFiles:
    """A new key in that folder."""
    folder.mkdir(parents=True, exist_ok=True)
    files = KeyFiles(folder / "key.pem", folder / "cert.pem")
    key, certificate = generate(algorithm, "4601630004", name)
    files.key.write_bytes(key)
    files.certificate.write_bytes(certificate)
    return files


def value(field: Field) -> str:
    """A text that the field accepts."""
    for one in (*field.values, *CANDIDATES, "测" * field.min_length, "0" * field.min_length):
        if fault(field, one, "") is None:
            return one
    raise AssertionError(f"no value for {field.name}")


def content(type_: MessageType, rows: int = 2) -> Content:
    """One document with every field filled."""

    def group(fields: Iterable[Field]) -> dict[str, str]:
        return {field.name: value(field) for field in fields}

    if type_.schema.items is None:
        return Content(group(type_.schema.head_fields))
    return Content(
        group(type_.schema.head_fields),
        tuple(
            group(type_.schema.item_fields) | {ROW_NUMBER: str(position)}
            for position in range(1, rows + 1)
        ),
    )


def message(type_: MessageType, documents: int = 2, signer: Signer | None = None) -> bytes:
    """A message of the type, signed when a signer is given."""
    documents = min(documents, type_.schema.documents_max or documents)
    fragments = [write(type_, content(type_))] * documents
    unsigned = assemble(type_, GUID, fragments, TRANSFER if type_.schema.transfer else None)
    if signer is None:
        return unsigned.data
    return unsigned.with_signature(asyncio.run(sign(unsigned.data, signer, signer.set_name)))


def requests(catalogue: Catalogue) -> Sequence[MessageType]:
    """The types that are signed."""
    return [one for one in catalogue.types.values() if one.schema.signature is not None]


def receipts(catalogue: Catalogue) -> Sequence[MessageType]:
    """The types that answer."""
    return [one for one in catalogue.types.values() if one.is_receipt]
