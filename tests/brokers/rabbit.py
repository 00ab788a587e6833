"""RabbitMQ for tests: names of our own on a running one, or one of our own to break."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import aio_pika
import pytest
from aio_pika.abc import AbstractIncomingMessage

from gateway.adapters.brokers.topology import Topology

PROGRAMS = Path("/usr/lib/rabbitmq/bin")
START_SECONDS = 90


def prefix() -> str:
    """A beginning of names that no other run has."""
    return f"test.{uuid.uuid4().hex[:12]}"


async def remove(url: str, topology: Topology) -> None:
    """Delete everything that this topology declared."""
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        for queue in topology.queues():
            await channel.queue_delete(queue.name)
        for exchange in topology.exchanges():
            await channel.exchange_delete(exchange.name)


async def parked(url: str, topology: Topology, count: int = 1) -> list[AbstractIncomingMessage]:
    """Take so many messages from the parked queue."""
    found: list[AbstractIncomingMessage] = []
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        queue = await channel.get_queue(topology.parked)
        async with queue.iterator(no_ack=True, timeout=30) as messages:
            async for message in messages:
                found.append(message)
                if len(found) == count:
                    return found
    return found


@dataclass(slots=True)
class Wall:
    """A TCP forwarder that can swallow the bytes of its open connections, and say nothing."""

    target_port: int
    port: int = 0
    swallowing: set[asyncio.StreamWriter] = field(default_factory=set)
    writers: set[asyncio.StreamWriter] = field(default_factory=set)
    tasks: set[asyncio.Task[None]] = field(default_factory=set)
    server: asyncio.Server | None = None

    async def __aenter__(self) -> Self:
        self.server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self.server is not None
        self.server.close()
        for task in self.tasks:
            task.cancel()
        for writer in self.writers:
            writer.close()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    def freeze(self) -> None:
        """From now on nothing passes through the connections that are open."""
        self.swallowing |= self.writers

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self.target_port)
        for source, sink in ((reader, back), (there, writer)):
            self.writers.add(sink)
            self.tasks.add(asyncio.create_task(self._pump(source, sink)))

    async def _pump(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            if sink not in self.swallowing:
                sink.write(data)


@dataclass(slots=True)
class OwnRabbit:
    """A server with ports and folders of its own; faults are done to this one only."""

    folder: Path
    port: int
    dist_port: int
    node: str = field(default_factory=lambda: f"gateway{uuid.uuid4().hex[:8]}@localhost")
    process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}/"

    def environment(self) -> dict[str, str]:
        folder = self.folder
        return os.environ | {
            "HOME": str(folder),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_DIST_PORT": str(self.dist_port),
        }

    def start(self) -> None:
        """Returns when it takes connections."""
        (self.folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\n")
        with (self.folder / "out").open("ab") as out:
            self.process = subprocess.Popen(
                [PROGRAMS / "rabbitmq-server"],
                env=self.environment(),
                stdout=out,
                stderr=out,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", self.port)) == 0:
                    return
            time.sleep(0.1)
        pytest.fail(f"RabbitMQ did not start, see {self.folder / 'out'}")

    def kill(self) -> None:
        """SIGKILL to the server that was started here, and to nothing else."""
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def control(self, *words: str) -> str:
        """Run rabbitmqctl against this server."""
        done = subprocess.run(
            [PROGRAMS / "rabbitmqctl", "-n", self.node, *words],
            env=self.environment(),
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        return done.stdout

    def consumers(self) -> dict[str, int]:
        """Queue to the number of its consumers."""
        listed = self.control("-q", "list_consumers", "queue_name")
        return dict(Counter(listed.splitlines()))


@contextmanager
def own_rabbit(folder: Path) -> Iterator[OwnRabbit]:
    """A running server of our own; without RabbitMQ skipped, and failed where CI=true."""
    if not (PROGRAMS / "rabbitmq-server").exists() or shutil.which("erl") is None:
        reason = "RabbitMQ is not installed"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with socket.socket() as first, socket.socket() as second:
        for one in (first, second):
            one.bind(("127.0.0.1", 0))
        server = OwnRabbit(folder, first.getsockname()[1], second.getsockname()[1])
    try:
        server.start()
        yield server
    finally:
        server.kill()
