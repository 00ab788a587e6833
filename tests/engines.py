"""A PostgreSQL for tests: GATEWAY_TEST_POSTGRESQL_URL, else the one of this machine."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import psycopg
import pytest
from sqlalchemy import URL, make_url

CONNECT_SECONDS = 3
DEFAULT = "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"


@contextmanager
def postgresql() -> Iterator[str]:
    """The address of an empty database, which is dropped at the end.

    Without a server the test is skipped with the reason, and fails where CI=true.
    """
    server = make_url(os.environ.get("GATEWAY_TEST_POSTGRESQL_URL", DEFAULT))
    name = f"gateway_test_{uuid4().hex[:16]}"
    try:
        order(server, f'CREATE DATABASE "{name}"')
    except psycopg.OperationalError as error:
        reason = f"no PostgreSQL at {server.host}:{server.port}: {error}"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    try:
        yield server.set(database=name).render_as_string(hide_password=False)
    finally:
        order(server, f'DROP DATABASE "{name}" WITH (FORCE)')


def order(server: URL, statement: str) -> None:
    """Run one statement on the server, outside any transaction."""
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True, connect_timeout=CONNECT_SECONDS) as connection:
        connection.execute(statement.encode())
