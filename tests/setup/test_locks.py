"""The locks hold what pyproject.toml asks for, by hash and without addresses."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)
LOCKS = ["run.txt", "dev.txt", "uv.txt"]


def _requirements(path: Path) -> list[str]:
    """The logical lines of a requirement file: continued lines joined, comments left out."""
    lines = path.read_text("utf-8").replace("\\\n", " ").splitlines()
    return [line for line in lines if line.strip() and not line.lstrip().startswith("#")]


def _versions(path: Path) -> dict[str, str]:
    return dict(PINNED.findall(path.read_text("utf-8")))


@pytest.mark.parametrize("name", LOCKS)
def test_every_requirement_is_pinned_and_hashed(root: Path, name: str) -> None:
    """Each line of a lock names one version and at least one hash of it."""
    requirements = _requirements(root / "config/locks" / name)
    assert requirements
    for requirement in requirements:
        assert PINNED.match(requirement), requirement
        assert "--hash=sha256:" in requirement, requirement


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_registry(root: Path, name: str) -> None:
    """Whoever installs chooses the registry or mirror: no address stands in a lock."""
    text = (root / "config/locks" / name).read_text("utf-8")
    assert "://" not in text
    assert "index-url" not in text


def test_the_locks_hold_what_the_project_asks_for(root: Path) -> None:
    """Each dependency of pyproject.toml is in its lock; nothing was added without ./dev lock."""
    project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))
    run = _versions(root / "config/locks/run.txt")
    dev = _versions(root / "config/locks/dev.txt")
    assert _names(project["project"]["dependencies"]) <= run.keys()
    assert _names(project["dependency-groups"]["dev"]) <= dev.keys()
    assert run.items() <= dev.items()


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~;\[ ]", requirement, maxsplit=1)[0] for requirement in requirements}
