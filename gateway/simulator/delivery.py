"""Delivery: receipt messages are posted until they are answered with 200, in order per receiver."""

from __future__ import annotations

import asyncio
import io
import sqlite3

import aiohttp
import structlog

from gateway.simulator.authority import Authority
from gateway.simulator.entries import Receipt

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
TOTAL_SECONDS = 30.0
CONNECTIONS_MAX = 8
FETCHED_MAX = 16
"""Receipt messages that are read from the store at once; as many go again after a kill."""
FIRST_PAUSE_SECONDS = 0.2
PAUSE_SECONDS_MAX = 5.0
IDLE_SECONDS_MAX = 1.0
"""The clock is looked at so often even when nothing is known to be due."""

log = structlog.get_logger(__name__)


class Delivery:
    """Moves the authority's clock and carries its receipts out.

    `key` is the bearer key of the receiving end; it is held in memory only.
    """

    def __init__(self, authority: Authority, key: str) -> None:
        self._authority = authority
        self._headers = {"Content-Type": "application/xml"}
        if key:
            self._headers["Authorization"] = f"Bearer {key}"
        self._kicked = asyncio.Event()
        self._clock: asyncio.Task[None] | None = None
        self._couriers: dict[str, asyncio.Task[None]] = {}
        self._session: aiohttp.ClientSession | None = None

    async def start(self) -> None:
        """Go on where the process before stopped."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(
                total=TOTAL_SECONDS, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS
            ),
            connector=aiohttp.TCPConnector(limit=CONNECTIONS_MAX),
        )
        self._clock = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """End at once; a delivery that is cut off goes again after the next start."""
        tasks = [*self._couriers.values(), *([self._clock] if self._clock else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    async def ended(self) -> None:
        """Returns or raises only when the clock has stopped: a fault of ours."""
        if self._clock is not None:
            await asyncio.shield(self._clock)

    def kick(self) -> None:
        """Something was committed: look now."""
        self._kicked.set()

    async def _run(self) -> None:
        while True:
            self._kicked.clear()
            pause = IDLE_SECONDS_MAX
            try:
                due = await self._authority.do(self._authority.turn)
                pause = IDLE_SECONDS_MAX if due is None else min(due, IDLE_SECONDS_MAX)
                await self._send_out()
            except sqlite3.Error:  # a full disk: nothing was committed, and it may pass
                log.exception("turn_failed")
            try:
                await asyncio.wait_for(self._kicked.wait(), pause)
            except TimeoutError:
                continue

    async def _send_out(self) -> None:
        """A courier for every receiver for whom something waits."""
        if await self._authority.do(self._authority.receipts_url) is None:
            return
        for receiver in await self._authority.do(self._authority.receipts.receivers):
            courier = self._couriers.get(receiver)
            if courier is None or courier.done():
                if courier is not None and courier.exception() is not None:
                    log.error("courier_failed", receiver=receiver, exc_info=courier.exception())
                self._couriers[receiver] = asyncio.get_running_loop().create_task(
                    self._carry(receiver)
                )

    async def _carry(self, receiver: str) -> None:
        """Deliver what waits for one receiver, oldest first; returns when nothing waits."""
        receipts = self._authority.receipts
        while True:
            waiting = await self._authority.do(receipts.waiting, receiver, FETCHED_MAX)
            if not waiting:
                return
            for receipt in waiting:
                for _ in range(receipt.copies):
                    await self._deliver(receipt)
            ids = [receipt.id for receipt in waiting]
            await self._authority.do(receipts.delivered, ids)
            log.info("receipts_delivered", receiver=receiver, messages=len(ids))

    async def _deliver(self, receipt: Receipt) -> None:
        """Post one message until it is answered with 200; the pause doubles up to its bound."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            url = await self._authority.do(self._authority.receipts_url)
            answer = await self._post(url or "", receipt.body)
            if answer == "200":
                return
            log.warning(
                "receipt_not_taken",
                message=receipt.message_id,
                type=receipt.type,
                answer=answer,
                again_seconds=pause,
            )
            await asyncio.sleep(pause)
            pause = min(pause * 2, PAUSE_SECONDS_MAX)

    async def _post(self, url: str, body: bytes) -> str:
        """The HTTP status, or the name of what went wrong."""
        if self._session is None:
            return "closed"
        try:
            async with self._session.post(
                url, data=io.BytesIO(body), headers=self._headers, allow_redirects=False
            ) as response:
                return str(response.status)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return type(error).__name__
