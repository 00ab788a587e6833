"""Progress on stderr: bars on a terminal, now and then a plain line elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

LINE_SECONDS = 3.0
"""Between two plain lines."""


class Progress(Protocol):
    """What is shown while the demo works."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def say(self, text: str) -> None:
        """A step that has no length."""

    def expect(self, name: str, total: int) -> None:
        """There will be so many of something."""

    def reached(self, name: str, number: int) -> None:
        """So many of them are done."""


def progress_on(console: Console) -> Progress:
    """Bars where a person watches, else plain lines."""
    return _Terminal(console) if console.is_terminal else _Lines(console)


class _Terminal:
    def __init__(self, console: Console) -> None:
        self._bars = Bars(
            TextColumn("{task.description:<28}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=console,
        )
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        self._bars.console.print(text)

    def expect(self, name: str, total: int) -> None:
        self._tasks[name] = self._bars.add_task(name, total=total)

    def reached(self, name: str, number: int) -> None:
        self._bars.update(self._tasks[name], completed=number)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._totals: dict[str, int] = {}
        self._done: dict[str, int] = {}
        self._shown_at = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._show()

    def say(self, text: str) -> None:
        self._console.print(text, soft_wrap=True)

    def expect(self, name: str, total: int) -> None:
        self._totals[name] = total
        self._done[name] = 0

    def reached(self, name: str, number: int) -> None:
        self._done[name] = number
        if time.monotonic() >= self._shown_at + LINE_SECONDS:
            self._show()

    def _show(self) -> None:
        self._shown_at = time.monotonic()
        parts = [f"{name} {self._done[name]}/{total}" for name, total in self._totals.items()]
        if parts:
            self._console.print(", ".join(parts), soft_wrap=True)
