"""One gateway for all tests of a file: each test uses order numbers of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import count

import pytest
import pytest_asyncio

from tests.web.desk import Desk, opened

_numbers = count(1)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def desk(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Desk]:
    """A gateway with filled registers and the default limits."""
    async with opened(tmp_path_factory.mktemp("desk")) as made:
        yield made


@pytest.fixture
def number() -> str:
    """An order number that no other test uses."""
    return f"WEB{next(_numbers):06}"
