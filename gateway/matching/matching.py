"""The handler of the matching queue: ids of consignments that may be ready to be declared.

Looking costs little until all partner documents stand; only then are they decrypted, judged by
the rules, and the inventory derived. What does not agree becomes discrepancies and holds the
consignment; nothing is overwritten, clipped or cut.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import structlog
from sqlalchemy import Connection, RowMapping

from gateway.errors import Invalid, Refused
from gateway.lifecycle import CONSIGNMENT
from gateway.matching.attaching import attach, fitting
from gateway.matching.declaring import Declaration, declare
from gateway.matching.deriving import Deriving, Held
from gateway.matching.lateness import LATE, OPEN_STATES, parties_of
from gateway.matching.loading import SLOTS, Loaded, load
from gateway.matching.sources import Sources
from gateway.messages.status import partner_ready
from gateway.ports import Announce, OutboxRow
from gateway.store import consignments as consignments_store
from gateway.store import discrepancies
from gateway.store.database import Database
from gateway.store.queues import post

MATCHING = "matching"

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Found:
    """What a look at a batch of consignments led to."""

    declarations: list[Declaration] = field(default_factory=list)
    held: list[Held] = field(default_factory=list)
    freed: list[Loaded] = field(default_factory=list)
    attached: list[tuple[Loaded, list[RowMapping]]] = field(default_factory=list)
    woken: list[str] = field(default_factory=list)


class Matching:
    """Looks at consignments and declares those that are complete and agree."""

    def __init__(
        self, sources: Sources, database: Database, announce: Announce, *, closing: timedelta
    ) -> None:
        self._sources = sources
        self._database = database
        self._announce = announce
        self._closing = closing
        self._deriving = Deriving(sources)

    async def handle(self, ids: Sequence[str]) -> None:
        """Returns when every consignment of the batch was looked at and what follows is stored.

        When a batch fails, each consignment is tried alone: one must not hold up the others.
        """
        try:
            await self._handle(ids)
        except Exception:
            if len(ids) == 1:
                await self._database.write(self._show, ids[0])
                raise
            log.exception("consignments_tried_alone", consignments=len(ids))
            faults = [fault for one in ids if (fault := await self._alone(one))]
            if faults:
                raise faults[0] from None

    async def _alone(self, consignment_id: str) -> Exception | None:
        try:
            await self.handle([consignment_id])
        except Exception as fault:  # noqa: BLE001 - raised by the caller when all had their turn
            return fault
        return None

    def _show(self, connection: Connection, consignment_id: str) -> None:
        """A consignment that cannot be worked on: tried again, and a person sees it."""
        opening = discrepancies.Opening(
            code="underivable",
            subject_kind="consignment",
            subject_id=consignment_id,
            consignment_id=consignment_id,
            parties="||",
        )
        discrepancies.open_all(connection, [opening], self._sources.clock())

    async def _handle(self, ids: Sequence[str]) -> None:
        loaded = await self._database.read(load, ids)
        found = _Found()
        for one in loaded:
            self._look(one, found)
        await self._wake_orders(loaded, found)
        if found != _Found():
            self._announce(await self._database.write(self._store, found))

    def _look(self, one: Loaded, found: _Found) -> None:
        home = one.home
        if home["state"] not in OPEN_STATES or home["living_inventory"]:
            return
        if "waybill" not in one.documents and one.unattached and "order" in one.documents:
            found.attached.append((one, self._fitting(one)))
            return
        if any(slot not in one.documents for slot in SLOTS) or not self._ready(one):
            return
        if one.versions == home["matched_versions"]:
            return
        try:
            result = self._deriving.derive(one)
        except Refused as reason:
            # No usable key or mandate any more since the door; a register that changes wakes it.
            result = Held(loaded=one, findings=(), code=reason.code)
        except Invalid as fault:
            problems = [{"path": problem.path, "code": problem.code} for problem in fault.problems]
            result = Held(loaded=one, findings=(), code="underivable", problems=problems)
        if isinstance(result, Declaration):
            found.declarations.append(result)
        elif result.holds:
            found.held.append(result)
        else:
            found.freed.append(one)

    def _ready(self, one: Loaded) -> bool:
        """Order, payment and waybill each stand under customs (a set of statuses, not an order)."""
        return all(
            partner_ready(row["authority_status"], one.codes[slot])
            for slot, row in one.documents.items()
        )

    def _fitting(self, one: Loaded) -> list[RowMapping]:
        order = self._deriving.content("order", one.documents["order"])
        candidates = [(row, self._deriving.content("waybill", row).head) for row in one.unattached]
        return fitting(order, candidates)

    async def _wake_orders(self, loaded: Sequence[Loaded], found: _Found) -> None:
        """A waybill without a platform became ready: its order may be there already."""
        numbers = [
            one.home["order_no"]
            for one in loaded
            if not one.home["ebp_code"] and "waybill" in one.documents
        ]
        if numbers:
            homes = await self._database.read(
                consignments_store.consignments_by_order, "I", numbers
            )
            found.woken += [
                home["id"] for home in homes if home["ebp_code"] and not home["waybill_key"]
            ]

    def _store(self, connection: Connection, found: _Found) -> list[OutboxRow]:
        now = self._sources.clock()
        declared = declare(
            connection, found.declarations, self._sources.vault, now, closing=self._closing
        )
        used = [Held(loaded=one.loaded, findings=(), code="cop_no_used") for one in declared.used]
        for held in (*found.held, *used):
            self._hold(connection, held)
        for one in found.freed:
            self._free(connection, one)
        woken = [*found.woken, *declared.changed]
        for one, waybills in found.attached:
            if attach(connection, one.home, waybills, parties_of(one), now):
                woken.append(one.home["id"])
        return declared.announced + post(connection, [(MATCHING, woken)], now)

    def _hold(self, connection: Connection, held: Held) -> None:
        """Hold the consignment; what was found before and is gone is closed."""
        now = self._sources.clock()
        home = held.loaded.home
        openings = held.openings()
        keep = [(one.subject_id, one.code) for one in openings]
        discrepancies.close(connection, [home["id"]], now, resolution="corrected", keep=keep)
        discrepancies.open_all(connection, openings, now)
        self._move(connection, held.loaded, "hold")

    def _free(self, connection: Connection, one: Loaded) -> None:
        """What was found is mended, and the consignment waits again; what is late stays late."""
        home = one.home["id"]
        late = [(home, code) for code in LATE]
        now = self._sources.clock()
        discrepancies.close(connection, [home], now, resolution="corrected", keep=late)
        self._move(connection, one, "free")

    def _move(self, connection: Connection, one: Loaded, happened: str) -> None:
        state = one.home["state"]
        following = CONSIGNMENT[state].get(happened)
        if following is not None and following != state:
            now = self._sources.clock()
            consignments_store.move_consignment(
                connection, one.home["id"], old=state, new=following, at=now
            )
