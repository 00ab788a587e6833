"""The four places where the gateway meets something that exists in more than one make."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.model import Answer, Envelope, Opened

OutboxRow = tuple[str, str, list[str]]
"""A committed outbox row: its id, the queue, and the ids of the batch."""

Announce = Callable[[Sequence[OutboxRow]], None]
"""Tells the relay of rows that were just committed; never blocks."""


class Authority(Protocol):
    """Pure functions between a message and what travels to one authority."""

    @property
    def name(self) -> str:
        """customs, inspection or tax."""

    def wrap(self, message: bytes, envelope: Envelope) -> bytes:
        """Put a signed message into the authority's envelope; same input, same bytes."""

    def unwrap(self, data: bytes) -> Opened:
        """Take the envelope off; a bare message passes through. Raises Invalid."""

    def read_answer(self, status: int, body: bytes) -> Answer:
        """Tell what an HTTP answer to a transmission means; never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """How a transmission ended: `status` 0 means that no complete answer came (see `fault`)."""

    status: int
    body: bytes = b""
    fault: str = ""


class Transport(Protocol):
    """Moves bytes to an authority; has not heard of customs."""

    async def send(self, data: bytes, message_id: str) -> Delivery:
        """Send once. Never raises for a remote or network fault: that is a Delivery."""

    async def close(self) -> None:
        """Release connections."""


class Postponed(Exception):
    """Raised by a handler that cannot do a batch now, and knows why; it comes again later."""


class Broker(Protocol):
    """Carries batches of ids between the steps; each batch at least once."""

    async def publish(self, queue: str, ids: Sequence[str]) -> None:
        """Returns when the broker is responsible for the batch."""

    def subscribe(self, queue: str, handler: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        """The handler returns when the work is committed; raising means: again later."""

    async def start(self) -> None:
        """Begin to deliver."""

    async def stop(self) -> None:
        """Stop delivering; wait, within a bound, for handlers under way."""


class Signer(Protocol):
    """A business key that can sign, wherever it lives."""

    @property
    def set_name(self) -> str:
        """The signature set, e.g. rsa-sha1 or sm2-sm3."""

    @property
    def key_name(self) -> str:
        """The certificate's serial number in lower-case hex with its leading zeros."""

    @property
    def certificate(self) -> bytes:
        """The certificate in DER."""

    async def sign(self, signed_info: bytes) -> bytes:
        """The raw signature value over the canonical SignedInfo (RSA: PKCS#1; SM2: r then s)."""
