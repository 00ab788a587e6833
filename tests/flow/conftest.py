"""Fixtures of the flow tests: benches that close at the end of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.adapters.brokers.topology import load_topology
from gateway.app.running import running
from gateway.messages import load_catalogue
from gateway.web.server import make_app, serving
from tests import engines
from tests.brokers import rabbit
from tests.flow import office as offices
from tests.flow.bench import Bench, Opener, register, settings_for

KITS = ("local-sqlite", "local-postgresql", "rabbitmq-postgresql")
"""The embedded pair, the production pair, and what lies between them."""
KITS_OF = {"test_flow": KITS, "test_troubles": KITS, "test_two_gateways": KITS[1:2]}
"""The kits of a module; all others run with the first."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its brokers and stores."""
    if "kit" in metafunc.fixturenames:
        module = metafunc.module.__name__.rsplit(".", 1)[-1]
        metafunc.parametrize("kit", KITS_OF.get(module, KITS[:1]))


@pytest.fixture
async def broker(kit: str, request: pytest.FixtureRequest) -> AsyncIterator[dict[str, str]]:
    """The settings of the broker; what RabbitMQ declared is removed at the end."""
    if kit.startswith("local"):
        yield {}
        return
    url, names = request.getfixturevalue("rabbitmq_url"), rabbit.prefix()
    yield {"amqp_url": url, "amqp_prefix": names}
    await rabbit.remove(url, replace(load_topology(), prefix=names))


@pytest.fixture
def store(kit: str) -> Iterator[dict[str, str]]:
    """The settings of the store; a database in PostgreSQL is dropped at the end."""
    if kit.endswith("sqlite"):
        yield {}
        return
    with engines.postgresql() as url:
        yield {"database_url": url}


@pytest.fixture
async def open_bench(
    tmp_path: Path, broker: dict[str, str], store: dict[str, str]
) -> AsyncIterator[Opener]:
    """Opens benches; each is closed at the end of the test. Settings may be changed by name."""
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(offices.opened(load_catalogue()))

        async def start(algorithms: dict[str, str] | None = None, **changes: object) -> Bench:
            settings = settings_for(tmp_path, office.url, **broker, **store, **changes)
            gateway = await stack.enter_async_context(running(settings))
            url = await stack.enter_async_context(
                serving(make_app(gateway.services), "127.0.0.1", 0)
            )
            http = await stack.enter_async_context(aiohttp.ClientSession())
            bench = Bench(tmp_path, office, settings, gateway, url, http)
            await register(bench, algorithms or {})
            return bench

        yield start


@pytest.fixture
async def bench(open_bench: Opener) -> Bench:
    """A bench with RSA keys and default settings."""
    made: Bench = await open_bench()
    return made
