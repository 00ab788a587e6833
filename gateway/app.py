"""The composition root: the one place that picks implementations and wires them together."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from gateway.adapters.authorities.customs import Customs
from gateway.adapters.brokers.local import LocalBroker
from gateway.adapters.transports.http import HttpTransport, Timeouts
from gateway.adapters.transports.recorded import Recorded, WireFolder
from gateway.intake import Intake
from gateway.intake.door import Door
from gateway.matching import Arrivals, Lateness, Matching
from gateway.matching.sources import Sources
from gateway.messages import load_catalogue
from gateway.messages.modes import load_modes
from gateway.messages.rules import load_rules
from gateway.ports import Authority, Signer, Transport
from gateway.reconciliation import Applying, Receiving
from gateway.reconciliation.consequences import Consequences
from gateway.reconciliation.reading import Reading
from gateway.reconciliation.releasing import Releasing
from gateway.registers import KeyChoice, Registers
from gateway.relay import Relay
from gateway.settings import Settings
from gateway.signing.pool import SignerPool
from gateway.store.database import Database
from gateway.store.migrate import upgrade
from gateway.store.vault import Vault, load_data_key
from gateway.submission import Gathering, Sending, Splitting, Waits, Writing
from gateway.telemetry import Clock, now
from gateway.web.server import Services

QUEUES: Mapping[str, int] = {
    "submission": 64,
    "splitting": 1,
    "reconciliation": 1,
    "matching": 1,
    "arrivals": 1,
}
"""Every queue with the number of batches that are worked on at once."""


def authorities(settings: Settings | None = None) -> dict[str, Authority]:
    """Every authority by name."""
    code = settings.customs_success_code if settings else "0000"
    return {"customs": Customs(success_code=code)}


def open_store(settings: Settings) -> Database:
    """The store, at the newest revision, held by this process alone when it is embedded."""
    settings.data.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = None if settings.database_url else settings.data / "lock"
    database = Database(settings.url, lock_file=lock)
    upgrade(database.engine)
    return database


def open_vault(settings: Settings) -> Vault:
    """The vault of the data key."""
    text = settings.data_key.get_secret_value() if settings.data_key else None
    return Vault(load_data_key(text, settings.data / "data.key"))


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The running parts, in the order in which they start."""

    services: Services
    registers: Registers
    broker: LocalBroker
    relay: Relay
    sending: Sending
    lateness: Lateness


@asynccontextmanager
async def running(settings: Settings, clock: Clock = now) -> AsyncIterator[Gateway]:
    """A gateway with every role in one process; stops in the reverse order, within bounds."""
    async with AsyncExitStack() as stack:
        database = open_store(settings)
        stack.callback(database.close)
        gateway, transports = await _build(settings, database, open_vault(settings), clock)
        for transport in transports.values():
            stack.push_async_callback(transport.close)
        services = gateway.services
        await gateway.broker.start()
        stack.push_async_callback(gateway.broker.stop)
        await gateway.relay.start()
        stack.push_async_callback(gateway.relay.stop)
        await gateway.sending.start()
        stack.push_async_callback(gateway.sending.stop)
        gateway.lateness.start()
        stack.push_async_callback(gateway.lateness.stop)
        services.receiving.start()
        stack.push_async_callback(services.receiving.stop)
        services.intake.start()
        stack.push_async_callback(services.intake.stop)
        yield gateway


async def _build(
    settings: Settings, database: Database, vault: Vault, clock: Clock
) -> tuple[Gateway, Mapping[str, Transport]]:
    catalogue = load_catalogue()
    registers = Registers(database, catalogue, clock)
    await registers.load()
    broker = LocalBroker(QUEUES)
    relay = Relay(database, broker, clock, sweep_seconds=settings.sweep_seconds)
    wires = WireFolder(settings.wire_folder) if settings.wire_folder else None
    adapters = authorities(settings)
    transports = _transports(settings, wires)
    committed = asyncio.Event()
    writing = Writing(
        catalogue=catalogue,
        registry=registers,
        authorities=adapters,
        receivers={
            "import": settings.customs_receiver_import,
            "export": settings.customs_receiver_export,
        },
        signer=_signer(SignerPool()),
        database=database,
        vault=vault,
        clock=clock,
    )
    modes = load_modes()
    rules = load_rules(modes, [one.model_dump(exclude_none=True) for one in settings.rules])
    door = Door(
        catalogue=catalogue,
        registry=registers,
        rules=rules,
        modes=modes,
        vault=vault,
        clock=clock,
    )
    _subscribe(
        settings,
        broker,
        relay,
        database,
        vault,
        clock,
        writing,
        door,
        adapters,
        committed,
        registers.pause,
    )
    intake = Intake(
        door,
        database,
        relay.announce,
        collecting=timedelta(seconds=settings.collecting_wait_seconds),
        backlog=lambda: relay.backlog,
        backlog_max=settings.backlog_max,
    )
    receiving = Receiving(
        database, vault, clock, relay.announce, frozenset(adapters), wires.keep if wires else None
    )
    return (
        Gateway(
            services=Services(
                catalogue=catalogue,
                registers=registers,
                intake=intake,
                receiving=receiving,
                database=database,
                vault=vault,
                clock=clock,
            ),
            registers=registers,
            broker=broker,
            relay=relay,
            sending=Sending(
                database,
                vault,
                clock,
                adapters,
                transports,
                relay.announce,
                _waits(settings),
                kick=committed,
            ),
            lateness=Lateness(database, clock, poll_seconds=settings.lateness_poll_seconds),
        ),
        transports,
    )


def _subscribe(
    settings: Settings,
    broker: LocalBroker,
    relay: Relay,
    database: Database,
    vault: Vault,
    clock: Clock,
    writing: Writing,
    door: Door,
    adapters: Mapping[str, Authority],
    committed: asyncio.Event,
    pause: Callable[[str], Awaitable[None]],
) -> None:
    """Give every queue its handler."""
    catalogue, registry = door.catalogue, door.registry
    gathering = Gathering(
        writing,
        catalogue,
        registry,
        database,
        clock,
        linger_seconds=settings.linger_seconds,
        committed=committed,
    )
    splitting = Splitting(writing, registry, database, clock, committed=committed)
    applying = Applying(
        database,
        vault,
        clock,
        Reading(
            catalogue=catalogue,
            authorities=adapters,
            identity=registry.identity,
            senders={settings.customs_receiver_import, settings.customs_receiver_export},
            is_ours=registry.is_our_dxp_id,
        ),
        Consequences(catalogue=catalogue, pause=pause),
        Releasing(catalogue=catalogue, vault=vault),
        relay.announce,
        tolerance=timedelta(seconds=settings.clock_tolerance_seconds),
    )
    closing = timedelta(seconds=settings.closing_wait_seconds)
    sources = Sources(
        catalogue=catalogue, registry=registry, rules=door.rules, vault=vault, clock=clock
    )
    matching = Matching(sources, database, relay.announce, closing=closing)
    broker.subscribe("submission", gathering.handle)
    broker.subscribe("splitting", splitting.handle)
    broker.subscribe("reconciliation", applying.handle)
    broker.subscribe("matching", matching.handle)
    broker.subscribe("arrivals", Arrivals(sources, database, relay.announce).handle)


def _transports(settings: Settings, wires: WireFolder | None) -> dict[str, Transport]:
    timeouts = Timeouts(
        connect_seconds=settings.connect_timeout_seconds,
        read_seconds=settings.read_timeout_seconds,
        total_seconds=settings.total_timeout_seconds,
    )
    http: Transport = HttpTransport(
        settings.customs_url, timeouts, connections_max=settings.connections_max
    )
    return {"customs": Recorded(http, wires) if wires else http}


def _waits(settings: Settings) -> Waits:
    return Waits(
        answer_seconds=settings.answer_wait_seconds,
        unknown_seconds=settings.unknown_wait_seconds,
        lease_seconds=settings.total_timeout_seconds * 2,
        poll_seconds=settings.send_poll_seconds,
        attempts_overdue=settings.attempts_overdue,
        attempts_max=settings.attempts_max,
    )


def _signer(pool: SignerPool) -> Callable[[KeyChoice], Signer]:
    """The signer that a choice of key names."""

    def signer(choice: KeyChoice) -> Signer:
        return pool.signer(
            choice.signature_set,
            choice.key_reference,
            choice.certificate_reference,
            choice.password_variable,
        )

    return signer
