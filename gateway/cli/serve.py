"""`gateway serve` and `gateway migrate`: the gateway as a process."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
from pathlib import Path
from typing import Annotated

import structlog
import typer

from gateway.app.running import running
from gateway.app.stores import open_store
from gateway.cli.options import settings_of
from gateway.settings import Settings
from gateway.telemetry import configure_logs
from gateway.web.server import make_app, serving

log = structlog.get_logger(__name__)

DataOption = Annotated[
    Path | None, typer.Option("--data", help="Folder of the embedded store [default: data].")
]
ConfigOption = Annotated[Path | None, typer.Option("--config", help="Settings file (TOML).")]


def serve(
    data: DataOption = None,
    port: Annotated[
        int | None, typer.Option(help="Port; 0 takes a free one [default: 8080].")
    ] = None,
    host: Annotated[
        str | None, typer.Option(help="Address to listen on [default: 127.0.0.1].")
    ] = None,
    config: ConfigOption = None,
) -> None:
    """Run the gateway: API, workers and receiving end, until SIGTERM.

    Prints one line {"url": …} on stdout when it is ready; logs go to stderr.
    """
    settings = settings_of(config, data=data, port=port, host=host)
    configure_logs(settings.log_level)
    _check_host(settings)
    asyncio.run(_serve(settings))


def _check_host(settings: Settings) -> None:
    """An address that is none is wrong usage; told before the store is opened."""
    try:
        socket.getaddrinfo(settings.host, settings.port)
    except socket.gaierror as error:
        typer.echo(f"gateway: --host {settings.host}: {error.strerror}", err=True)
        raise typer.Exit(2) from None


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings) as gateway:
        app = make_app(gateway.services, _limits(settings))
        async with serving(app, settings.host, settings.port) as url:
            print(json.dumps({"url": url}), flush=True)  # noqa: T201 - the contract of the command
            log.info("ready", url=url)
            await stop.wait()
            log.info("stopping")


def _limits(settings: Settings) -> dict[str, int]:
    return {
        "records_max": settings.records_max,
        "body_bytes_max": settings.body_bytes_max,
        "requests_max": settings.requests_max,
    }


def migrate(data: DataOption = None, config: ConfigOption = None) -> None:
    """Bring the store to the newest revision of its tables."""
    settings = settings_of(config, data=data)
    open_store(settings).close()
    typer.echo("The store is at the newest revision.", err=True)
