"""Keeps the exact bytes of everything that goes out and comes in, one file each, in order.

For demonstrations and for integrating: the files hold personal data in clear, so the folder is
made with mode 0700 and nothing is written unless a setting names it.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import itertools
import re
from pathlib import Path

from gateway.ports import Delivery, Transport

TYPE = re.compile(rb"<(?:\w+:)?MsgType>\s*(\w+?)(?:Message)?\s*</")
ROOT = re.compile(rb"<(?:\w+:)?(CEB\d{3})Message[\s>]")
DATA = re.compile(rb"<(?:\w+:)?Data>([\s\w+/=]+)</")


class WireFolder:
    """Numbers and writes wire files: 000001-out-CEB311-<CopMsgId>.xml."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        present = [int(one.name[:6]) for one in folder.glob("[0-9]*-*")]
        self._numbers = itertools.count(max(present, default=0) + 1)

    def write(self, direction: str, name: str, data: bytes) -> None:
        """Write one file; the number tells the order."""
        suffix = "xml" if data.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") else "bin"
        if b"<html" in data[:1024].lower():
            suffix = "bin"
        file = self._folder / f"{next(self._numbers):06d}-{direction}-{name}.{suffix}"
        file.write_bytes(data)

    async def keep(self, data: bytes) -> None:
        """Write what an authority sent."""
        name = f"{type_of(data)}-{hashlib.sha256(data).hexdigest()[:12]}"
        await asyncio.to_thread(self.write, "in", name, data)


def type_of(data: bytes) -> str:
    """The message type, from the envelope or the root; `answer` when there is none."""
    found = TYPE.search(data) or ROOT.search(data)
    if found is None and (inner := DATA.search(data)):
        found = ROOT.search(base64.b64decode(inner.group(1)))
    return found.group(1).decode() if found else "answer"


class Recorded:
    """A transport that writes down what it sends and what is answered."""

    def __init__(self, transport: Transport, folder: WireFolder) -> None:
        self._transport = transport
        self._folder = folder

    async def send(self, data: bytes, message_id: str) -> Delivery:
        """Send once, keeping both directions."""
        name = f"{type_of(data)}-{message_id}"
        await asyncio.to_thread(self._folder.write, "out", name, data)
        delivery = await self._transport.send(data, message_id)
        if delivery.body:
            await self._folder.keep(delivery.body)
        return delivery

    async def close(self) -> None:
        """Release connections."""
        await self._transport.close()
