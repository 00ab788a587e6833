"""Bring a store to the newest revision of its tables (Alembic)."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Engine, text

from gateway.store.racing import POSTGRESQL, Turn, take_turn

FOLDER = Path(__file__).parent / "migrations"


def configuration() -> Config:
    """Alembic's configuration, without a file of its own."""
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    return config


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Create or change tables, in one transaction; of several processes one does it."""
    config = configuration()
    with engine.begin() as connection:
        if connection.dialect.name == POSTGRESQL:
            # A change of a large table takes longer than any statement of the running gateway.
            connection.execute(text("SET LOCAL statement_timeout = 0"))
            connection.execute(text("SET LOCAL lock_timeout = 0"))
        take_turn(connection, Turn.MIGRATION)
        config.attributes["connection"] = connection
        command.upgrade(config, revision)
