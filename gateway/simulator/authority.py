"""The authority as one object: its store, its rules and its clock, behind one thread.

SQLite and libxml2 are used by one thread, so nothing here needs a lock; the loop of the process
hands the work over and stays free to answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from gateway.messages import Catalogue
from gateway.simulator.declaring import Declaring
from gateway.simulator.documents import Documents
from gateway.simulator.entries import Entries, Receipts
from gateway.simulator.kinds import load_kinds
from gateway.simulator.ledger import Ledger
from gateway.simulator.life import Life
from gateway.simulator.reception import Outcome, Reception
from gateway.simulator.registry import Registry
from gateway.simulator.scenarios import load_scenarios
from gateway.simulator.store import Store
from gateway.telemetry import Clock

RECEIPTS_URL = "receipts_url"

P = ParamSpec("P")
T = TypeVar("T")


class Authority:
    """Everything that one data folder holds. Methods without `async` run in its one thread."""

    def __init__(
        self, folder: Path, catalogue: Catalogue, clock: Clock, pace_seconds: float
    ) -> None:
        kinds, scenarios = load_kinds(), load_scenarios()
        pace_ms = max(1, round(pace_seconds * 1000))
        self._clock = clock
        self._store = store = Store(folder)
        self._documents = documents = Documents(store)
        entries = Entries(store, kinds, scenarios, pace_ms)
        self._ledger = Ledger(store)
        self._life = Life(store, documents, entries, self._ledger, kinds, pace_ms)
        self.registry = Registry(store)
        self.receipts = Receipts(store, catalogue)
        declaring = Declaring(
            store, self.registry, documents, kinds, entries, self._ledger, self._life
        )
        self._reception = Reception(
            store,
            catalogue,
            self.registry,
            kinds,
            scenarios,
            documents,
            declaring,
            self.receipts,
        )
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="authority")

    async def do(self, work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run the work in the authority's thread."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, lambda: work(*args, **kwargs))

    def receive(self, body: bytes) -> Outcome:
        """Take one transmission; what it says is committed when this returns."""
        return self._reception.receive(body, self._now())

    def turn(self) -> float | None:
        """Do what is due and put due entries into messages; seconds until the next, or None."""
        now = self._now()
        with self._store.transaction():
            self._life.run(now)
            self._store.flush()
            self.receipts.form(now)
            due = self._life.next_due()
        return None if due is None else max(0.0, (due - self._now()) / 1000)

    def ledger(self, after: int, limit: int) -> dict[str, Any]:
        """A page of the ledger."""
        return self._ledger.page(after, limit)

    def documents(self, after: int, limit: int) -> dict[str, Any]:
        """A page of the declarations as they stand."""
        return self._documents.page(after, limit)

    def health(self) -> dict[str, Any]:
        """How much is on its way out, and where to."""
        return {"ok": True, "receiptsUrl": self.receipts_url(), "waiting": self.receipts.counts()}

    def receipts_url(self) -> str | None:
        """Where receipts are posted; None until it was told."""
        rows = self._store.rows("SELECT value FROM settings WHERE name = ?", (RECEIPTS_URL,))
        return str(rows[0][0]) if rows else None

    def set_receipts_url(self, url: str) -> None:
        """Keep where receipts are posted."""
        with self._store.transaction():
            self._store.run(
                "INSERT OR REPLACE INTO settings (name, value) VALUES (?, ?)", (RECEIPTS_URL, url)
            )

    def close(self) -> None:
        """Wait for the work under way, then leave the folder to another process."""
        self._thread.shutdown(wait=True)
        self._store.close()

    def _now(self) -> int:
        return round(self._clock().timestamp() * 1000)
