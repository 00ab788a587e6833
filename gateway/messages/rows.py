"""Rows: what an XSD cannot say about a message type, as data from `<authority>.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from gateway.messages.xsd import wrong
from gateway.model import Status

RETURN_STATUSES = (
    "1", "2", "3", "4", "99", "100", "120", "300", "399", "400", "500", "501", "502", "503",
    "599", "600", "700", "800", "899",
)  # fmt: skip
"""Every returnStatus seen in the field tables and in practice; the set stays open."""
STATUS_DEFAULTS = ("negative", "unknown")


@dataclass(frozen=True, slots=True, kw_only=True)
class Extension:
    """A JSON field of the request that never goes to customs.

    `type` is text, or part: an object with any of the fields (and rows) of the message type `of`.
    """

    type: str = "text"
    max_length: int = 100
    values: tuple[str, ...] = ()
    default: str | None = None
    of: str = ""
    zh: str = ""
    en: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One message type as the gateway treats it. Field names are those of its XSD."""

    name: str
    authority: str
    kind: str
    """order, payment…; `receipt` for what answers a message of ours, `refusal` for CEB900."""
    resource: str | None = None
    """Where it is posted below /v1/, e.g. import/orders; None when nobody posts it."""
    direction: str = ""
    submitters: tuple[str, ...] = ()
    """Roles that may hand it in."""
    parties: tuple[str, ...] = ()
    """Fields with the codes of the enterprises that may see it."""
    responsible: tuple[str, ...] = ()
    """Fields that name the enterprise whose key signs; the first with a key here wins."""
    key: tuple[str, ...] = ()
    """The business key."""
    through: str = ""
    """For a type that names no order: the type whose key stands in its own key, and whose
    consignment it therefore belongs to."""
    receipt: str | None = None
    answers: str | None = None
    """For a receipt: the message type that it answers; None for a refusal and for tax bills."""
    match: tuple[str, ...] = ()
    """For a receipt: its fields that name the document it is about."""
    status_field: str = ""
    time_field: str = ""
    info_field: str = ""
    filled: Mapping[str, str] = field(default_factory=dict)
    """Constants: filled in when left out; any other value is refused."""
    generated: tuple[str, ...] = ()
    """Fields that the gateway makes for each version; refused when submitted."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Code field → the field with the registered name of that enterprise."""
    extension: Mapping[str, Extension] = field(default_factory=dict)
    statuses: Mapping[str, Status] = field(default_factory=dict)
    duplicates: tuple[str, ...] = ()
    """Negative codes that prove an earlier acceptance, where an attempt of ours is recorded."""
    older: tuple[str, ...] = ()
    """Negative codes for data older than what customs has."""
    signature_codes: tuple[str, ...] = ()
    """Negative codes for a refused signature or certificate: they pause the key profile."""
    retention_years: int = 3
    mandate: str = ""
    """The message type that a mandate must name; empty: none is needed."""

    def status(self, code: str) -> Status:
        """The meaning of a returnStatus; defined for every text."""
        known = self.statuses.get(code)
        if known is not None:
            return known
        return self.statuses["negative" if code.startswith("-") else "unknown"]


def read_rows(path: Path) -> list[Row]:
    """The rows of one file. Unknown keys and wrong types are refused with Misconfigured.

    `[statuses.NAME]` tables are shared: a row names the one it uses.
    """
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise wrong(f"{path.name}: {error}") from error
    shared = {name: _statuses(name, table) for name, table in tables.pop("statuses", {}).items()}
    return [_row(path.stem, name, table, shared) for name, table in tables.items()]


def _row(
    authority: str, name: str, table: Mapping[str, Any], shared: Mapping[str, Mapping[str, Status]]
) -> Row:
    known = {one.name: str(one.type) for one in fields(Row)} | {"statuses": "str"}
    values: dict[str, Any] = {"name": name, "authority": authority}
    for key, value in table.items():
        if key not in known or key in values:
            raise wrong(f"{name}: unknown key {key}")
        values[key] = _value(f"{name}.{key}", known[key], value)
    if "extension" in values:
        values["extension"] = {
            one: _record(f"{name}.extension.{one}", Extension, given)
            for one, given in values["extension"].items()
        }
    if "statuses" in values:
        if values["statuses"] not in shared:
            raise wrong(f"{name}: no statuses table {values['statuses']}")
        values["statuses"] = shared[values["statuses"]]
    if "kind" not in values:
        raise wrong(f"{name}: kind is missing")
    return Row(**values)


def _statuses(name: str, table: Mapping[str, Any]) -> Mapping[str, Status]:
    """One shared table; the rank of a number is the number itself unless the table gives one."""
    missing = {*RETURN_STATUSES, *STATUS_DEFAULTS} - table.keys()
    if missing:
        raise wrong(f"statuses.{name}: no entry for {', '.join(sorted(missing))}")
    return {
        code: _record(f"statuses.{name}.{code}", Status, {"rank": int(code)} | given)
        if code.isdecimal()
        else _record(f"statuses.{name}.{code}", Status, given)
        for code, given in table.items()
    }


def _record(place: str, kind: type[Any], given: Mapping[str, Any]) -> Any:
    known = {one.name: str(one.type) for one in fields(kind)}
    for key in given:
        if key not in known:
            raise wrong(f"{place}: unknown key {key}")
    try:
        return kind(
            **{key: _value(f"{place}.{key}", known[key], one) for key, one in given.items()}
        )
    except TypeError as error:
        raise wrong(f"{place}: {error}") from error


def _value(place: str, kind: str, value: Any) -> Any:
    """A TOML value as the annotation of its key asks for it."""
    if kind.startswith("tuple"):
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise wrong(f"{place}: a list of texts is needed")
        return tuple(value)
    wanted: type[Any] = {"int": int, "bool": bool}.get(
        kind, dict if kind.startswith("Mapping") else str
    )
    if type(value) is not wanted:
        raise wrong(f"{place}: {wanted.__name__} is needed")
    if kind == "Mapping[str, str]" and not all(isinstance(one, str) for one in value.values()):
        raise wrong(f"{place}: texts are needed")
    return value
