"""`gateway demo`: the main job on invented data, against the simulator."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from gateway.demo import report
from gateway.demo.parties import SETS
from gateway.demo.progress import progress_on
from gateway.demo.run import Options, running

FAILURE, USAGE = 1, 2
MODES = ("direct-import",)
CONSIGNMENTS_MAX = 100_000
SEED_MAX = 999_999
"""The seed stands in every order number."""


def demo(
    *,
    consignments: Annotated[int, typer.Option(min=0, max=CONSIGNMENTS_MAX, help="How many.")] = 60,
    seed: Annotated[int, typer.Option(min=0, max=SEED_MAX, help="Same seed, same outcomes.")] = 1,
    mode: Annotated[str, typer.Option(metavar="|".join((*MODES, "all")), help="Mode.")] = "all",
    signature: Annotated[
        str, typer.Option(metavar="|".join(SETS), help="Signature set of the parties.")
    ] = "both",
    messages: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write every message and receipt there.")
    ] = None,
    data: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep stores, keys and logs there.")
    ] = None,
    keep: Annotated[bool, typer.Option("--keep", help="Run on until SIGTERM.")] = False,
    json_: Annotated[bool, typer.Option("--json", help="The result as one JSON line.")] = False,
) -> None:
    """Run the main job: invented parties, goods, consignments and troubles, end to end.

    Starts a simulator and a gateway on loopback ports and ends them in any case. Exit 0 only if
    every consignment ended where its trouble says, nothing was lost and nothing declared twice.
    """
    if mode not in (*MODES, "all"):
        _stop(f"--mode: this version has {', '.join(MODES)}; {mode} comes later")
    if signature not in SETS:
        _stop(f"--signature is one of {', '.join(SETS)}")
    for folder in (data, messages):
        if folder is not None and (folder.is_file() or (folder.is_dir() and any(folder.iterdir()))):
            _stop(f"{folder} is not an empty folder; a run begins with an empty one")
    options = Options(
        consignments=consignments,
        seed=seed,
        signature=signature,
        data=data.resolve() if data else None,
        messages=messages.resolve() if messages else None,
    )
    try:
        status = asyncio.run(_until_told(options, keep=keep, as_json=json_))
    except OSError as error:
        _stop(f"{error.filename or 'the demo'}: {error.strerror or error}")
    raise typer.Exit(status)


async def _until_told(options: Options, *, keep: bool, as_json: bool) -> int:
    """Run, and end in good order on SIGTERM, SIGINT and SIGHUP; the exit status."""
    told = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, told.set)
    work = asyncio.ensure_future(_run(options, keep=keep, as_json=as_json))
    telling = asyncio.ensure_future(told.wait())
    await asyncio.wait({work, telling}, return_when=asyncio.FIRST_COMPLETED)
    telling.cancel()
    if work.done():
        return work.result()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    if keep:
        return 0  # it was to run until told
    typer.echo("gateway: the demo was interrupted", err=True)
    return FAILURE


async def _run(options: Options, *, keep: bool, as_json: bool) -> int:
    progress = progress_on(Console(stderr=True))
    async with running(options, progress) as demo:
        if keep:
            _print_json(demo.addresses())
        with progress:
            await demo.submit()
            await demo.follow()
        run = await demo.count()
        found = report.result(run)
        if as_json:
            _print_json(found)
        else:
            report.show(run, found, Console())
        for line in report.complaints(run):
            typer.echo(f"gateway: {line}", err=True)
        if run.unfinished and options.data is None:
            typer.echo("gateway: --data DIR keeps the stores and logs of a run", err=True)
        if keep:
            await demo.stay()
        return 0 if found["ok"] else FAILURE


def _print_json(found: dict[str, Any]) -> None:
    """One compact line on stdout, at once: a program may be waiting for it."""
    sys.stdout.write(json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n")
    sys.stdout.flush()


def _stop(text: str) -> NoReturn:
    typer.echo(f"gateway: {text}", err=True)
    raise typer.Exit(USAGE)
