"""Wiring: every part of a running gateway, made once and put together here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from gateway.adapters.transports.http import HttpTransport, Timeouts
from gateway.adapters.transports.recorded import Recorded, WireFolder
from gateway.app.authorities import authorities
from gateway.app.brokers import make_broker
from gateway.app.stores import open_store, open_vault
from gateway.intake import Intake
from gateway.intake.door import Door
from gateway.matching import Arrivals, Lateness, Matching, Reconsidering
from gateway.matching.sources import Sources
from gateway.messages import Catalogue, load_catalogue
from gateway.messages.derivation import DerivationSettings
from gateway.messages.modes import load_modes
from gateway.messages.rules import Rules, load_rules
from gateway.ports import Authority, Broker, Signer, Transport
from gateway.reconciliation import Applying, Receiving
from gateway.reconciliation.consequences import Consequences
from gateway.reconciliation.reading import Reading
from gateway.reconciliation.releasing import Releasing
from gateway.relay import Relay
from gateway.settings import Settings
from gateway.signing.pool import SignerPool
from gateway.store.database import Database
from gateway.store.registry import KeyChoice, Registers
from gateway.store.vault import Vault
from gateway.submission import (
    Channel,
    Gathering,
    KeyGuard,
    Resuming,
    Sending,
    Splitting,
    Waits,
    Writing,
)
from gateway.telemetry import Clock, now
from gateway.web.server import Services


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """The running parts that others may ask for."""

    services: Services
    sending: Sending
    lateness: Lateness


@dataclass(frozen=True, kw_only=True)
class _Parts:
    """What most parts are made of."""

    settings: Settings
    database: Database
    vault: Vault
    clock: Clock
    catalogue: Catalogue
    registers: Registers
    rules: Rules
    adapters: Mapping[str, Authority]
    broker: Broker
    relay: Relay
    committed: asyncio.Event
    """Set when a message was committed, so that the sender looks at once."""

    @property
    def signature_codes(self) -> frozenset[str]:
        """Codes of every authority for a refused signature or certificate."""
        rows = [one.row for one in self.catalogue.types.values()]
        return frozenset(code for row in rows for code in row.signature_codes)


@asynccontextmanager
async def running(settings: Settings, clock: Clock = now) -> AsyncIterator[Gateway]:
    """A gateway with every role in one process; stops in the reverse order, within bounds."""
    async with AsyncExitStack() as stack:
        database = open_store(settings)
        stack.callback(database.close)
        parts = await _parts(settings, database, clock)
        wires = WireFolder(settings.wire_folder) if settings.wire_folder else None
        transports = _transports(settings, wires)
        for transport in transports.values():
            stack.push_async_callback(transport.close)
        _subscribe(parts)
        gateway = _gateway(parts, wires, transports)
        services = gateway.services
        for start, stop in (
            (parts.broker.start, parts.broker.stop),
            (parts.relay.start, parts.relay.stop),
            (gateway.sending.start, gateway.sending.stop),
            (gateway.lateness.start, gateway.lateness.stop),
            (services.receiving.start, services.receiving.stop),
            (services.intake.start, services.intake.stop),
        ):
            await start()
            stack.push_async_callback(stop)
        yield gateway


async def _parts(settings: Settings, database: Database, clock: Clock) -> _Parts:
    catalogue = load_catalogue()
    registers = Registers(database, catalogue, clock)
    await registers.load()
    broker = make_broker(settings)
    overrides = [one.model_dump(exclude_none=True) for one in settings.rules]
    return _Parts(
        settings=settings,
        database=database,
        vault=open_vault(settings),
        clock=clock,
        catalogue=catalogue,
        registers=registers,
        rules=load_rules(load_modes(), overrides),
        adapters=authorities(settings.customs_success_code),
        broker=broker,
        relay=Relay(database, broker, clock, sweep_seconds=settings.sweep_seconds),
        committed=asyncio.Event(),
    )


def _gateway(
    parts: _Parts, wires: WireFolder | None, transports: Mapping[str, Transport]
) -> Gateway:
    settings, relay = parts.settings, parts.relay
    intake = Intake(
        Door(
            catalogue=parts.catalogue,
            registry=parts.registers,
            rules=parts.rules,
            vault=parts.vault,
            clock=parts.clock,
        ),
        parts.database,
        relay.announce,
        collecting=timedelta(seconds=settings.collecting_wait_seconds),
        backlog=lambda: relay.backlog,
        backlog_max=settings.backlog_max,
    )
    receiving = Receiving(
        parts.database,
        parts.vault,
        parts.clock,
        relay.announce,
        frozenset(parts.adapters),
        wires.keep if wires else None,
    )
    services = Services(
        catalogue=parts.catalogue,
        registers=parts.registers,
        intake=intake,
        receiving=receiving,
        database=parts.database,
        vault=parts.vault,
        clock=parts.clock,
    )
    sending = Sending(
        parts.database,
        parts.vault,
        parts.clock,
        {
            name: Channel(authority=parts.adapters[name], transport=transport)
            for name, transport in transports.items()
        },
        relay.announce,
        _waits(settings),
        guard=KeyGuard(pause=parts.registers.pause, signature_codes=parts.signature_codes),
        kick=parts.committed,
    )
    lateness = Lateness(
        parts.database,
        parts.clock,
        poll_seconds=settings.lateness_poll_seconds,
        patience=timedelta(seconds=settings.collecting_wait_seconds),
    )
    return Gateway(services=services, sending=sending, lateness=lateness)


def _subscribe(parts: _Parts) -> None:
    """Give every queue its handler."""
    settings, database, clock = parts.settings, parts.database, parts.clock
    announce = parts.relay.announce
    writing = Writing(
        catalogue=parts.catalogue,
        registry=parts.registers,
        authorities=parts.adapters,
        receivers={
            "import": settings.customs_receiver_import,
            "export": settings.customs_receiver_export,
        },
        signer=_signer(SignerPool()),
        database=database,
        vault=parts.vault,
        clock=clock,
    )
    gathering = Gathering(
        writing,
        parts.catalogue,
        parts.registers,
        database,
        clock,
        linger_seconds=settings.linger_seconds,
        committed=parts.committed,
    )
    splitting = Splitting(
        writing,
        parts.registers,
        database,
        clock,
        announce,
        Releasing(catalogue=parts.catalogue, vault=parts.vault).release,
        signature_codes=parts.signature_codes,
        committed=parts.committed,
    )
    sources = Sources(
        catalogue=parts.catalogue,
        registry=parts.registers,
        rules=parts.rules,
        derivation=DerivationSettings(**settings.derivation.model_dump()),
        vault=parts.vault,
        clock=clock,
    )
    closing = timedelta(seconds=settings.closing_wait_seconds)
    for queue, handler in {
        "submission": gathering.handle,
        "splitting": splitting.handle,
        "reconciliation": _applying(parts).handle,
        "matching": Matching(sources, database, announce, closing=closing).handle,
        "arrivals": Arrivals(sources, database, announce).handle,
        "reconsidering": Reconsidering(database, announce, clock).handle,
        "resumption": Resuming(database, announce, clock, parts.signature_codes).handle,
    }.items():
        parts.broker.subscribe(queue, handler)


def _applying(parts: _Parts) -> Applying:
    settings = parts.settings
    return Applying(
        parts.database,
        parts.vault,
        parts.clock,
        Reading(
            catalogue=parts.catalogue,
            authorities=parts.adapters,
            identity=parts.registers.identity,
            senders={settings.customs_receiver_import, settings.customs_receiver_export},
            is_ours=parts.registers.is_our_dxp_id,
        ),
        Consequences(
            catalogue=parts.catalogue,
            pause=parts.registers.pause,
            signature_codes=parts.signature_codes,
        ),
        Releasing(catalogue=parts.catalogue, vault=parts.vault),
        parts.relay.announce,
        tolerance=timedelta(seconds=settings.clock_tolerance_seconds),
    )


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
            version=choice.version,
        )

    return signer
