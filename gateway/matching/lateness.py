"""Lateness: consignments whose time has come without what they wait for."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy import Connection, RowMapping, select

from gateway.matching.loading import Loaded, load
from gateway.messages.shipments import shipment_lacks
from gateway.messages.status import partner_ready
from gateway.messages.versions import TURNED_DOWN
from gateway.store import consignments as consignments_store
from gateway.store import discrepancies
from gateway.store import documents as documents_store
from gateway.store.database import Database
from gateway.store.tables import consignments
from gateway.telemetry import Clock

ARRIVAL = "arrival"
OPEN_STATES = ("collecting", "held")
NOT_ACCEPTED = "not_accepted"
LATE_MAX = 500
"""Consignments of one look."""

MISSING: Mapping[str, str] = {"order": "M01", "waybill": "M02", "payment": "M03"}
"""The partner that is missing, to the rule that says so."""

LATE = (*MISSING.values(), "R-shipment", NOT_ACCEPTED)
"""What an undeclared consignment may lack, looked at anew each time."""

log = structlog.get_logger(__name__)


class Lateness:
    """Looks for late consignments every `poll_seconds`."""

    def __init__(
        self, database: Database, clock: Clock, *, poll_seconds: float, patience: timedelta
    ) -> None:
        """`patience` is how long an arrival may wait, and when a late consignment is seen again."""
        self._patience = patience
        self._database = database
        self._clock = clock
        self._poll_seconds = poll_seconds
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._poll_seconds)
            try:
                while await self._database.write(self.look) == LATE_MAX:
                    pass
            except Exception:  # a fault of the store must not end the watch
                log.exception("lateness_failed")

    def look(self, connection: Connection) -> int:
        """Open a discrepancy for each late consignment; how many were looked at."""
        now = self._clock()
        ids = list(
            connection.execute(
                select(consignments.c.id)
                .where(consignments.c.due_at <= now)
                .limit(LATE_MAX)
                .with_for_update(skip_locked=True)
            ).scalars()
        )
        found = load(connection, ids)
        openings = [one for loaded in found for one in self._openings(loaded)]
        keep = [(one.subject_id, one.code) for one in openings]
        discrepancies.close(connection, ids, now, resolution="received", codes=LATE, keep=keep)
        discrepancies.open_all(connection, openings, now)
        # What lacks one thing today may lack another later; it is seen again in as long a time.
        again = {one.home["id"] for one in found if _is_open(one)}
        later = now + self._patience
        done = [{"row": one, "due_at": later if one in again else None} for one in ids]
        consignments_store.set_consignment(connection, done)
        self._look_at_arrivals(connection, now)
        return len(ids)

    def _look_at_arrivals(self, connection: Connection, now: datetime) -> None:
        """An arrival whose shipment never comes is nobody's consignment, and must be seen too."""
        late = documents_store.waiting_since(connection, now - self._patience, LATE_MAX)
        openings = [
            discrepancies.Opening(
                code="R-shipment",
                subject_kind="document",
                subject_id=row["id"],
                document_id=row["id"],
                parties=row["parties"],
                detail={"missing": "shipment", "kind": row["kind"]},
            )
            for row in late
            if row["kind"] == ARRIVAL
        ]
        discrepancies.open_all(connection, openings, now)

    def _openings(self, loaded: Loaded) -> list[discrepancies.Opening]:
        home = loaded.home
        if home["living_inventory"]:
            codes = {"overdue": "inventory"}
        else:
            codes = {rule: slot for slot, rule in MISSING.items() if slot not in loaded.documents}
            codes = codes or _lacking(loaded)
        parties = parties_of(loaded)
        return [
            discrepancies.Opening(
                code=code,
                subject_kind="consignment",
                subject_id=home["id"],
                consignment_id=home["id"],
                parties=parties,
                detail={"missing": what},
            )
            for code, what in codes.items()
        ]


def _is_open(loaded: Loaded) -> bool:
    """Whether the consignment may still be declared, so that it is looked at again."""
    return not loaded.home["living_inventory"] and loaded.home["state"] in OPEN_STATES


def _lacking(loaded: Loaded) -> dict[str, str]:
    """Why a consignment with all its documents is not declared: the shipment, or a status."""
    head = loaded.shipments[0]["head"] if loaded.shipments else None
    if shipment_lacks(head, parcel_listed=bool(loaded.shipments)):
        return {"R-shipment": "shipment"}
    waiting = [
        slot
        for slot, row in loaded.documents.items()
        if not partner_ready(row["authority_status"], loaded.codes[slot]) and not _shown(row)
    ]
    # Held for a finding, or a document turned down: their own discrepancies are open.
    return {NOT_ACCEPTED: ", ".join(waiting)} if waiting else {}


def _shown(row: RowMapping) -> bool:
    """Whether the document has a discrepancy of its own."""
    return row["local_state"] == "refused" or row["authority_state"] in TURNED_DOWN


def parties_of(loaded: Loaded) -> str:
    """Every code that may see a document of the consignment, between bars."""
    joined = "".join(row["parties"] for row in loaded.documents.values())
    codes = [code for code in dict.fromkeys(joined.split("|")) if code]
    return "|" + "|".join(codes) + "|"
