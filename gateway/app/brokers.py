"""The broker that the settings choose."""

from __future__ import annotations

import logging
from dataclasses import replace

from gateway.adapters.brokers.local import LocalBroker
from gateway.adapters.brokers.topology import load_topology
from gateway.ports import Broker
from gateway.settings import Settings


def make_broker(settings: Settings) -> Broker:
    """RabbitMQ where it has an address, else handlers in this process; the same queues."""
    topology = replace(load_topology(), prefix=settings.amqp_prefix)
    if not settings.amqp_url:
        return LocalBroker(topology.at_once)
    # Loaded only here: the library takes a third of a second, and embedded gateways never need it.
    from gateway.adapters.brokers.rabbitmq import RabbitBroker  # noqa: PLC0415

    # Its own reports of a loss are tracebacks on several lines; ours (amqp_lost) are one.
    for library in ("aio_pika", "aiormq"):
        logging.getLogger(library).setLevel(logging.CRITICAL)
    return RabbitBroker(settings.amqp_url.get_secret_value(), topology)
