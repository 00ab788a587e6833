"""`gateway messages`: shows the catalogue, and writes or checks its documentation pages."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from gateway.messages import Catalogue, Field, MessageType, load_catalogue
from gateway.messages.jsonschema import json_schema
from gateway.messages.pages import differing, write_pages

FINDING, USAGE = 1, 2


def messages(
    type_: Annotated[
        str | None, typer.Argument(metavar="[TYPE]", help="One message type, e.g. CEB311.")
    ] = None,
    *,
    schema: Annotated[bool, typer.Option("--schema", help="Its JSON Schema.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    docs: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the documentation pages there.")
    ] = None,
    check: Annotated[
        bool, typer.Option("--check", help="With --docs: only say which pages are stale.")
    ] = False,
    xsd: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Schemas other than the shipped ones.")
    ] = None,
    rows: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Rows other than the shipped ones.")
    ] = None,
) -> None:
    """Show the message catalogue, one message type, or its JSON Schema."""
    if (check and docs is None) or (schema and type_ is None):
        _stop("--check needs --docs, --schema needs a TYPE", USAGE)
    for folder in (xsd, rows):
        if folder is not None and not folder.is_dir():
            _stop(f"no folder {folder}", USAGE)
    catalogue = load_catalogue(xsd, rows)
    if docs is not None:
        if docs.exists() and not docs.is_dir():
            _stop(f"{docs} is a file; a folder is needed", USAGE)
        _docs(docs, catalogue, check=check)
    elif type_ is None:
        for one in catalogue.types.values():
            typer.echo(_line(_summary(one)) if json_ else _listed(one))
    else:
        named = (one for name, one in catalogue.types.items() if name.lower() == type_.lower())
        found = next(named, None)
        if found is None:
            _stop(f"no message type {type_}; known: {' '.join(catalogue.types)}", USAGE)
        if schema:
            typer.echo(_schema(found, compact=json_))
        else:
            typer.echo(_line(_detail(found)) if json_ else _described(found))


def _stop(text: str, status: int) -> NoReturn:
    typer.echo(f"gateway: {text}", err=True)
    raise typer.Exit(status)


def _docs(folder: Path, catalogue: Catalogue, *, check: bool) -> None:
    if not check:
        typer.echo(f"{write_pages(folder, catalogue)} pages in {folder}", err=True)
        return
    stale = differing(folder, catalogue)
    if stale:
        _stop(f"not up to date: {' '.join(stale)}; run gateway messages --docs {folder}", FINDING)


def _line(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _schema(one: MessageType, *, compact: bool) -> str:
    found = json_schema(one)
    return _line(found) if compact else json.dumps(found, ensure_ascii=False, indent=2)


def _summary(one: MessageType) -> dict[str, Any]:
    document, row = one.schema.document, one.row
    return {
        "type": one.name,
        "zh": document.zh,
        "en": document.en,
        "kind": row.kind,
        "authority": row.authority,
        "root": one.schema.root,
        "resource": row.resource,
        "key": row.key,
        "receipt": row.receipt,
        "answers": row.answers,
        "documents_max": one.schema.documents_max,
    }


def _detail(one: MessageType) -> dict[str, Any]:
    return _summary(one) | {
        "head": _fields(one.schema.head_fields),
        "items": _fields(one.schema.item_fields),
    }


def _fields(fields: Iterable[Field]) -> list[dict[str, Any]]:
    return [
        {
            "name": field.name,
            "zh": field.zh,
            "en": field.en,
            "format": field.format,
            "required": field.required,
            "values": field.values,
            "personal": field.personal,
        }
        for field in fields
    ]


def _listed(one: MessageType) -> str:
    row = one.row
    where = f"/v1/{row.resource}" if row.resource else (row.answers or "-")
    return f"{one.name:17}{row.kind:16}{where:23}{one.schema.document.en}  {one.schema.document.zh}"


def _described(one: MessageType) -> str:
    lines = [_listed(one), ""]
    lines += [_field(field) for field in one.schema.head_fields]
    if one.schema.items is not None:
        lines += ["", f"{one.schema.items.name} ({one.schema.rows_name})"]
        lines += [_field(field) for field in one.schema.item_fields]
    return "\n".join(lines)


def _field(field: Field) -> str:
    needed = "required" if field.required else ""
    return f"  {field.name:22}{field.format:10}{needed:10}{field.en}  {field.zh}"
