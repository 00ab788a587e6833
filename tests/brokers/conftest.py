"""Fixtures of the broker tests: brokers of both makes under one relay, and RabbitMQ to break."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.store.database import Database
from tests.brokers.desk import Desk, Opener, make_broker, open_store, quick
from tests.brokers.rabbit import OwnRabbit, own_rabbit, prefix, remove


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Callable[[], Database]]:
    """The store of the test, opened when asked for: a process that is to be killed may be first."""
    made: list[Database] = []

    def open_() -> Database:
        if not made:
            made.append(open_store(tmp_path))
        return made[0]

    yield open_
    for one in made:
        one.close()


@pytest.fixture(params=["local", "rabbitmq"])
async def open_desk(
    request: pytest.FixtureRequest, database: Callable[[], Database]
) -> AsyncIterator[Opener]:
    """Opens desks with brokers of one make; what they declared is removed at the end."""
    topology = replace(quick(), prefix=prefix())
    url = "" if request.param == "local" else request.getfixturevalue("rabbitmq_url")
    async with AsyncExitStack() as stack:
        if url:
            stack.push_async_callback(remove, url, topology)

        def make() -> Desk:
            desk = Desk(database, make_broker(url, topology), topology, url)
            stack.push_async_callback(desk.close)
            return desk

        yield make


@pytest.fixture
def amqp_consume() -> Path:
    """The consumer of amqp-tools: a client of other makers."""
    found = shutil.which("amqp-consume")
    if found is not None:
        return Path(found)
    reason = "amqp-consume (amqp-tools) is not installed"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnRabbit]:
    """A RabbitMQ of these tests alone, to be broken."""
    with own_rabbit(tmp_path_factory.mktemp("rabbitmq")) as made:
        yield made
