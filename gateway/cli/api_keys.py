"""`gateway keys api`: the first API key of an installation, and more while it is stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from gateway.app import open_store
from gateway.cli.options import settings_of
from gateway.messages import load_catalogue
from gateway.registers import ApiKeys, Issued
from gateway.settings import Settings
from gateway.store.registry import Registers
from gateway.telemetry import now

ACTOR = "command line"


def api(
    role: Annotated[str, typer.Option(metavar="ROLE", help="operator, merchant, authority …")],
    enterprise: Annotated[str, typer.Option(metavar="CODE", help="Whose key it is.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded store.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
) -> None:
    """Make an API key and print it, once: only its SHA-256 is kept.

    The embedded store belongs to one process; while the gateway runs, the operator makes further
    keys with POST /v1/api-keys.
    """
    issued = asyncio.run(_issue(settings_of(config, data=data), role, enterprise))
    typer.echo(issued.token)


async def _issue(settings: Settings, role: str, enterprise: str) -> Issued:
    database = open_store(settings)
    try:
        registers = Registers(database, load_catalogue(), now)
        await registers.load()
        return await ApiKeys(registers, database, now).create(role, enterprise, actor=ACTOR)
    finally:
        database.close()
