"""Column types that mean the same in PostgreSQL and in SQLite."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import BigInteger, DateTime, Dialect, Integer, LargeBinary, String, Text
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import TypeDecorator

Id = String(36)
"""UUIDv7 in upper case: time-ordered, and for documents the official guid."""

Code = String(18)
"""Customs code (10 characters) or credit code (18 characters) of an enterprise."""

Blob = LargeBinary
Sequence = BigInteger().with_variant(Integer, "sqlite")
"""SQLite gives out increasing numbers only for a column that is declared INTEGER."""


class UtcTime(TypeDecorator[datetime]):
    """An aware time; kept in UTC, whatever the engine knows of time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, _dialect: Dialect) -> datetime | None:
        """Refuse naive times: they would silently mean the zone of the machine."""
        if value is None:
            return None
        if value.tzinfo is None:
            message = f"naive time {value!r}"
            raise ValueError(message)
        return value.astimezone(UTC)

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        """Give back an aware time."""
        if value is None:
            return None
        found: datetime = value
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


class Json(TypeDecorator[Any]):
    """A small JSON value as compact text; never personal data."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, _dialect: Dialect) -> str | None:
        """Write compactly, Chinese text as it is."""
        if value is None:
            return None
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

    def process_result_value(self, value: Any, _dialect: Dialect) -> Any:
        """Read back."""
        return None if value is None else json.loads(value)


class CurrentTransaction(ColumnElement[int]):
    """The number of the writing transaction; 0 in SQLite, where one writes after the other."""

    inherit_cache = True


@compiles(CurrentTransaction)
def _no_number(_element: CurrentTransaction, _compiler: object, **_: object) -> str:
    return "0"


@compiles(CurrentTransaction, "postgresql")
def _xact_id(_element: CurrentTransaction, _compiler: object, **_: object) -> str:
    return "(pg_current_xact_id()::text::bigint)"
