"""A process to be killed: it publishes batches, begins one and never ends it.

python -m tests.brokers.victim FOLDER URL PREFIX; prints how many rows are left in the
outbox when it is so far.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tests.brokers.desk import BATCHES, Desk, emptied, make_broker, open_store, quick, until


async def _run(folder: Path, url: str, prefix: str) -> None:
    topology = replace(quick(), prefix=prefix)
    store = open_store(folder)
    desk = Desk(lambda: store, make_broker(url, topology), topology, url)

    async def never(_: Sequence[str]) -> None:
        await asyncio.Event().wait()

    desk.takes("matching", never)
    await desk.open()
    await desk.post("matching", *BATCHES)
    await until(lambda: desk.at_once == 1, "one has begun")
    if url:
        await emptied(desk)
    print(await desk.waiting(), flush=True)  # noqa: T201 - read by the test
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_run(Path(sys.argv[1]), *sys.argv[2:]))
