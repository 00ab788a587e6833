"""Reading settings for a command: every mistake is told, and the exit status is 2."""

from __future__ import annotations

import tomllib
from pathlib import Path

import typer
from pydantic import ValidationError

from gateway.settings import Settings, load_settings


def settings_of(config: Path | None, **given: object) -> Settings:
    """The settings of this process; ends the command with status 2 when they are wrong."""
    if config is not None and not config.is_file():
        typer.echo(f"gateway: no file {config}", err=True)
        raise typer.Exit(2)
    try:
        return load_settings(config, **given)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        typer.echo(f"gateway: {config}: {error}", err=True)
        raise typer.Exit(2) from None
    except ValidationError as error:
        for fault in error.errors():
            place = ".".join(str(part) for part in fault["loc"])
            typer.echo(f"gateway: setting {place}: {fault['msg']}", err=True)
        raise typer.Exit(2) from None
