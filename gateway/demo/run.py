"""One run of the demo, from an empty folder to the comparison of the ledgers.

async with running(options, progress) as demo:   keys, processes, registers
    await demo.submit()                           all parties hand in their documents
    await demo.follow()                           until every consignment has ended
    run = await demo.count()                      the store against the authority's ledger
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import AsyncIterator, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from gateway.client import Client
from gateway.demo.consignments import Consignment, make_consignments
from gateway.demo.evidence import read_evidence
from gateway.demo.following import Following, Inventories
from gateway.demo.installation import Installation, settings_for
from gateway.demo.parties import make_parties
from gateway.demo.progress import Progress
from gateway.demo.registering import Caller, register
from gateway.demo.report import Run
from gateway.demo.shipping import Shipment, make_shipments
from gateway.demo.submitting import Submitting, pile
from gateway.demo.troubles import load_troubles

PACE_SECONDS = 0.05
"""Between two steps of the simulator in the life of a document."""
IDLE_SECONDS = 60.0
"""The demo gives up when nothing has changed for so long."""
HANDED_IN, DERIVED, CLOSED = "records handed in", "inventories derived", "inventories closed"
SHOWN_ROLES = (
    "platform",
    "merchant",
    "declarant",
    "payment",
    "logistics",
    "site",
    "operator",
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What a run is asked for."""

    consignments: int = 60
    seed: int = 1
    signature: str = "both"
    data: Path | None = None
    """A new or empty folder that stays; None: a temporary one that goes."""
    messages: Path | None = None
    """Where the wire bytes are written; None: nowhere."""
    settings: Mapping[str, float] = field(default_factory=dict)
    """Settings of the gateway that differ from the demo's own."""
    pace_seconds: float = PACE_SECONDS
    idle_seconds: float = IDLE_SECONDS


@dataclass(slots=True, kw_only=True)
class Demo:
    """A prepared run: everybody is registered, nothing is handed in yet."""

    options: Options
    installation: Installation
    consignments: list[Consignment]
    shipments: list[Shipment]
    keys: Mapping[Caller, str]
    submitting: Submitting
    following: Following
    started: float = 0.0
    seconds: float = 0.0

    async def submit(self) -> None:
        """All parties hand in everything. Raises DemoFailed when a record is refused."""
        self.started = asyncio.get_running_loop().time()
        seed = self.options.seed
        await self._watched(self.submitting.everything(self.consignments, self.shipments, seed))

    async def follow(self) -> list[Consignment]:
        """Until every consignment has ended; those that did not."""
        left = await self._watched(self.following.until_ended(self.options.idle_seconds))
        self.seconds = asyncio.get_running_loop().time() - self.started
        return left

    async def count(self) -> Run:
        """What the run left behind, in the gateway's store and in the authority's ledger."""
        return Run(
            seed=self.options.seed,
            consignments=self.consignments,
            ends=self.following.ends,
            accepted=self.submitting.accepted,
            evidence=await asyncio.to_thread(read_evidence, self.installation.store),
            ledger=await self.installation.simulation.ledger(),
            seconds=self.seconds,
        )

    def addresses(self) -> dict[str, Any]:
        """The line of --keep: where everything is, with one API key of each role."""
        first: dict[str, str] = {}
        for caller, token in self.keys.items():
            first.setdefault(caller.role, token)
        return {
            "api": self.installation.gateway.url,
            "console": None,
            "simulator": self.installation.simulator.url,
            "keys": {role: first[role] for role in SHOWN_ROLES},
            "enterprises": {
                caller.role: caller.code
                for caller, token in self.keys.items()
                if caller.role in SHOWN_ROLES and first[caller.role] == token
            },
        }

    async def stay(self) -> None:
        """Returns never; raises DemoFailed when a process ends by itself."""
        await self.installation.watch()

    async def _watched(self, work: Coroutine[Any, Any, T]) -> T:
        """Do the work, unless a process ends before it is done. Raises DemoFailed then."""
        doing = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(self.installation.watch())
        try:
            await asyncio.wait({doing, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
            return await doing
        finally:
            for task in (doing, watching):
                task.cancel()
            await asyncio.gather(doing, watching, return_exceptions=True)


@asynccontextmanager
async def running(options: Options, progress: Progress) -> AsyncIterator[Demo]:
    """A prepared run; its processes end with the context, and so does a temporary folder."""
    async with AsyncExitStack() as stack:
        now = datetime.now(UTC)
        parties = make_parties(options.signature)
        consignments = make_consignments(
            options.consignments, options.seed, parties, load_troubles(), now
        )
        progress.say("starting the simulator and the gateway")
        installation = await stack.enter_async_context(
            Installation(
                folder=_folder(options, stack),
                parties=parties,
                settings=settings_for(options.consignments) | dict(options.settings),
                pace_seconds=options.pace_seconds,
                wire_folder=options.messages,
            )
        )
        yield await _prepare(stack, options, progress, installation, consignments, now)


async def _prepare(
    stack: AsyncExitStack,
    options: Options,
    progress: Progress,
    installation: Installation,
    consignments: list[Consignment],
    now: datetime,
) -> Demo:
    progress.say("registering enterprises, keys, mandates and goods")
    url = installation.gateway.url
    operator = await stack.enter_async_context(Client(url, installation.operator_key))
    keys = await register(installation, operator)
    shipments = make_shipments(consignments, installation.parties, options.seed, now)
    handed_in = 0

    def tell_handed_in(number: int) -> None:
        nonlocal handed_in
        handed_in += number
        progress.reached(HANDED_IN, handed_in)

    def tell_inventories(found: Inventories) -> None:
        progress.reached(DERIVED, found.derived)
        progress.reached(CLOSED, found.closed)

    progress.expect(HANDED_IN, sum(map(len, pile(consignments, shipments).values())))
    progress.expect(DERIVED, sum(one.trouble.declared for one in consignments))
    progress.expect(CLOSED, sum(one.trouble.ends == "closed" for one in consignments))
    clients = {
        caller: await stack.enter_async_context(Client(url, token))
        for caller, token in keys.items()
    }
    submitting = Submitting(clients, tell_handed_in)
    return Demo(
        options=options,
        installation=installation,
        consignments=consignments,
        shipments=shipments,
        keys=keys,
        submitting=submitting,
        following=Following(operator, consignments, submitting.correct, tell_inventories),
    )


def _folder(options: Options, stack: AsyncExitStack) -> Path:
    """The data folder: only its owner may look into it."""
    if options.data is None:
        made = Path(tempfile.mkdtemp(prefix="gateway-demo-"))
        stack.callback(shutil.rmtree, made, ignore_errors=True)
        return made
    options.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    return options.data
