"""The simulator as a process: ready, at work, stopped."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import structlog

from gateway.messages import load_catalogue
from gateway.simulator.authority import Authority
from gateway.simulator.delivery import Delivery
from gateway.simulator.server import Server, serving
from gateway.telemetry import now

log = structlog.get_logger(__name__)


async def run(folder: Path, port: int, pace_seconds: float, receipts_key: str) -> None:
    """Serve until SIGTERM; prints one line {"url": …} on stdout when it is ready.

    Raises Misconfigured when the folder is in use, OSError when the port is.
    """
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    authority = Authority(folder, load_catalogue(), now, pace_seconds)
    try:
        delivery = Delivery(authority, receipts_key)
        async with serving(Server(authority, delivery).application(), port) as url:
            await delivery.start()
            try:
                print(json.dumps({"url": url}), flush=True)  # noqa: T201 - the command's contract
                log.info("ready", url=url, pace_seconds=pace_seconds)
                await _first(stop.wait(), delivery.ended())
                log.info("stopping")
            finally:
                await delivery.stop()
    finally:
        authority.close()


async def _first(*awaited: Coroutine[Any, Any, Any]) -> None:
    """Wait for the first of these; raises what it raised."""
    loop = asyncio.get_running_loop()
    tasks = [loop.create_task(one) for one in awaited]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        for one in tasks:
            one.cancel()
