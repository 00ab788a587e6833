"""The installation of the demo: a data folder with keys and settings, and the two processes."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from gateway.demo.parties import LENIENT_OFFICE, Parties, Party
from gateway.demo.processes import DemoFailed, Service, command
from gateway.demo.simulation import Simulation
from gateway.signing.software import generate

ZONE = "ZONE"
CUSTOMS = "CUSTOMS"
WATCH_SECONDS = 0.3

WAITS: Mapping[str, float] = {
    "linger_seconds": 0.3,
    "unknown_wait_seconds": 1,
    "answer_wait_seconds": 60,
    "send_poll_seconds": 0.2,
    "sweep_seconds": 0.5,
    "lateness_poll_seconds": 0.5,
    "closing_wait_seconds": 3600,
    "clock_tolerance_seconds": 1,
}
"""Waiting times in seconds, where production waits for minutes and days."""

COLLECTING_SECONDS = 5.0
COLLECTING_SECONDS_PER_CONSIGNMENT = 0.01
"""A missing payment is overdue after this time; handing everything in must take less."""


@dataclass(slots=True)
class Installation:
    """Gateway and simulator in one data folder; an async context manager that ends both."""

    folder: Path
    parties: Parties
    settings: Mapping[str, float]
    pace_seconds: float
    wire_folder: Path | None = None
    operator_key: str = ""
    gateway: Service = field(init=False)
    simulator: Service = field(init=False)

    def __post_init__(self) -> None:
        data = self.folder / "simulator"
        pace = str(self.pace_seconds)
        self.simulator = Service(
            "simulator", ("simulate", "--data", str(data), "--pace", pace), self.folder
        )
        self.gateway = Service("gateway", self._serve(), self.folder)

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    @property
    def services(self) -> Mapping[str, Service]:
        """Both processes by name."""
        return {one.name: one for one in (self.gateway, self.simulator)}

    @property
    def store(self) -> Path:
        """The database file of the gateway."""
        return self.folder / "gateway" / "gateway.sqlite"

    @property
    def simulation(self) -> Simulation:
        """The control side of the simulator."""
        return Simulation(url=self.simulator.url)

    def key_files(self, party: Party) -> tuple[Path, Path]:
        """Where the key and the certificate of an enterprise lie."""
        own = self.folder / "keys" / party.code
        return own / "key.pem", own / "cert.pem"

    def write_settings(self, changes: Mapping[str, float]) -> None:
        """Write the gateway's settings file; it is read at the next start."""
        lines = [
            f"{name} = {value}" for name, value in (dict(self.settings) | dict(changes)).items()
        ]
        # Customs shall find a wrong amount by itself where goods are declared at this office.
        rule = ["[[rules]]", 'rule = "M05"', f'customsCode = "{LENIENT_OFFICE}"', "enabled = false"]
        (self.folder / "gateway.toml").write_text("\n".join([*lines, "", *rule, ""]))

    async def watch(self) -> None:
        """Returns never; raises DemoFailed when a process ends that should run."""
        while True:
            for service in self.services.values():
                if service.died:
                    raise DemoFailed(f"{service.name} ended by itself: {service.tail()}")
            await asyncio.sleep(WATCH_SECONDS)

    async def _start(self) -> None:
        self.write_settings({})
        # One API key after the other: the embedded store belongs to one process at a time.
        receipts_key, _ = await asyncio.gather(
            self._api_key("authority", CUSTOMS), asyncio.to_thread(self._make_keys)
        )
        self.simulator.given = {"SIMULATOR_RECEIPTS_KEY": receipts_key}
        address, self.operator_key = await asyncio.gather(
            self.simulator.start(), self._api_key("operator", ZONE)
        )
        self.gateway.given = {"GATEWAY_CUSTOMS_URL": f"{address}/dxp"} | (
            {"GATEWAY_WIRE_FOLDER": str(self.wire_folder)} if self.wire_folder else {}
        )
        await self.simulation.send_receipts_to(await self.gateway.start())

    async def _stop(self) -> None:
        try:
            await asyncio.gather(self.gateway.stop(), self.simulator.stop())
        finally:
            # Reached with a process alive only when this very stop was interrupted.
            self.gateway.abandon()
            self.simulator.abandon()

    async def _api_key(self, role: str, enterprise: str) -> str:
        data = str(self.folder / "gateway")
        return await command(
            ("keys", "api", "--role", role, "--enterprise", enterprise, "--data", data)
        )

    def _serve(self) -> tuple[str, ...]:
        config = str(self.folder / "gateway.toml")
        return ("serve", "--data", str(self.folder / "gateway"), "--config", config)

    def _make_keys(self) -> None:
        for party in self.parties.signers():
            algorithm = "sm2" if party.signature_set.startswith("sm2") else "rsa"
            made = generate(algorithm, party.code, party.name)
            for path, data in zip(self.key_files(party), made, strict=True):
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
                with os.fdopen(descriptor, "wb") as file:
                    file.write(data)


def settings_for(consignments: int) -> dict[str, float]:
    """The waiting times of the gateway for a demo of this size."""
    collecting = COLLECTING_SECONDS + COLLECTING_SECONDS_PER_CONSIGNMENT * consignments
    return dict(WAITS) | {"collecting_wait_seconds": collecting}
