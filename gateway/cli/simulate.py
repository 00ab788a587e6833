"""`gateway simulate`: the customs simulator as a process."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Annotated

import typer

from gateway.simulator.process import run
from gateway.telemetry import configure_logs

RECEIPTS_KEY = "SIMULATOR_RECEIPTS_KEY"
"""The environment variable with the bearer key of the receiving end; it is never stored."""
PACE_SECONDS = 0.05
PORT = 8090
"""Where `gateway serve` looks for customs by default."""


def simulate(
    data: Annotated[Path, typer.Option("--data", help="Folder of the simulator's own store.")],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port; 0 takes a free one.")] = PORT,
    pace: Annotated[
        float, typer.Option(min=0.001, max=86_400, help="Seconds between two steps of a document.")
    ] = PACE_SECONDS,
) -> None:
    """Run the customs simulator on the loopback address, until SIGTERM.

    Prints one line {"url": …} on stdout when it is ready; logs go to stderr. The bearer key for
    posting receipts is read from the environment variable SIMULATOR_RECEIPTS_KEY.
    """
    configure_logs("info")
    asyncio.run(run(data, port, pace, os.environ.get(RECEIPTS_KEY, "")))
