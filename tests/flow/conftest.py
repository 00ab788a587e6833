"""Fixtures of the flow tests: benches that close at the end of the test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path

import aiohttp
import pytest

from gateway.adapters.brokers.topology import load_topology
from gateway.app.running import running
from gateway.messages import load_catalogue
from gateway.web.server import make_app, serving
from tests.brokers import rabbit
from tests.flow import office as offices
from tests.flow.bench import Bench, Opener, register, settings_for


@pytest.fixture(params=["local", "rabbitmq"])
async def broker(request: pytest.FixtureRequest) -> AsyncIterator[dict[str, str]]:
    """The settings of either broker; what RabbitMQ declared is removed at the end."""
    if request.param == "local":
        yield {}
        return
    url, names = request.getfixturevalue("rabbitmq_url"), rabbit.prefix()
    yield {"amqp_url": url, "amqp_prefix": names}
    await rabbit.remove(url, replace(load_topology(), prefix=names))


@pytest.fixture
async def open_bench(tmp_path: Path, broker: dict[str, str]) -> AsyncIterator[Opener]:
    """Opens benches; each is closed at the end of the test. Settings may be changed by name."""
    async with AsyncExitStack() as stack:
        office = await stack.enter_async_context(offices.opened(load_catalogue()))

        async def start(algorithms: dict[str, str] | None = None, **changes: object) -> Bench:
            settings = settings_for(tmp_path, office.url, **broker, **changes)
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
