"""The commands of `gateway`. Exit 0: done as asked; 1: a finding or failure; 2: wrong usage.

A command is loaded when it is called: `gateway check` must not wait for the web server.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

import typer

from gateway.errors import GatewayError

COMMANDS = {
    "serve": "gateway.cli.serve:serve",
    "demo": "gateway.cli.demo:demo",
    "simulate": "gateway.cli.simulate:simulate",
    "migrate": "gateway.cli.serve:migrate",
    "check": "gateway.cli.check:check",
    "sign": "gateway.cli.sign:sign",
    "messages": "gateway.cli.messages:messages",
    "keys": "gateway.cli.keys:keys_app",
}
"""Every command and where it stands, in the order of the help."""


class _Commands(typer.core.TyperGroup):
    """Loads a command at its first use."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command of that name."""
        del ctx
        place = COMMANDS.get(cmd_name)
        return None if place is None else _load(cmd_name, place)


def _load(name: str, place: str) -> Any:
    module, _, attribute = place.partition(":")
    found = getattr(importlib.import_module(module), attribute)
    if isinstance(found, typer.Typer):
        return typer.main.get_command(found)
    loaded = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    loaded.command(name)(found)
    return typer.main.get_command(loaded)


app = typer.Typer(
    cls=_Commands,
    name="gateway",
    help="The open cross-border single-window gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@app.callback()
def _gateway() -> None:
    """The open cross-border single-window gateway."""


def main() -> None:
    """Run a command; an error that a person can act on is one sentence, never a traceback."""
    try:
        app()
    except GatewayError as error:
        _tell(f"{error.en} ({error.code})")
        sys.exit(1)
    except OSError as error:
        # A folder that cannot be made is a wrong path; a port in use is a failure.
        _tell(_reason(error))
        sys.exit(2 if error.filename else 1)


def _reason(error: OSError) -> str:
    if not error.filename:
        return error.strerror or str(error)
    if isinstance(error, FileExistsError):
        return f"{error.filename} is a file; a folder is needed"
    return f"{error.filename}: {error.strerror or error}"


def _tell(sentence: str) -> None:
    print(f"gateway: {sentence}", file=sys.stderr)  # noqa: T201 - for a person
