"""`gateway sign FILE`: signs an unsigned message with a software key."""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gateway.errors import Invalid
from gateway.messages import load_catalogue
from gateway.signing.message import sign_message
from gateway.signing.sets import WRITTEN
from gateway.signing.software import load_signer
from gateway.signing.verify import MESSAGE_BYTES_MAX

FAILURE, USAGE = 1, 2


def sign(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The message, in canonical form.")],
    *,
    key: Annotated[Path, typer.Option(metavar="K", help="The private key (PEM).")],
    cert: Annotated[Path, typer.Option(metavar="C", help="Its certificate (PEM or DER).")],
    set_: Annotated[str, typer.Option("--set", metavar="S", help=f"{', '.join(WRITTEN)}.")],
    out: Annotated[
        Path | None, typer.Option(metavar="F", help="Where to write; else standard output.")
    ] = None,
    password_variable: Annotated[
        str | None, typer.Option(metavar="NAME", help="Environment variable with the key password.")
    ] = None,
) -> None:
    """Sign an unsigned message in canonical form; its bytes stay as they are."""
    if set_ not in WRITTEN:
        _stop(f"--set is one of {', '.join(WRITTEN)}", USAGE)
    for path in (file, key, cert):
        if not path.is_file():
            _stop(f"no file {path}", USAGE)
    password = os.environ.get(password_variable) if password_variable else None
    if password_variable and password is None:
        _stop(f"the environment variable {password_variable} is not set", USAGE)
    signer = load_signer(set_, key, cert, password)
    if file.stat().st_size > MESSAGE_BYTES_MAX:
        _stop(f"{file}: over {MESSAGE_BYTES_MAX} bytes", FAILURE)
    try:
        signed = asyncio.run(sign_message(file.read_bytes(), load_catalogue(), signer, set_))
    except Invalid as error:
        for problem in error.problems:
            typer.echo(f"gateway: {problem.path}: {problem.en} ({problem.code})", err=True)
        raise typer.Exit(FAILURE) from None
    if out is None:
        sys.stdout.buffer.write(signed)
        return
    try:
        out.write_bytes(signed)
    except OSError as error:
        _stop(f"{out}: {error.strerror}", USAGE)


def _stop(text: str, status: int) -> NoReturn:
    typer.echo(f"gateway: {text}", err=True)
    raise typer.Exit(status)
