"""`gateway migrate` on either engine, and processes that migrate at once."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import inspect

from gateway.store.database import Database, make_engine
from gateway.store.migrate import upgrade
from gateway.store.tables import metadata


def test_the_command_makes_all_tables(address: str, tmp_path: Path) -> None:
    """From empty, with the address as a setting; a second call finds nothing to do."""
    settings = {"GATEWAY_DATABASE_URL": address, "GATEWAY_DATA": str(tmp_path / "data")}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-m", "gateway", "migrate"],
            env=os.environ | settings,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
    engine = make_engine(address)
    assert set(inspect(engine).get_table_names()) == {*metadata.tables, "alembic_version"}
    engine.dispose()


async def test_processes_that_start_at_once_migrate_once(
    server: str,
    opened: Callable[[str], Database],
) -> None:
    """The second waits for the first and finds the tables there."""
    engines = [make_engine(server) for _ in range(3)]
    await asyncio.gather(*(asyncio.to_thread(upgrade, engine) for engine in engines))
    for engine in engines:
        engine.dispose()
    assert await opened(server).alone()
