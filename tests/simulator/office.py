"""The simulator as a process, and the end that takes its receipts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from gateway.messages import parse_xml, read
from tests.simulator.counter import BYTES_MAX, opened
from tests.simulator.trade import Trade

KEY = "invented-receipts-key"
WAIT_SECONDS = 30
PACE = "0.02"


@dataclass
class Taken:
    """Takes receipts; `answer` gives the HTTP status for the next one."""

    trade: Trade
    url: str = ""
    bodies: list[bytes] = field(default_factory=list)
    answer: Callable[[bytes], int] = lambda _: 200
    authorizations: set[str | None] = field(default_factory=set)
    seen: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    async def take(self, request: web.Request) -> web.StreamResponse:
        body = await request.read()
        self.authorizations.add(request.headers.get("Authorization"))
        status = self.answer(body)
        if status == 200:
            self.bodies.append(body)
            self._note(body)
        return web.Response(status=status)

    def _note(self, body: bytes) -> None:
        _, _, message = opened(body)
        root = parse_xml(message, max_bytes=BYTES_MAX)
        type_ = self.trade.catalogue.by_root(str(root.tag))
        assert type_ is not None
        for content in read(type_, root):
            names = ("orderNo", "payTransactionId", "logisticsNo", "copNo", "oriCopMsgId")
            number = next(content.head[name] for name in names if name in content.head)
            self.seen.setdefault((type_.name, number), []).append(content.head["returnStatus"])

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for something, within a bound."""
        async with asyncio.timeout(WAIT_SECONDS):
            while not done():  # noqa: ASYNC110 - the receiving end tells nobody what it has seen
                await asyncio.sleep(0.01)


@asynccontextmanager
async def taking(trade: Trade) -> AsyncIterator[Taken]:
    """A receiving end on a free port."""
    taken = Taken(trade)
    app = web.Application(client_max_size=BYTES_MAX)
    app.router.add_post("/v1/receipts/customs", taken.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    taken.url = f"http://127.0.0.1:{runner.addresses[0][1]}/v1/receipts/customs"
    try:
        yield taken
    finally:
        await runner.cleanup()


@dataclass
class Process:
    """`gateway simulate` on one data folder; the port stays over restarts."""

    folder: Path
    session: aiohttp.ClientSession
    url: str = ""
    process: asyncio.subprocess.Process | None = None
    output: str = ""

    async def start(self) -> None:
        """Start it and wait for its ready line."""
        port = self.url.rpartition(":")[2] or "0"
        command = ["simulate", "--data", str(self.folder), "--pace", PACE, "--port", port]
        with self.folder.with_suffix(".err").open("ab") as errors:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", *command,
                stdout=asyncio.subprocess.PIPE, stderr=errors,
                env={**os.environ, "SIMULATOR_RECEIPTS_KEY": KEY},
            )  # fmt: skip
        assert self.process.stdout is not None
        async with asyncio.timeout(WAIT_SECONDS):
            line = await self.process.stdout.readline()
        assert line, self.folder.with_suffix(".err").read_text("utf-8")
        self.output += line.decode()
        self.url = json.loads(line)["url"]

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and wait; the exit status. What it printed is kept."""
        assert self.process is not None
        assert self.process.returncode is None
        self.process.send_signal(number)
        rest, _ = await self.process.communicate()
        self.output += rest.decode()
        return await self.process.wait()

    async def call(self, method: str, path: str, body: Any = None) -> Any:
        """A control call, which must succeed."""
        async with self.session.request(method, self.url + path, json=body) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    async def post(self, envelope: bytes) -> tuple[int, bytes]:
        """A transmission: status and body. Raises aiohttp.ClientError when no answer comes."""
        async with self.session.post(f"{self.url}/dxp", data=envelope) as response:
            return response.status, await response.read()

    async def ledger(self) -> list[dict[str, Any]]:
        """The whole ledger, in pages of 100."""
        entries: list[dict[str, Any]] = []
        while True:
            after = entries[-1]["seq"] if entries else 0
            page = await self.call("GET", f"/ledger?after={after}&limit=100")
            entries += page["entries"]
            if not page["entries"]:
                return entries


@asynccontextmanager
async def processing(trade: Trade, folder: Path) -> AsyncIterator[Process]:
    """A running simulator that knows all parties; killed at the end if it still runs."""
    # A fresh connection each time: a kept one breaks when the process is killed.
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(force_close=True)) as session:
        made = Process(folder, session)
        await made.start()
        try:
            for party in trade.parties:
                await made.call("PUT", f"/registry/enterprises/{party.code}", party.registration)
            yield made
        finally:
            if made.process is not None and made.process.returncode is None:
                await made.end(signal.SIGKILL)
