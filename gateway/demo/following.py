"""Following: the changes of all documents, until every consignment is where it must end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.client import Client
from gateway.demo.consignments import Consignment
from gateway.demo.together import together

POLL_SECONDS = 0.1
LOOK_SECONDS = 0.5
"""Between two looks at the reconciliation queue."""
LOOKS_AT_ONCE = 8

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """Where a consignment stands: its state, and the codes of its open discrepancies."""

    state: str
    discrepancies: tuple[str, ...] = ()


def expected(one: Consignment) -> End:
    """Where a consignment must end."""
    return End(state=one.trouble.ends, discrepancies=tuple(sorted(one.trouble.discrepancies)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventories:
    """How far the inventories are."""

    derived: int
    closed: int


@dataclass(slots=True)
class Following:
    """Follows the changes as the operator, and has returned orders corrected."""

    client: Client
    consignments: Sequence[Consignment]
    correct: Callable[[Consignment], Awaitable[None]]
    tell: Callable[[Inventories], None]
    ends: dict[str, End] = field(default_factory=dict)
    """Order number to where the consignment was found last."""
    _cursor: str | None = None
    _states: dict[str, tuple[str, str]] = field(default_factory=dict)
    _corrected: set[str] = field(default_factory=set)

    async def until_ended(self, idle_seconds: float) -> list[Consignment]:
        """Returns none when all have ended, else those that have not.

        It gives up when nothing has happened for `idle_seconds`.
        """
        loop = asyncio.get_running_loop()
        news = looked = loop.time()
        while True:
            if await self._read():
                news = loop.time()
            elif self._inventories_closed() and loop.time() >= looked + LOOK_SECONDS:
                looked = loop.time()
                if await self._queue_as_expected() and not await self.unfinished():
                    return []
            if loop.time() > news + idle_seconds:
                return await self.unfinished()
            await asyncio.sleep(POLL_SECONDS)

    async def unfinished(self) -> list[Consignment]:
        """Look at every consignment that was not seen at its end yet; those that are not there."""
        room = asyncio.Semaphore(LOOKS_AT_ONCE)

        async def look(one: Consignment) -> None:
            async with room:
                found = await self.client.consignment(
                    "import", one.channel.platform.code, one.order_no
                )
            self.ends[one.order_no] = _end(found)

        await together(look(one) for one in self._open())
        return self._open()

    def _open(self) -> list[Consignment]:
        return [one for one in self.consignments if self.ends.get(one.order_no) != expected(one)]

    async def _read(self) -> bool:
        """Take in the next page of changes; whether there was anything new."""
        page = await self.client.changes(self._cursor)
        self._cursor = page.next
        for change in page.entries:
            self._states[change["document_id"]] = (change["kind"], change["state"])
            if change["kind"] == "order" and change["state"] == "returned":
                await self._correct(change["key"])
        if page.entries:
            states = Counter(self._states.values())
            derived = sum(number for (kind, _), number in states.items() if kind == "inventory")
            self.tell(Inventories(derived=derived, closed=states["inventory", "closed"]))
        return bool(page.entries)

    async def _correct(self, key: Mapping[str, str]) -> None:
        order_no = key["orderNo"]
        one = next((one for one in self.consignments if one.order_no == order_no), None)
        if one is not None and one.trouble.corrects and order_no not in self._corrected:
            self._corrected.add(order_no)
            await self.correct(one)

    def _inventories_closed(self) -> bool:
        """Whether as many inventories are closed as must be: a cheap test before closer looks."""
        wanted = sum(one.trouble.ends == "closed" for one in self.consignments)
        closed = sum(state == ("inventory", "closed") for state in self._states.values())
        return closed >= wanted

    async def _queue_as_expected(self) -> bool:
        """Whether the open discrepancies are those of the scenarios, no more and no fewer."""
        wanted = Counter(code for one in self.consignments for code in one.trouble.discrepancies)
        found = Counter(
            [entry["code"] async for entry in self.client.all_discrepancies(state="open")]
        )
        return found == wanted


def _end(consignment: Json | None) -> End:
    if consignment is None:
        return End(state="unknown")
    codes = [one["code"] for one in consignment["discrepancies"] if one["state"] == "open"]
    return End(state=consignment["state"], discrepancies=tuple(sorted(codes)))
