"""What the authority does with each type of declaration: keys, signers and codes, as data."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.errors import Misconfigured

FILE = Path(__file__).with_name("declarations.toml")
NO_ENTERPRISE = "-10102"
SECOND_INVENTORY = "-621041"
NUMBERS_MISSING = "-621053"
NUMBERS_CHANGED = "-621999"
RETURN_INFO_MAX = 1000
"""Characters of returnInfo (CEB field tables, edition 202205)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """One type of declaration. Field names are those of its XSD; the rest are negative codes."""

    type: str
    kind: str
    receipt: str
    key: tuple[str, ...]
    """The business key."""
    signers: tuple[str, ...]
    """Fields of which one names the enterprise that signs."""
    echo: tuple[str, ...]
    """Fields that a receipt repeats."""
    order: tuple[str, ...] = ()
    """Fields that tie it to an order; a waybill knows the order number alone."""
    parcel: tuple[str, ...] = ()
    """Fields that tie it to a parcel."""
    duplicate: str
    older: str
    invalid: str
    signature: str
    absent: str
    """A change of what was never declared."""
    declared: str
    """A change of what may not be changed any more."""
    operation: str
    """An appType that nobody acts on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Kinds:
    """Every type of declaration that this authority takes, and what its codes say."""

    types: Mapping[str, Kind]
    texts: Mapping[str, str]

    def text(self, code: str, key: str, detail: str = "") -> str:
        """The returnInfo of a refusal, bounded."""
        return self.texts[code].format(key=key, detail=detail)[:RETURN_INFO_MAX]


def load_kinds(path: Path = FILE) -> Kinds:
    """The file, checked. Raises Misconfigured for an unknown key and a code without a text."""
    tables: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    texts: dict[str, str] = tables.pop("texts")
    kinds = {}
    for name, table in tables.items():
        values: dict[str, Any] = {
            key: tuple(one) if isinstance(one, list) else one for key, one in table.items()
        }
        try:
            kinds[name] = Kind(type=name, **values)
        except TypeError as error:
            raise _wrong(f"{path.name}: {name}: {error}") from error
    codes = {NO_ENTERPRISE, SECOND_INVENTORY, NUMBERS_MISSING, NUMBERS_CHANGED}
    for kind in kinds.values():
        codes |= {kind.duplicate, kind.older, kind.invalid, kind.signature}
        codes |= {kind.absent, kind.declared, kind.operation}
    if codes != texts.keys():
        raise _wrong(f"{path.name}: codes and texts differ: {sorted(codes ^ texts.keys())}")
    return Kinds(types=kinds, texts=texts)


def _wrong(what: str) -> Misconfigured:
    return Misconfigured("A-declarations", f"模拟器数据有误：{what}", what)
