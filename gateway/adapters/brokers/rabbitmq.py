"""RabbitMQ as the broker: quorum queues, confirms, bounded prefetch, retry tiers, a parked queue.

`publish` returns when RabbitMQ has confirmed the batch, so the outbox row may go; the handler runs
later, in this process or another, and the batch is acknowledged only when it has returned. What
fails is first published to a waiting queue, confirmed, and then acknowledged: a crash between the
two makes it come twice, never not at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

import structlog
from aio_pika import DeliveryMode, Message
from aio_pika.abc import (
    AbstractChannel,
    AbstractConnection,
    AbstractExchange,
    AbstractIncomingMessage,
    AbstractQueue,
)
from aio_pika.exceptions import DeliveryError, PublishError

from gateway.adapters.brokers import batch
from gateway.adapters.brokers.declare import check_version, declare
from gateway.adapters.brokers.line import Line, Lost, told
from gateway.adapters.brokers.topology import Topology
from gateway.errors import GatewayError
from gateway.ports import Postponed

Handler = Callable[[Sequence[str]], Awaitable[None]]
Headers = dict[str, str | int]

STOP_SECONDS = 20
"""How long a stop waits for handlers under way."""
MOVE_AGAIN_SECONDS = 1
"""Waiting time when a waiting queue or the parked queue takes nothing."""

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Consumer:
    source: AbstractQueue
    tag: str


class RabbitBroker:
    """Carries batches through RabbitMQ; see the module.

    Two connections, so that RabbitMQ can block publishing (memory, disk) while acknowledgements
    still get through.
    """

    def __init__(self, url: str, topology: Topology) -> None:
        self.topology = topology
        self._handlers: dict[str, Handler] = {}
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._running: set[asyncio.Task[None]] = set()
        self._consumers: list[_Consumer] = []
        self._exchanges: dict[str, AbstractExchange] = {}
        self._publishing = Line(url, "publishing", self._prepare_publishing)
        self._consuming = Line(url, "consuming", self._prepare_consuming)
        self._open = False

    @property
    def lines(self) -> tuple[Line, Line]:
        """The two connections, for counting how often they were opened."""
        return self._publishing, self._consuming

    def subscribe(self, queue: str, handler: Handler) -> None:
        """One handler a queue; it returns when the work is committed."""
        self._handlers[queue] = handler
        self._turns[queue] = asyncio.Semaphore(self.topology.at_once[queue])

    async def start(self) -> None:
        """Declare the topology and begin to deliver. Raises Misconfigured."""
        self._open = True
        try:
            await self._publishing.start()
            await self._consuming.start()
        except BaseException:
            await self.stop()
            raise

    async def publish(self, queue: str, ids: Sequence[str]) -> None:
        """Returns when RabbitMQ has confirmed the batch; waits while it cannot be reached.

        Raises Postponed when RabbitMQ refuses it (queue at its limit) or has no such queue.
        """
        if not self._open:
            raise asyncio.CancelledError
        body = batch.encode(ids, self.topology.batch_ids_max)
        await self._confirmed(self.topology.work, queue, body, {batch.QUEUE: queue})

    async def stop(self) -> None:
        """Take nothing more; wait for handlers under way, then give up on them."""
        self._open = False
        for consumer in self._consumers:
            try:
                await told(consumer.source.cancel(consumer.tag, timeout=MOVE_AGAIN_SECONDS))
            except Lost:
                log.info("consumer_gone", queue=consumer.source.name)
        if self._running:
            _, late = await asyncio.wait(self._running, timeout=STOP_SECONDS)
            for task in late:
                task.cancel()
            await asyncio.gather(*late, return_exceptions=True)
        await self._consuming.close()
        await self._publishing.close()

    async def _prepare_publishing(self, connection: AbstractConnection) -> None:
        channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
        check_version(connection)
        self._exchanges = await declare(channel, self.topology)
        await self._publishing.watch(connection, channel)

    async def _prepare_consuming(self, connection: AbstractConnection) -> None:
        """One channel a queue: a fault of one acknowledges nothing of another."""
        await declare(await connection.channel(), self.topology)
        self._consumers = []
        for queue in self._handlers:
            channel = await connection.channel(publisher_confirms=False)
            await self._consuming.watch(connection, channel)
            await channel.set_qos(prefetch_count=self.topology.at_once[queue])
            source = await channel.get_queue(self.topology.queue(queue), ensure=False)
            tag = await source.consume(partial(self._take, queue, channel))
            self._consumers.append(_Consumer(source, tag))

    async def _take(
        self, queue: str, channel: AbstractChannel, message: AbstractIncomingMessage
    ) -> None:
        """A task of our own: those of the library are cancelled when the channel closes."""
        task = asyncio.get_running_loop().create_task(self._work(queue, channel, message))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _work(
        self, queue: str, channel: AbstractChannel, message: AbstractIncomingMessage
    ) -> None:
        # Prefetch bounds what RabbitMQ delivers; the turn holds also after a lost connection,
        # when what is still being worked on is delivered again.
        async with self._turns[queue]:
            if not self._open or channel.is_closed:
                return
            move = await self._handle(queue, message)
        if move is not None:
            await self._moved(queue, message.body, *move)
        try:
            await told(message.ack())
        except Lost:
            log.info("acknowledgement_lost", queue=queue)

    async def _handle(
        self, queue: str, message: AbstractIncomingMessage
    ) -> tuple[str, Headers] | None:
        """Run the handler; where the batch goes when it is not done, and with which headers."""
        topology, tries = self.topology, batch.tries(dict(message.headers))
        try:
            await self._handlers[queue](batch.decode(message.body, topology.batch_ids_max))
        except batch.Unreadable as reason:
            log.warning("batch_unreadable", queue=queue, reason=str(reason))
            return topology.parked, {batch.REASON: f"unreadable: {reason}", batch.TRIES: tries}
        except Postponed as reason:
            log.info("batch_postponed", queue=queue, reason=str(reason))
            return topology.postponed, {batch.REASON: "postponed", batch.TRIES: tries}
        except Exception as fault:  # a batch that fails must come again, whatever the fault
            tries += 1
            log.exception("batch_failed", queue=queue, tries=tries)
            given_up = tries >= topology.tries_max
            place = topology.parked if given_up else topology.retry(tries)
            return place, {batch.REASON: _told(fault), batch.TRIES: tries}
        return None

    async def _moved(self, queue: str, body: bytes, place: str, headers: Headers) -> None:
        """Returns when the waiting queue or the parked queue has confirmed the batch."""
        while True:
            try:
                return await self._confirmed(place, queue, body, {batch.QUEUE: queue, **headers})
            except Postponed as reason:
                log.warning("batch_not_moved", queue=queue, place=place, reason=str(reason))
                await asyncio.sleep(MOVE_AGAIN_SECONDS)

    async def _confirmed(self, exchange: str, queue: str, body: bytes, headers: Headers) -> None:
        """Publish until RabbitMQ confirms or refuses; a lost connection is no answer."""
        message = Message(
            body,
            delivery_mode=DeliveryMode.PERSISTENT,
            content_type="application/json",
            app_id="gateway",
            headers=dict(headers),
        )
        while True:
            await self._publishing.up()
            target = self._exchanges[exchange]
            try:
                await told(target.publish(message, queue, mandatory=True))
            except PublishError as reason:
                self._publishing.broken()  # opening it again declares what is missing
                raise Postponed(f"no queue for {queue} at {exchange}") from reason
            except DeliveryError as reason:
                raise Postponed(f"{exchange} takes no more of {queue}") from reason
            except Lost:
                if self._exchanges[exchange] is target:
                    self._publishing.broken()
            else:
                return


def _told(fault: Exception) -> str:
    """Class and code, never the sentence: it may quote what stood in a document."""
    code = f" {fault.code}" if isinstance(fault, GatewayError) else ""
    return f"failed: {type(fault).__name__}{code}"
