"""`gateway keys`: makes business keys."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gateway.signing.certificate import read_certificate_file
from gateway.signing.software import ALGORITHMS, generate

FAILURE, USAGE = 1, 2
CODE = re.compile(r"[0-9A-Za-z]{1,18}")
NAME_CHARACTERS_MAX = 64

keys_app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)


@keys_app.callback()
def keys() -> None:
    """Business keys that sign messages, and API keys."""


@keys_app.command("api")
def api_key(
    *,
    role: Annotated[str, typer.Option(metavar="ROLE", help="operator, merchant, authority …")],
    enterprise: Annotated[str, typer.Option(metavar="CODE", help="Whose key it is.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the embedded store.")] = None,
    config: Annotated[Path | None, typer.Option(help="Settings file (TOML).")] = None,
) -> None:
    """Make an API key and print it, once: only its SHA-256 is kept.

    The embedded store belongs to one process; while the gateway runs, the operator makes further
    keys with POST /v1/api-keys.
    """
    # Loaded here: making a business key needs no store.
    from gateway.cli.api_keys import make_api_key  # noqa: PLC0415

    typer.echo(make_api_key(config, data, role, enterprise))


@keys_app.command("generate")
def generate_key(
    *,
    algorithm: Annotated[str, typer.Option(metavar="|".join(ALGORITHMS), help="Kind of key.")],
    code: Annotated[str, typer.Option(metavar="CODE", help="Customs or credit code.")],
    name: Annotated[str, typer.Option(metavar="NAME", help="Registered name.")],
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for key.pem and cert.pem.")],
) -> None:
    """Make key.pem (readable by its owner alone) and a self-signed cert.pem."""
    if algorithm not in ALGORITHMS:
        _stop(f"--algorithm is one of {', '.join(ALGORITHMS)}", USAGE)
    if not CODE.fullmatch(code):
        _stop("--code is an enterprise code: 1 to 18 letters and digits", USAGE)
    if not name.strip() or len(name) > NAME_CHARACTERS_MAX or not name.isprintable():
        _stop(f"--name has 1 to {NAME_CHARACTERS_MAX} printable characters", USAGE)
    key_path, cert_path = out / "key.pem", out / "cert.pem"
    try:
        out.mkdir(mode=0o700, parents=True, exist_ok=True)
        for path in (key_path, cert_path):
            if path.exists():
                _stop(f"{path} exists; keys are never overwritten", FAILURE)
        key, certificate = generate(algorithm, code, name)
        _write_new(key_path, key, 0o600)
        _write_new(cert_path, certificate, 0o644)
    except OSError as error:
        _stop(f"{error.filename or out}: {error.strerror}", FAILURE)
    typer.echo(f"{key_path} and {cert_path}; KeyName {read_certificate_file(certificate).serial}")


def _write_new(path: Path, data: bytes, mode: int) -> None:
    """Fails when the file is there by now, so that two calls at once cannot mix their halves."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _stop(text: str, status: int) -> NoReturn:
    typer.echo(f"gateway: {text}", err=True)
    raise typer.Exit(status)
