"""The page of the settings, generated: name, default and meaning of each."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from gateway.settings import Derivation, Settings

HEAD = """# Settings

Generated from `gateway/settings.py`. A setting comes from, the later wins: its default, the TOML
file named by `--config`, the environment variable beside it, the command line. A wrong value stops
the start, and every mistake is told.

| setting | environment | default | meaning |
| --- | --- | --- | --- |
"""


def settings_page() -> str:
    """docs/settings.md, as it must stand."""
    rows = [
        *_rows(Settings, "", "GATEWAY_"),
        *_rows(Derivation, "derivation.", "GATEWAY_DERIVATION__"),
    ]
    return HEAD + "".join(rows)


def _rows(model: type[BaseModel], prefix: str, variable: str) -> Iterator[str]:
    for name, field in model.model_fields.items():
        if name == "derivation":
            continue
        told = (field.description or "").replace("\n", " ")
        yield f"| `{prefix}{name}` | `{variable}{name.upper()}` | {_default(field)} | {told} |\n"


def _default(field: FieldInfo) -> str:
    if field.default in (None, (), frozenset()):
        return ""
    return f"`{field.default}`"
