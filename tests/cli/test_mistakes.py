"""Ordinary mistakes at the command line: one sentence and the right exit status, no traceback."""

from __future__ import annotations

import os
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS_MAX = 60
FAILURE, USAGE = 1, 2


def _gateway(*arguments: str | Path, folder: Path, **settings: str) -> tuple[int, str]:
    """Exit status and the one sentence on stderr; anything else there fails the test."""
    given = {name: text for name, text in os.environ.items() if not name.startswith("GATEWAY_")}
    given |= {f"GATEWAY_{name.upper()}": text for name, text in settings.items()}
    done = subprocess.run(
        [sys.executable, "-m", "gateway", *arguments],
        cwd=folder, env=given, capture_output=True, text=True, check=False, timeout=SECONDS_MAX,
    )  # fmt: skip
    assert done.stdout == ""
    told = [line for line in done.stderr.splitlines() if not line.startswith("{")]  # not the log
    assert len(told) == 1, done.stderr
    assert told[0].startswith("gateway: ")
    return done.returncode, told[0]


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody listens on."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen()
        yield listening.getsockname()[1]


@pytest.mark.parametrize("command", ["serve", "simulate"])
def test_a_port_in_use_is_a_failure(command: str, taken: int, tmp_path: Path) -> None:
    """Nothing is wrong with the call: exit 1, and the sentence names the port."""
    status, told = _gateway(command, "--data", "new", "--port", str(taken), folder=tmp_path)
    assert status == FAILURE
    assert str(taken) in told
    assert "in use" in told


def test_a_host_that_is_none_is_wrong_usage(tmp_path: Path) -> None:
    """Told before a store is made."""
    status, told = _gateway("serve", "--data", "new", "--host", "999.1.1.1", folder=tmp_path)
    assert status == USAGE
    assert "999.1.1.1" in told
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "command",
    [
        ("serve", "--port", "0"),
        ("migrate",),
        ("keys", "api", "--role", "operator", "--enterprise", "ZONE"),
        ("simulate", "--port", "0"),
    ],
    ids=" ".join,
)
@pytest.mark.parametrize("data", ["/proc/x", "file"])
def test_a_data_folder_that_cannot_be_is_wrong_usage(
    command: tuple[str, ...], data: str, tmp_path: Path
) -> None:
    """A place where no folder can be made, and a file: the path is named."""
    (tmp_path / "file").write_text("not a folder")
    status, told = _gateway(*command, "--data", data, folder=tmp_path)
    assert status == USAGE
    assert data in told
    assert data != "file" or "a folder is needed" in told


@pytest.mark.parametrize(
    ("command", "name"),
    [
        (("serve", "--port", "0"), "gateway.sqlite"),
        (("migrate",), "gateway.sqlite"),
        (("simulate", "--port", "0"), "simulator.sqlite3"),
    ],
)
def test_a_store_file_that_is_no_database_is_a_failure(
    command: tuple[str, ...], name: str, tmp_path: Path
) -> None:
    """The file is named and left as it is."""
    (tmp_path / "data").mkdir()
    store = tmp_path / "data" / name
    store.write_bytes(b"not a database at all\n" * 100)
    status, told = _gateway(*command, "--data", "data", folder=tmp_path)
    assert status == FAILURE
    assert name in told
    assert "not a database" in told
    assert store.read_bytes() == b"not a database at all\n" * 100


def test_a_store_of_a_newer_version_is_a_failure(tmp_path: Path) -> None:
    """A revision that this version does not know is never taken for an empty store."""
    (tmp_path / "data").mkdir()
    with sqlite3.connect(tmp_path / "data" / "gateway.sqlite") as store:
        store.execute("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
        store.execute("INSERT INTO alembic_version VALUES ('9999')")
    status, told = _gateway("migrate", "--data", "data", folder=tmp_path)
    assert status == FAILURE
    assert "9999" in told


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("nonsense", "postgresql+psycopg://user@host/name"),
        ("nonesuch://host/name", "postgresql+psycopg://user@host/name"),
        ("postgresql+psycopg://user:secret@127.0.0.1:1/name", "refused"),
    ],
)
def test_a_store_that_is_not_there_is_a_failure(url: str, reason: str, tmp_path: Path) -> None:
    """An address that is none, and a server that does not answer; the password is not told."""
    status, told = _gateway("migrate", folder=tmp_path, database_url=url)
    assert status == FAILURE
    assert reason in told
    assert "secret" not in told


@pytest.mark.parametrize("content", [b"port = = 3\n", b"\xff\xfe", b'linger_secs = "x"\n'])
def test_a_broken_settings_file_is_wrong_usage(content: bytes, tmp_path: Path) -> None:
    """No TOML, no text, and an unknown name."""
    (tmp_path / "bad.toml").write_bytes(content)
    status, told = _gateway("serve", "--config", "bad.toml", folder=tmp_path)
    assert status == USAGE
    assert "bad.toml" in told or "linger_secs" in told


@pytest.mark.parametrize(
    "arguments",
    [("--docs", "file"), ("--docs", "file", "--check"), ("--xsd", "none"), ("--rows", "none"),
     ("--docs", "/proc/x")],
    ids=" ".join,
)  # fmt: skip
def test_folders_of_the_catalogue_that_are_none_are_wrong_usage(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    """A file where pages should go, and schemas that are not there."""
    (tmp_path / "file").write_text("not a folder")
    status, told = _gateway("messages", *arguments, folder=tmp_path)
    assert status == USAGE
    assert arguments[1] in told


def test_an_unknown_role_makes_no_store(tmp_path: Path) -> None:
    """The roles are told, and the folder is as it was."""
    command = ("keys", "api", "--role", "foo", "--enterprise", "ZONE", "--data", "new")
    status, told = _gateway(*command, folder=tmp_path)
    assert status == USAGE
    assert "operator" in told
    assert list(tmp_path.iterdir()) == []


def test_a_key_for_an_unregistered_enterprise_names_the_next_step(tmp_path: Path) -> None:
    """Register it first, and where."""
    command = ("keys", "api", "--role", "merchant", "--enterprise", "4403960002", "--data", "new")
    status, told = _gateway(*command, folder=tmp_path)
    assert status == FAILURE
    assert "POST /v1/enterprises" in told


def test_a_message_type_is_found_in_any_case(tmp_path: Path) -> None:
    """`gateway messages ceb311` shows CEB311; what is no type stays wrong usage."""
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "messages", "ceb311"],
        cwd=tmp_path, capture_output=True, text=True, check=True, timeout=SECONDS_MAX,
    )  # fmt: skip
    assert done.stdout.startswith("CEB311 ")
    status, told = _gateway("messages", "ceb999", folder=tmp_path)
    assert status == USAGE
    assert "CEB311" in told
