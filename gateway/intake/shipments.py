"""Shipments: master waybills with their parcels.

They may gain rows at any time; head values that stand in a living declaration are frozen.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from gateway.errors import GatewayError, Refused
from gateway.intake.door import Door, refusal
from gateway.messages import MessageType, decode
from gateway.messages.derivation import differing_used_fields
from gateway.messages.keys import key_text
from gateway.model import Caller, Content
from gateway.ports import Announce, OutboxRow
from gateway.store import consignments as consignments_store
from gateway.store import documents as documents_store
from gateway.store import shipments as statements
from gateway.store.database import Database
from gateway.store.prepared import ARRIVALS
from gateway.store.queues import post
from gateway.telemetry import new_id

MATCHING = "matching"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Put:
    """A decoded shipment with the identities of its enterprises."""

    content: Content
    key: statements.ShipmentKey
    logistics_code: str
    operator_code: str
    caller: str
    """The identity of the caller's enterprise."""
    moment: datetime


@dataclass(frozen=True, slots=True)
class _Done:
    answer: dict[str, Any]
    announced: list[OutboxRow]


class Shipments:
    """Stores shipments and wakes what waited for them."""

    def __init__(self, door: Door, database: Database, announce: Announce) -> None:
        self._door = door
        self._database = database
        self._announce = announce

    async def submit(
        self, caller: Caller, type_: MessageType, records: Sequence[object]
    ) -> list[dict[str, Any]]:
        """One result per record; each record is a transaction of its own (they are few)."""
        results = []
        for index, record in enumerate(records):
            try:
                put = self._prepare(caller, type_, record)
                done = await self._database.write(self._store, type_, put)
                self._announce(done.announced)
                results.append({"index": index, **done.answer})
            except GatewayError as error:
                results.append({"index": index, **refusal(error)})
        return results

    def _prepare(self, caller: Caller, type_: MessageType, record: object) -> _Put:
        self._door.check_role(caller, type_)
        content = decode(type_, record).content
        self._door.check_party(caller, type_, content)
        head = content.head
        return _Put(
            content=content,
            key=statements.ShipmentKey(
                direction=head["direction"], bill_no=head["billNo"], traf_mode=head["trafMode"]
            ),
            logistics_code=self._door.registry.identity(head["logisticsCode"]),
            operator_code=self._door.registry.identity(head["operatorCode"]),
            caller=self._door.registry.identity(caller.enterprise),
            moment=self._door.clock(),
        )

    def _store(self, connection: Connection, type_: MessageType, put: _Put) -> _Done:
        statements.take_turn(connection)
        known = statements.shipment(connection, put.key)
        if known is None:
            shipment_id, repeated, present = self._insert(connection, put), False, set[str]()
        else:
            shipment_id = known["id"]
            repeated = self._change(connection, put, known)
            present = statements.numbers_of(connection, shipment_id)
        listed = {item["logisticsNo"]: item for item in put.content.items}
        new = [item for number, item in listed.items() if number not in present]
        statements.add_rows(connection, [_row(shipment_id, put, item) for item in new])
        announced = self._wake(connection, put, new if repeated else put.content.items)
        answer = {
            "status": 202,
            "id": shipment_id,
            "kind": type_.row.kind,
            "key": {name: put.content.head[name] for name in type_.row.key},
            "version": 1,
            "state": "accepted",
            "repeated": repeated and not new,
        }
        return _Done(answer, announced)

    def _insert(self, connection: Connection, put: _Put) -> str:
        shipment_id = new_id()
        head = put.content.head
        statements.add_shipment(
            connection,
            {
                "id": shipment_id,
                "direction": put.key.direction,
                "bill_no": put.key.bill_no,
                "traf_mode": put.key.traf_mode,
                "logistics_code": put.logistics_code,
                "operator_code": put.operator_code,
                "head": dict(head),
                "used": False,
                "updated_at": put.moment,
            },
        )
        return shipment_id

    def _change(self, connection: Connection, put: _Put, known: Any) -> bool:
        """Merge the head; True when it says nothing new. Raises Refused for frozen values.

        A known shipment belongs to the two enterprises that stand in it, and keeps them.
        """
        owners = {known["logistics_code"], known["operator_code"]}
        if put.caller not in owners or {put.logistics_code, put.operator_code} != owners:
            raise Refused(
                403,
                "A-foreign",
                "该总运单属于其他企业，或其物流企业、场所不得更改。",
                "This shipment belongs to other enterprises, which cannot be changed.",
            )
        merged = {**known["head"], **put.content.head}
        if merged == known["head"]:
            return True
        differing = differing_used_fields(known["head"], merged)
        if known["used"] and differing:
            raise Refused(
                409,
                "D-frozen",
                f"已申报清单使用了该总运单的 {', '.join(differing)}，不能更改。",
                f"A living declaration uses {', '.join(differing)} of this shipment.",
                document_id=known["id"],
            )
        statements.set_head(connection, known["id"], merged, put.moment)
        return False

    def _wake(self, connection: Connection, put: _Put, items: Sequence[Any]) -> list[OutboxRow]:
        """Consignments and arrivals that this shipment may complete go to their queues."""
        row = self._door.catalogue.by_kind("waybill").row
        texts = [
            key_text(
                row.key,
                {"logisticsCode": put.logistics_code, "logisticsNo": item["logisticsNo"]},
                self._door.registry.identity,
            )
            for item in items
        ]
        found = documents_store.keys_of(connection, row.name, texts)
        waiting = documents_store.waiting(connection, self._door.catalogue.by_kind("arrival").name)
        consignments = consignments_store.consignments_of_waybills(
            connection, [one["id"] for one in found]
        )
        batches = [(MATCHING, consignments), (ARRIVALS, [one["id"] for one in waiting])]
        return post(connection, batches, put.moment)


def _row(shipment_id: str, put: _Put, item: Any) -> dict[str, Any]:
    return {
        "shipment_id": shipment_id,
        "logistics_no": item["logisticsNo"],
        "logistics_code": put.logistics_code,
        "total_package_no": item.get("totalPackageNo"),
    }
