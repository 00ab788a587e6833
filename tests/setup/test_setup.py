"""`./dev setup` as the people meet it who clone the project: really run, in copies of it.

Everything runs as an ordinary user (when the tests run as root: as the user nobody).
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

AS_ROOT = os.geteuid() == 0
NOBODY = 65534
SETUP_SECONDS_MAX = 240
# What an activated environment or CI would add to the environment of a new user.
NOT_INHERITED = {"CI", "PYTHON", "PYTHONPATH", "VIRTUAL_ENV", "XDG_CACHE_HOME"}


@dataclass(frozen=True)
class Copy:
    """A copy of the tracked files, owned by the ordinary user, and that user's environment."""

    path: Path
    environment: dict[str, str]

    def start(self, *command: str) -> subprocess.Popen[str]:
        """Start a command in the copy, in a process group of its own."""
        return subprocess.Popen(
            command,
            cwd=self.path,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            user=NOBODY if AS_ROOT else None,
            group=NOBODY if AS_ROOT else None,
            extra_groups=[] if AS_ROOT else None,
        )

    def run(self, *command: str) -> str:
        """Run a command that must succeed; returns what it printed."""
        process = self.start(*command)
        output, _ = process.communicate(timeout=SETUP_SECONDS_MAX)
        assert process.returncode == 0, output
        return output

    @property
    def stamp(self) -> Path:
        """The file that says that the environment is whole."""
        return self.path / ".venv/.stamp"


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that the ordinary user can reach (pytest's own is closed to others)."""
    with tempfile.TemporaryDirectory(prefix="gateway-setup-") as folder:
        path = Path(folder)
        path.chmod(0o755)
        _own(path)
        yield path


@pytest.fixture(scope="module")
def copy(root: Path, place: Path) -> Copy:
    """A copy that is set up; the tests of this module may break it and must leave it whole."""
    made = _copy(root, place, "whole")
    made.run("./dev", "setup")
    return made


def test_setup_makes_a_working_gateway(copy: Copy) -> None:
    """From an empty copy, an ordinary user gets a gateway that runs from any folder."""
    assert copy.stamp.is_file()
    where = copy.run("sh", "-c", "cd / && exec $0/.venv/bin/gateway --help", str(copy.path))
    assert "Usage" in where


def test_setup_needs_neither_venv_nor_ensurepip(root: Path, place: Path) -> None:
    """Debian's Python comes without them: setup works where neither can be imported."""
    blocked = place / "blocked"
    for name in ("venv", "ensurepip"):
        package = blocked / name
        package.mkdir(parents=True)
        (package / "__init__.py").write_text(f"raise ImportError('{name} is blocked')\n")
    bare = _copy(root, place, "bare", PYTHONPATH=str(blocked))
    for name in ("venv", "ensurepip"):
        refused = bare.run("sh", "-c", f"python3 -c 'import {name}' || true")
        assert f"{name} is blocked" in refused
    bare.run("./dev", "setup")
    bare.run(".venv/bin/gateway", "--help")


def test_setup_needs_no_home(root: Path, place: Path) -> None:
    """Where no home can be written to, downloads are kept inside the project's own folder."""
    homeless = _copy(root, place, "homeless", HOME="/nonexistent")
    del homeless.environment["UV_CACHE_DIR"], homeless.environment["PIP_CACHE_DIR"]
    homeless.run("./dev", "setup")
    assert (homeless.path / ".cache/downloads").is_dir()


def test_setup_falls_back_to_venv_and_pip(root: Path, place: Path) -> None:
    """Where the pinned uv cannot be had (here: other hashes), pip installs the same lock."""
    without_uv = _copy(root, place, "without-uv")
    lock = without_uv.path / "config/locks/uv.txt"
    lock.write_text(lock.read_text().replace("sha256:", "sha256:" + "0" * 8))
    assert "falling back" in without_uv.run("./dev", "setup")
    assert without_uv.stamp.is_file()
    without_uv.run(".venv/bin/gateway", "--help")


def test_a_second_setup_starts_at_once(copy: Copy) -> None:
    """What is there is used: nothing is made anew and hardly any time passes."""
    before = copy.stamp.stat().st_mtime_ns
    seconds = []
    for _ in range(3):
        start = time.monotonic()
        assert copy.run("./dev", "setup") == ""
        seconds.append(time.monotonic() - start)
    assert copy.stamp.stat().st_mtime_ns == before
    assert min(seconds) < 1


def test_an_environment_left_half_made_is_rebuilt(copy: Copy) -> None:
    """A setup that is killed leaves no stamp, and the next one makes everything anew."""
    shutil.rmtree(copy.path / ".venv")
    killed = copy.start("./dev", "setup")
    give_up = time.monotonic() + SETUP_SECONDS_MAX
    while not (copy.path / ".venv/bin/python").exists() and time.monotonic() < give_up:
        time.sleep(0.005)
    os.killpg(killed.pid, signal.SIGKILL)
    killed.communicate(timeout=SETUP_SECONDS_MAX)
    assert killed.returncode == -signal.SIGKILL
    assert (copy.path / ".venv").is_dir()
    assert not copy.stamp.exists()
    left_over = copy.path / ".venv/left-over"
    left_over.touch()
    assert "making .venv" in copy.run("./dev", "setup")
    assert not left_over.exists()
    copy.run(".venv/bin/gateway", "--help")


def test_an_environment_made_from_another_lock_is_rebuilt(copy: Copy) -> None:
    """A changed lock means another environment."""
    with (copy.path / "config/locks/dev.txt").open("a") as lock:
        lock.write("# changed\n")
    assert "making .venv" in copy.run("./dev", "setup")


def test_two_setups_at_once_wait_for_each_other(copy: Copy) -> None:
    """One makes the environment, the other waits and uses it."""
    shutil.rmtree(copy.path / ".venv")
    both = [copy.start("./dev", "setup") for _ in range(2)]
    outputs = [process.communicate(timeout=SETUP_SECONDS_MAX)[0] for process in both]
    assert [process.returncode for process in both] == [0, 0], outputs
    assert "".join(outputs).count("making .venv") == 1
    copy.run(".venv/bin/gateway", "--help")


def test_an_unknown_command_is_refused_with_the_usage(copy: Copy) -> None:
    """Wrong usage exits 2 and names the commands."""
    process = copy.start("./dev", "tset")
    output, _ = process.communicate(timeout=SETUP_SECONDS_MAX)
    assert process.returncode == 2
    assert "usage: ./dev COMMAND" in output


def _copy(root: Path, place: Path, name: str, **environment: str) -> Copy:
    """Copy the tracked files as they stand now: a file that nobody added is missing."""
    target = place / name
    listed = subprocess.run(
        ["git", "-C", str(root), "ls-files", "-z"], check=True, capture_output=True, text=True
    )
    for name_in_root in listed.stdout.rstrip("\0").split("\0"):
        source, destination = root / name_in_root, target / name_in_root
        if source.exists():
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, destination)
    for path in [target, *target.rglob("*")]:
        _own(path)
    inherited = {key: text for key, text in os.environ.items() if key not in NOT_INHERITED}
    caches = {"UV_CACHE_DIR": str(place / "uv"), "PIP_CACHE_DIR": str(place / "pip")}
    return Copy(target, {**inherited, "HOME": str(place / "user"), **caches, **environment})


def _own(path: Path) -> None:
    if AS_ROOT:
        os.chown(path, NOBODY, NOBODY)
