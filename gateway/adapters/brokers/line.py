"""A connection to RabbitMQ that is kept up: lost for whatever reason, it is opened again.

Not aio-pika's robust connection: see docs/decisions. One task owns the connection; each opening
runs the same preparation (declare, open channels, consume), so what exists after a recovery is
what exists after a start.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import aio_pika
import structlog
from aio_pika.abc import AbstractChannel, AbstractConnection
from aio_pika.exceptions import (
    CONNECTION_EXCEPTIONS,
    AuthenticationError,
    ChannelPreconditionFailed,
    DeliveryError,
    IncompatibleProtocolError,
    ProbableAuthenticationError,
)
from yarl import URL

from gateway.errors import Misconfigured

CONNECT_SECONDS = 5
"""Longest wait for a connection, with its channels and declarations."""
START_SECONDS = 30
"""How long a start waits for a broker that is starting too."""
REOPEN_SECONDS = (0.1, 0.2, 0.5, 1, 2)
"""Waiting times before an opening is tried again; the last one repeats."""
CLOSE_SECONDS = 2
HEARTBEAT_SECONDS = 10
"""A silent connection is lost after about twice this time, unless the URL says otherwise."""

REFUSALS = (
    AuthenticationError,
    ChannelPreconditionFailed,
    IncompatibleProtocolError,
    ProbableAuthenticationError,
)
"""Answers that waiting does not change."""

Prepare = Callable[[AbstractConnection], Awaitable[None]]
T = TypeVar("T")

log = structlog.get_logger(__name__)


class Lost(Exception):
    """The connection went away during a call; whether the broker took it is not known."""


async def told(call: Awaitable[T]) -> T:
    """The result of a call of the library. Raises Lost, or DeliveryError for a refusal.

    A closing channel ends pending calls with CancelledError; that is a loss, unless this very
    task is being cancelled.
    """
    try:
        return await call
    except DeliveryError:
        raise
    except asyncio.CancelledError as reason:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Lost("closed") from reason
    except CONNECTION_EXCEPTIONS as reason:
        raise Lost(type(reason).__name__) from reason


class Line:
    """One kept connection; `prepare` runs at each opening, before the line is up."""

    def __init__(self, url: str, name: str, prepare: Prepare) -> None:
        address = URL(url)
        if "heartbeat" not in address.query:
            address = address.update_query(heartbeat=HEARTBEAT_SECONDS)
        self._address = address
        self._name = name
        self._prepare = prepare
        self._up = asyncio.Event()
        self._broken = asyncio.Event()
        self._connection: AbstractConnection | None = None
        self._keeper: asyncio.Task[None] | None = None
        self.openings = 0
        """How often the connection was opened."""

    async def start(self) -> None:
        """Returns when the line is up. Raises Misconfigured."""
        try:
            async with asyncio.timeout(START_SECONDS):
                connection = await self._opened(first=True)
        except TimeoutError as reason:
            raise Misconfigured(
                "C-amqp",
                f"{START_SECONDS} 秒内无法连接 RabbitMQ：{self}。",
                f"RabbitMQ did not answer within {START_SECONDS} s at {self}.",
            ) from reason
        self._keeper = asyncio.get_running_loop().create_task(self._keep(connection))

    async def up(self) -> None:
        """Wait until the line is up."""
        await self._up.wait()

    def broken(self) -> None:
        """What the caller holds of this line is of no use: close it and open anew."""
        self._up.clear()
        self._broken.set()

    async def watch(self, connection: AbstractConnection, channel: AbstractChannel) -> None:
        """A channel that closes, or a consumer that the broker cancels, breaks the line."""
        channel.close_callbacks.add(lambda *_: self._gone(connection))
        inner = await channel.get_underlay_channel()
        inner.on_consumer_cancel_callbacks.add(lambda _: self._gone(connection))

    async def close(self) -> None:
        """Close for good."""
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
            self._keeper = None

    def __str__(self) -> str:
        return str(self._address.with_user(None).with_query(None))

    def _gone(self, connection: AbstractConnection) -> None:
        """Called back by the library, perhaps long after another connection took over."""
        if connection is self._connection:
            self.broken()

    async def _keep(self, connection: AbstractConnection) -> None:
        try:
            while True:
                await self._broken.wait()
                log.warning("amqp_lost", line=self._name)
                await _closed(connection)
                connection = await self._opened()
                log.info("amqp_again", line=self._name)
        finally:
            self._up.clear()
            await _closed(connection)

    async def _opened(self, *, first: bool = False) -> AbstractConnection:
        """Open until it succeeds."""
        tries = 0
        while True:
            try:
                return await self._open()
            except Lost as reason:
                cause = reason.__cause__
                if first and isinstance(cause, REFUSALS):
                    raise Misconfigured(
                        "C-amqp",
                        f"RabbitMQ 拒绝了本网关：{self}：{cause}",
                        f"RabbitMQ at {self} refused the gateway: {cause}",
                    ) from reason
                log.warning("amqp_not_opened", line=self._name, fault=str(reason))
            except Exception:  # after the start, the line outlives a fault of any kind
                if first:
                    raise
                log.exception("amqp_not_opened", line=self._name)
            await asyncio.sleep(REOPEN_SECONDS[min(tries, len(REOPEN_SECONDS) - 1)])
            tries += 1

    async def _open(self) -> AbstractConnection:
        self._broken.clear()
        connection = aio_pika.Connection(
            self._address, client_properties={"connection_name": f"gateway {self._name}"}
        )
        connection.close_callbacks.add(lambda *_: self._gone(connection))
        self._connection = connection
        try:
            await told(self._prepared(connection))
        except BaseException:
            await _closed(connection)
            raise
        self.openings += 1
        if not self._broken.is_set():
            self._up.set()
        return connection

    async def _prepared(self, connection: AbstractConnection) -> None:
        await connection.connect(timeout=CONNECT_SECONDS)
        async with asyncio.timeout(CONNECT_SECONDS):
            await self._prepare(connection)


async def _closed(connection: AbstractConnection) -> None:
    """Close within a bound; a half-open connection does not answer."""
    try:
        async with asyncio.timeout(CLOSE_SECONDS):
            await told(connection.close())
    except (Lost, TimeoutError) as reason:
        log.info("amqp_close_unanswered", fault=str(reason))
