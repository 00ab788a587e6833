"""Opening the store and the vault as the settings say."""

from __future__ import annotations

from alembic.util import CommandError
from sqlalchemy.exc import ArgumentError, DatabaseError

from gateway.errors import Misconfigured
from gateway.settings import Settings
from gateway.store.database import Database, Waits
from gateway.store.migrate import upgrade
from gateway.store.vault import Vault, load_data_key


def open_store(settings: Settings) -> Database:
    """The store, at the newest revision, held by this process alone when it is embedded."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = None if settings.database_url else settings.data / "lock"
    waits = Waits(
        statement_seconds=settings.database_statement_seconds,
        lock_seconds=settings.database_lock_seconds,
        idle_seconds=settings.database_idle_seconds,
        reconnect_seconds=settings.database_reconnect_seconds,
    )
    try:
        database = Database(
            settings.url, lock_file=lock, writers=settings.database_writers, waits=waits
        )
    except (ArgumentError, ModuleNotFoundError) as error:
        raise Misconfigured(
            "K-store-url",
            "database_url 不是可用的地址，应为 postgresql+psycopg://user@host/name。",
            "database_url is no address of a store: postgresql+psycopg://user@host/name.",
        ) from error
    try:
        upgrade(database.engine)
    except (DatabaseError, CommandError) as error:
        database.close()
        reason, *_ = str(getattr(error, "orig", error)).splitlines()
        raise Misconfigured(
            "K-store",
            f"存储 {database.engine.url} 无法打开或升级：{reason}",
            # The address is shown without its password.
            f"The store {database.engine.url} cannot be opened or migrated: {reason}",
        ) from error
    return database


def open_vault(settings: Settings) -> Vault:
    """The vault of the data key."""
    text = settings.data_key.get_secret_value() if settings.data_key else None
    return Vault(load_data_key(text, settings.data / "data.key"))
