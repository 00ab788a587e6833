"""`gateway keys api`: the first API key of an installation, and more while it is stopped."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer

from gateway.app.stores import open_store
from gateway.cli.options import settings_of
from gateway.messages import load_catalogue
from gateway.registers import ApiKeys, Issued
from gateway.registers.api_keys import ROLES
from gateway.settings import Settings
from gateway.store.registry import Registers
from gateway.telemetry import now

ACTOR = "command line"


def make_api_key(config: Path | None, data: Path | None, role: str, enterprise: str) -> str:
    """A new API key in the store that the settings name; wrong usage ends with status 2."""
    if role not in ROLES:
        typer.echo(f"gateway: --role is one of {', '.join(ROLES)}", err=True)
        raise typer.Exit(2)
    return asyncio.run(_issue(settings_of(config, data=data), role, enterprise)).token


async def _issue(settings: Settings, role: str, enterprise: str) -> Issued:
    database = open_store(settings)
    try:
        registers = Registers(database, load_catalogue(), now)
        await registers.load()
        return await ApiKeys(registers, database, now).create(role, enterprise, actor=ACTOR)
    finally:
        database.close()
