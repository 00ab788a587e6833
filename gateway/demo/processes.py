"""Processes of the demo: started, awaited, stopped and killed, each by its own id."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from gateway.errors import GatewayError

READY_SECONDS = 60
"""How long a process may take to say that it is ready; a cold start on a busy machine."""
STOP_SECONDS = 15
COMMAND_SECONDS = 60
TAIL_LINES = 5
OURS = ("GATEWAY_", "SIMULATOR_")
"""Variables that belong to the user's own gateway: the demo's processes must not see them."""


class DemoFailed(GatewayError):
    """The demo could not be carried out; the sentence says what to look at."""

    def __init__(self, en: str, zh: str = "演示未能完成。") -> None:
        super().__init__("D-demo", zh, en)


def environment(given: Mapping[str, str]) -> dict[str, str]:
    """The environment of a child: ours without the settings of another gateway, plus `given`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
    return own | {"PYTHONUNBUFFERED": "1"} | dict(given)


@dataclass(slots=True)
class Service:
    """`gateway COMMAND` as a process that prints {"url": …} when it is ready.

    Its later stdout goes to NAME.out and its stderr to NAME.err in `folder`.
    """

    name: str
    arguments: Sequence[str]
    folder: Path
    given: Mapping[str, str] = field(default_factory=dict)
    url: str = ""
    _process: asyncio.subprocess.Process | None = None
    _drain: asyncio.Task[None] | None = None
    _wanted: bool = False

    async def start(self) -> str:
        """Start it, on the same port as before if there was one; its address. Raises DemoFailed."""
        port = self.url.rpartition(":")[2] or "0"
        with (self.folder / f"{self.name}.err").open("ab") as errors:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "gateway", *self.arguments, "--port", port,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=errors,
                env=environment(self.given),
                # Ctrl-C is for the demo, which then stops its processes in order.
                start_new_session=True,
            )  # fmt: skip
        self._wanted = True
        try:
            async with asyncio.timeout(READY_SECONDS):
                line = await self._stdout().readline()
            self.url = json.loads(line)["url"]
        except (TimeoutError, ValueError, KeyError) as fault:
            await self.stop()
            raise DemoFailed(f"{self.name} did not start: {self.tail()}") from fault
        self._drain = asyncio.create_task(self._keep_output(line))
        return self.url

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL when it does not end in time; nothing when it does not run."""
        self._wanted = False
        process = self._process
        if process is not None and process.returncode is None:
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            try:
                async with asyncio.timeout(STOP_SECONDS):
                    await process.wait()
            except TimeoutError:
                await self.kill()
        await self._finish_output()

    async def kill(self) -> int | None:
        """SIGKILL, as a power cut would; its exit status, None when it never ran."""
        self._wanted = False
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
        await self._finish_output()
        return self._process.returncode if self._process else None

    def abandon(self) -> None:
        """SIGKILL without waiting, for when there is no time left; nothing when it has ended."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.kill()

    @property
    def died(self) -> bool:
        """Whether it ended although nobody asked it to."""
        process = self._process
        return self._wanted and process is not None and process.returncode is not None

    def tail(self) -> str:
        """The last lines of its stderr."""
        path = self.folder / f"{self.name}.err"
        lines = path.read_text("utf-8", errors="replace").splitlines() if path.exists() else []
        return " / ".join(lines[-TAIL_LINES:]) or "it said nothing"

    def _stdout(self) -> asyncio.StreamReader:
        if self._process is None or self._process.stdout is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.stdout

    async def _keep_output(self, first: bytes) -> None:
        """Write its stdout down, so that a full pipe never stops it."""
        with (self.folder / f"{self.name}.out").open("ab") as file:
            data = first
            while data:
                file.write(data)
                file.flush()
                data = await self._stdout().read(65_536)

    async def _finish_output(self) -> None:
        if self._drain is not None:
            await self._drain
            self._drain = None


async def command(arguments: Sequence[str], given: Mapping[str, str] | None = None) -> str:
    """Run `gateway …` to its end; its stdout without the last line break. Raises DemoFailed."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(given or {}),
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(COMMAND_SECONDS):
            output, errors = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        said = errors.decode("utf-8", errors="replace").strip()
        raise DemoFailed(f"gateway {' '.join(arguments[:2])} failed: {said}")
    return output.decode().strip()
