"""The topology declared: idempotent, and so a check: RabbitMQ refuses other arguments."""

from __future__ import annotations

from collections.abc import Mapping

from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange

from gateway.adapters.brokers.topology import Topology
from gateway.errors import Misconfigured

VERSION_MIN = (3, 10)
"""The first RabbitMQ with a time to live and at-least-once dead letters on quorum queues."""


def check_version(connection: AbstractConnection) -> None:
    """Raises Misconfigured when the server is too old."""
    transport = connection.transport
    properties: Mapping[str, object] = transport.connection.server_properties if transport else {}
    found = str(properties.get("version", ""))
    numbers = tuple(int(part) for part in found.split(".")[:2] if part.isdecimal())
    if numbers < VERSION_MIN:
        raise Misconfigured(
            "C-amqp",
            f"需要 RabbitMQ 3.10 或更新版本，现为 {found}。",
            f"RabbitMQ 3.10 or later is needed; this is {found}.",
        )


async def declare(channel: AbstractChannel, topology: Topology) -> dict[str, AbstractExchange]:
    """Declare every exchange, queue and binding; the exchanges by name."""
    exchanges = {
        one.name: await channel.declare_exchange(one.name, one.kind, durable=True)
        for one in topology.exchanges()
    }
    for queue in topology.queues():
        declared = await channel.declare_queue(
            queue.name, durable=True, arguments=dict(queue.arguments)
        )
        await declared.bind(exchanges[queue.exchange], queue.key)
    return exchanges
