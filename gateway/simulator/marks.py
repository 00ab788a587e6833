"""What steered things have already happened, durably: a restart neither repeats nor skips one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

from gateway.simulator.documents import listed
from gateway.simulator.scenarios import Scenario
from gateway.simulator.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Steered:
    """A scenario that concerns a document of a message, and the subject it is counted by."""

    scenario: Scenario
    subject: str

    @classmethod
    def of(cls, scenario: Scenario, order_no: str, type_: str) -> Self:
        """The scenario of an order number as it meets a document of that type."""
        subject = [scenario.name, order_no]
        if scenario.counted_by == "document":
            subject.append(type_)
        return cls(scenario=scenario, subject=listed(subject))


class Marks:
    """Counts; every call is inside the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def happens(self, steered: Iterable[Steered]) -> bool:
        """Whether at least one of these things happens now; each that does is counted."""
        every = {one.subject: one.scenario for one in steered}
        counted = [subject for subject, scenario in every.items() if scenario.times]
        if not every:
            return False
        rows = self._store.rows(
            "SELECT name, times FROM marks WHERE name IN (SELECT value FROM json_each(?))",
            (listed(counted),),
        )
        times = dict(rows)
        due = [one for one in counted if times.get(one, 0) < every[one].times]
        self._store.run_many(
            "INSERT INTO marks (name, times) VALUES (?, 1)"
            " ON CONFLICT (name) DO UPDATE SET times = times + 1",
            [(one,) for one in due],
        )
        return bool(due) or len(counted) < len(every)
