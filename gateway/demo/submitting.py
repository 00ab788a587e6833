"""Submitting: every party hands in its own documents with its own key, in no particular order."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gateway.client import RECORDS_MAX, Client
from gateway.demo.consignments import Consignment
from gateway.demo.registering import Caller, check
from gateway.demo.shipping import Shipment
from gateway.demo.together import together

KINDS: Mapping[str, str] = {
    "import/orders": "order",
    "import/payments": "payment",
    "import/waybills": "waybill",
    "import/arrivals": "arrival",
}
"""Resources whose records become documents, with their kind; a shipment is none."""

Json = dict[str, Any]


@dataclass(slots=True)
class Submitting:
    """Hands everything in and remembers what was accepted."""

    clients: Mapping[Caller, Client]
    tell: Callable[[int], None]
    """Called with the number of records handed in."""
    accepted: dict[str, str] = field(default_factory=dict)
    """Id of each accepted document to its kind: what the gateway now answers for."""

    async def everything(
        self, consignments: Sequence[Consignment], shipments: Sequence[Shipment], seed: int
    ) -> None:
        """Orders, payments, waybills, shipments and arrivals, all parties at once."""
        piles = pile(consignments, shipments)
        chance = random.Random(seed)  # noqa: S311 - repeatable on purpose
        for records in piles.values():
            chance.shuffle(records)
        # One task a caller: nobody waits for anybody else.
        by_caller: dict[Caller, list[tuple[str, list[Json]]]] = {}
        for (caller, resource), records in piles.items():
            by_caller.setdefault(caller, []).append((resource, records))
        await together(self._all(caller, work) for caller, work in by_caller.items())

    async def correct(self, one: Consignment) -> None:
        """The seller hands in a returned order again, corrected."""
        await self._post(_seller(one), "import/orders", [one.corrected])

    async def _all(self, caller: Caller, work: Sequence[tuple[str, list[Json]]]) -> None:
        for resource, records in work:
            for start in range(0, len(records), RECORDS_MAX):
                part = records[start : start + RECORDS_MAX]
                await self._post(caller, resource, part)
                self.tell(len(part))

    async def _post(self, caller: Caller, resource: str, records: Sequence[Json]) -> None:
        results = await self.clients[caller].post(resource, records)
        check(resource, results)
        if resource in KINDS:
            self.accepted |= {one["id"]: KINDS[resource] for one in results}


def pile(
    consignments: Sequence[Consignment], shipments: Sequence[Shipment]
) -> dict[tuple[Caller, str], list[Json]]:
    """What each caller hands in, by resource."""
    piles: dict[tuple[Caller, str], list[Json]] = {}

    def add(caller: Caller, resource: str, record: Json) -> None:
        piles.setdefault((caller, resource), []).append(record)

    for one in consignments:
        add(_seller(one), "import/orders", one.order)
        if one.payment is not None:
            add(Caller("payment", one.payer.code), "import/payments", one.payment)
        add(Caller("logistics", one.carrier.code), "import/waybills", one.waybill)
    for shipment in shipments:
        site = Caller("site", shipment.site.code)
        add(site, "import/shipments", shipment.record)
        for arrival in shipment.arrivals:
            add(site, "import/arrivals", arrival)
    return piles


def _seller(one: Consignment) -> Caller:
    return Caller(one.channel.role, one.channel.platform.code)
