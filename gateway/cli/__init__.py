"""The commands of `gateway`. Exit 0: done as asked; 1: a finding or failure; 2: wrong usage."""

from __future__ import annotations

import sys

import typer

from gateway.cli.api_keys import api
from gateway.cli.check import check
from gateway.cli.demo import demo
from gateway.cli.keys import keys_app
from gateway.cli.messages import messages
from gateway.cli.serve import migrate, serve
from gateway.cli.sign import sign
from gateway.cli.simulate import simulate
from gateway.errors import GatewayError

app = typer.Typer(
    name="gateway",
    help="The open cross-border single-window gateway.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command()(serve)
app.command()(demo)
app.command()(simulate)
app.command()(migrate)
app.command()(check)
app.command()(sign)
app.command()(messages)
keys_app.command("api")(api)
app.add_typer(keys_app, name="keys", help="Business keys and API keys.")


def main() -> None:
    """Run a command; an error that a person can act on is one sentence, never a traceback."""
    try:
        app()
    except GatewayError as error:
        print(f"gateway: {error.en} ({error.code})", file=sys.stderr)  # noqa: T201 - for a person
        sys.exit(1)
