"""`gateway check FILE…`: judges messages, one line a file."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from gateway.app.authorities import authorities
from gateway.check import MESSAGE_BYTES_MAX, judge, missing, oversize
from gateway.messages import load_catalogue
from gateway.signing.trust import load_trust

FINDING, USAGE = 1, 2


def check(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Messages, or envelopes.")],
    *,
    json_: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
    trust: Annotated[
        Path | None,
        typer.Option(metavar="PATH", help="Trusted certificates: a file, or a folder of them."),
    ] = None,
) -> None:
    """Judge messages of any layout: envelope, schema and signature.

    Exit 0: all are good; 1: a finding; 2: a file cannot be read.
    """
    if trust is not None and not trust.exists():
        typer.echo(f"gateway: no file or folder {trust}", err=True)
        raise typer.Exit(USAGE)
    store = load_trust(trust) if trust is not None else None
    catalogue, adapters = load_catalogue(), tuple(authorities().values())
    status = 0
    for path in files:
        try:
            data = _read(path)
        except OSError as error:
            # A line for every file, in order: who zips lines to arguments must not be misled.
            _show({"file": _name(path)} | missing(error.strerror or "?"), as_json=json_)
            status = USAGE
            continue
        verdict = oversize() if data is None else judge(data, catalogue, adapters, trust=store)
        _show({"file": _name(path)} | verdict, as_json=json_)
        if not verdict["ok"]:
            status = max(status, FINDING)
    raise typer.Exit(status)


def _name(path: Path) -> str:
    return os.fsencode(path).decode("utf-8", "replace")


def _read(path: Path) -> bytes | None:
    """The file, or None when it is too large: then it is not read to its end."""
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > MESSAGE_BYTES_MAX:
            return None
        data = file.read(MESSAGE_BYTES_MAX + 1)
    return data if len(data) <= MESSAGE_BYTES_MAX else None


def _show(verdict: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        line = json.dumps(verdict, ensure_ascii=False, separators=(",", ":"))
        typer.echo(line.encode())
        return
    for line in _lines(verdict):
        typer.echo(line)


def _lines(verdict: dict[str, Any]) -> Iterator[str]:
    """For people: the verdict in one line, then what was found, indented."""
    signature = verdict["signature"]
    parts = [verdict["type"] or "unknown type"]
    if verdict["envelope"]:
        parts.append(f"in {verdict['envelope']}")
    if verdict["type"]:
        parts.append(f"documents {verdict['documents']}")
        parts.append("schema valid" if verdict["schema"]["valid"] else "schema invalid")
        how = ", ".join(filter(None, [signature["algorithm"], signature["fault"]]))
        parts.append(f"signature {signature['status']}" + (f" ({how})" if how else ""))
    yield f"{verdict['file']}: {'ok' if verdict['ok'] else 'NOT OK'}; {'; '.join(parts)}"
    yield from _findings(verdict["schema"]["errors"])
    yield from _findings(verdict["findings"])


def _findings(found: Iterable[dict[str, Any]]) -> Iterator[str]:
    for one in found:
        value = f" [{one['value']}]" if one["value"] is not None else ""
        yield f"  {one['severity']} {one['code']} {one['path']}{value}"
        yield f"    {one['zh']} / {one['en']}"
