"""The broker of the embedded gateway: handlers in the same process.

It keeps RabbitMQ's promise in its own way: `publish` returns when the broker is responsible for
the batch, which here means that the handler is done; until then the outbox row stays, so a crash
loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

Handler = Callable[[Sequence[str]], Awaitable[None]]

STOP_SECONDS = 20
"""How long a stop waits for handlers under way."""


class LocalBroker:
    """Runs handlers, at most `concurrency[queue]` of a queue at once."""

    def __init__(self, concurrency: Mapping[str, int]) -> None:
        self._concurrency = concurrency
        self._handlers: dict[str, Handler] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._open = False

    def subscribe(self, queue: str, handler: Handler) -> None:
        """One handler a queue; it returns when the work is committed."""
        self._handlers[queue] = handler
        self._turns[queue] = asyncio.Semaphore(self._concurrency[queue])

    async def start(self) -> None:
        """Begin to deliver."""
        self._open = True

    async def publish(self, queue: str, ids: Sequence[str]) -> None:
        """Run the handler on the batch; what it raises is the caller's to retry."""
        async with self._turns[queue]:
            if not self._open:
                raise asyncio.CancelledError
            task = asyncio.get_running_loop().create_task(self._run(queue, ids))
            self._running.add(task)
            task.add_done_callback(self._running.discard)
            await task

    async def _run(self, queue: str, ids: Sequence[str]) -> None:
        await self._handlers[queue](ids)

    async def stop(self) -> None:
        """Deliver nothing more; wait for handlers under way, then give up on them."""
        self._open = False
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
