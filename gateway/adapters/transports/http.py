"""HTTP transport: one POST of the envelope, with connect, read and total time-outs.

Every fault of the network is a `Delivery` with status 0: nobody knows then whether the authority
took the bytes, and the state of the message must say so.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

import aiohttp

from gateway.ports import Delivery

ANSWER_BYTES_MAX = 1_048_576
"""An answer to a transmission is a few hundred bytes; more is not read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeouts:
    """Seconds that a transmission may take to connect, between two reads, and in all."""

    connect_seconds: float
    read_seconds: float
    total_seconds: float


class HttpTransport:
    """Posts to one address; connections are kept and bounded."""

    def __init__(self, url: str, timeouts: Timeouts, *, connections_max: int) -> None:
        self._url = url
        self._timeout = aiohttp.ClientTimeout(
            total=timeouts.total_seconds,
            sock_connect=timeouts.connect_seconds,
            sock_read=timeouts.read_seconds,
        )
        self._connections_max = connections_max
        self._session: aiohttp.ClientSession | None = None

    async def send(self, data: bytes, message_id: str) -> Delivery:
        """Send once. A fault of the network comes back as status 0 with its name."""
        try:
            async with self._opened().post(
                self._url,
                data=BytesIO(data),
                headers={"Content-Type": "application/xml", "X-Message-Id": message_id},
                allow_redirects=False,
            ) as response:
                body = await response.content.read(ANSWER_BYTES_MAX)
                return Delivery(status=response.status, body=body)
        except TimeoutError:
            return Delivery(status=0, fault="timeout")
        except aiohttp.ClientError as error:
            return Delivery(status=0, fault=type(error).__name__)
        except OSError as error:
            return Delivery(status=0, fault=type(error).__name__)

    def _opened(self) -> aiohttp.ClientSession:
        """The session is made inside the running loop, once."""
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                timeout=self._timeout,
                connector=aiohttp.TCPConnector(limit=self._connections_max),
            )
        return self._session

    async def close(self) -> None:
        """Release connections."""
        if self._session is not None:
            await self._session.close()
