"""The handler of the arrivals queue: a tally becomes CEB711 once its shipment is complete."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import structlog
from sqlalchemy import Connection, RowMapping

from gateway.errors import Invalid
from gateway.matching.sources import Sources
from gateway.messages import validate, write
from gateway.messages.derivation import derive_arrival
from gateway.messages.facts import ArrivalFacts
from gateway.messages.findings import Finding
from gateway.messages.versions import release, versioned
from gateway.model import Content
from gateway.ports import Announce, OutboxRow
from gateway.store import discrepancies
from gateway.store import documents as documents_store
from gateway.store import shipments as shipments_store
from gateway.store.database import Database
from gateway.store.documents import key_parts
from gateway.store.prepared import SUBMISSION, known_version
from gateway.store.queues import post

MODE = "direct-import"

log = structlog.get_logger(__name__)


class Arrivals:
    """Derives the warehouse-in list of waiting arrivals; see `handle`."""

    def __init__(self, sources: Sources, database: Database, announce: Announce) -> None:
        self._sources = sources
        self._database = database
        self._announce = announce

    async def handle(self, ids: Sequence[str]) -> None:
        """Returns when each arrival is complete, or known to wait for its shipment."""
        self._announce(await self._database.write(self._derive, ids))

    def _derive(self, connection: Connection, ids: Sequence[str]) -> list[OutboxRow]:
        now = self._sources.clock()
        shipments_store.take_turn(connection)
        changes = []
        rows = documents_store.documents_by_id(connection, ids)
        versions = documents_store.versions_of(connection, {row["key_id"] for row in rows})
        for row in rows:
            app_type = release([known_version(one) for one in versions[row["key_id"]]])
            if row["local_state"] != "waiting" or row["sealed_fragment"] or app_type is None:
                continue
            fragment = self._fragment(connection, row, app_type)
            if fragment is not None:
                changes.append(
                    {
                        "row": row["id"],
                        "fragment": self._sources.vault.seal(row["id"], fragment),
                        "app_kind": app_type,
                    }
                )
        documents_store.set_fragment(connection, changes)
        done = [str(change["row"]) for change in changes]
        documents_store.move(connection, "complete", done, at=now)
        return post(connection, [(SUBMISSION, done)], now)

    def _fragment(self, connection: Connection, row: RowMapping, app_type: str) -> bytes | None:
        """The canonical CEB711, or None while the shipment lacks what it needs."""
        arrival = self._arrival(row)
        shipment = shipments_store.shipment(
            connection,
            shipments_store.ShipmentKey(
                direction="I",
                bill_no=arrival.head["billNo"],
                traf_mode=arrival.head["trafMode"],
            ),
        )
        derived = derive_arrival(self._facts(arrival, shipment), self._sources.rules)
        if derived.content is None:
            codes = sorted({one.code for one in derived.findings})
            log.info("arrival_waits", document=row["id"], findings=codes)
            if not derived.waits:
                self._show(connection, row, derived.findings)
            return None
        discrepancies.close(connection, [row["id"]], self._sources.clock(), resolution="corrected")
        type_ = self._sources.catalogue.type(row["type"])
        tally = Content(
            {**derived.content.head, "copNo": key_parts(row["key_text"])[-1]}, derived.content.items
        )
        content = versioned(tally, row["id"], app_type, row["app_time"])
        fragment = write(type_, content)
        (problems,) = validate(type_, [fragment])
        if problems:
            raise Invalid(problems)
        if shipment is not None:
            shipments_store.mark_used(connection, [shipment["id"]])
        return fragment

    def _show(self, connection: Connection, row: RowMapping, findings: Sequence[Finding]) -> None:
        """Not only incomplete but wrong: a person must look."""
        discrepancies.open_all(
            connection,
            [
                discrepancies.Opening(
                    code=one.code,
                    subject_kind="document",
                    subject_id=row["id"],
                    document_id=row["id"],
                    parties=row["parties"],
                    detail={"findings": [one.as_json()]},
                )
                for one in findings
                if one.holds and not one.waits
            ],
            self._sources.clock(),
        )

    def _arrival(self, row: RowMapping) -> Content:
        body = json.loads(self._sources.vault.open(row["id"], row["sealed_body"], row["data_key"]))
        return Content(body["head"], tuple(body["items"]))

    def _facts(self, arrival: Content, shipment: Any) -> ArrivalFacts:
        registry = self._sources.registry
        operator = arrival.head["operatorCode"]
        head = dict(shipment["head"]) if shipment else None
        codes = [operator, (head or {}).get("logisticsCode"), arrival.head.get("logisticsCode")]
        return ArrivalFacts(
            mode=MODE,
            arrival=arrival,
            shipment=head,
            profile=registry.site_profile(operator, MODE),
            names={code: name for code in codes if code and (name := registry.name(code))},
            identity=registry.identity,
        )
