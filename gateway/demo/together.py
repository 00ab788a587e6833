"""Several things at once, as one: the first fault ends the others and is the fault of all."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def together(works: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Await all of them. Raises the first fault itself, not a group that holds it."""
    try:
        async with asyncio.TaskGroup() as tasks:
            for work in works:
                tasks.create_task(work)
    except ExceptionGroup as faults:
        raise faults.exceptions[0] from None
