"""Both engines, each with an empty store at the newest revision."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.store.database import Database, Waits
from gateway.store.migrate import upgrade
from tests import engines

WAITS = Waits(statement_seconds=10, lock_seconds=3, idle_seconds=10, reconnect_seconds=5)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The address of an empty database of either engine."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.sqlite'}"
        return
    with engines.postgresql() as url:
        yield url


@pytest.fixture
def server() -> Iterator[str]:
    """The address of an empty database in PostgreSQL."""
    with engines.postgresql() as url:
        yield url


@pytest.fixture
def opened() -> Iterator[Callable[[str], Database]]:
    """Opens stores, each as a process of its own would; they are closed at the end."""
    with ExitStack() as stack:

        def start(url: str) -> Database:
            made = Database(url, waits=WAITS)
            stack.callback(made.close)
            upgrade(made.engine)
            return made

        yield start


@pytest.fixture
def store(address: str, opened: Callable[[str], Database]) -> Database:
    """A store of either engine."""
    return opened(address)
