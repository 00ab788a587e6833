"""Shipments and arrivals: many parcels fly under one master waybill and reach one site."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from gateway.demo.consignments import Consignment
from gateway.demo.parties import Parties, Party
from gateway.telemetry import SHANGHAI

PARCELS_MAX = 100
"""Parcels under one master waybill."""
AIR = "5"
DEPARTURE = "609"

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shipment:
    """One master waybill and the tallies of what arrived under it; the site hands in both."""

    site: Party
    record: Json
    arrivals: tuple[Json, ...]


def make_shipments(
    consignments: Sequence[Consignment], parties: Parties, seed: int, now: datetime
) -> list[Shipment]:
    """The shipments of all parcels. Every second one arrives in two parts."""
    groups: dict[tuple[str, str], list[Consignment]] = {}
    for one in consignments:
        groups.setdefault((one.channel.site.code, one.carrier.code), []).append(one)
    sites = {site.code: site for site in parties.sites}
    parts = [
        (sites[site], carrier, group[start : start + PARCELS_MAX])
        for (site, carrier), group in sorted(groups.items())
        for start in range(0, len(group), PARCELS_MAX)
    ]
    day = now.astimezone(SHANGHAI).strftime("%Y%m%d")
    return [
        _shipment(f"{seed}{number:04d}", site, carrier, part, parties.office(site), day)
        for number, (site, carrier, part) in enumerate(parts, start=1)
    ]


def _shipment(
    number: str, site: Party, carrier: str, part: Sequence[Consignment], office: str, day: str
) -> Shipment:
    bill_no = f"999-{number}"
    common = {"billNo": bill_no, "trafMode": AIR, "operatorCode": site.code}
    weight = sum((Decimal(one.waybill["weight"]) for one in part), Decimal(0))
    parcels = [{"logisticsNo": one.logistics_no} for one in part]
    middle = len(parcels) // 2 if int(number) % 2 == 0 else 0
    tallies = [rows for rows in (parcels[:middle], parcels[middle:]) if rows]
    return Shipment(
        site=site,
        record={
            **common,
            "trafNo": "XX9001",
            "voyageNo": f"XX{number[-4:]}",
            "ieDate": day,
            "portCode": office,
            "customsCode": office,
            "country": DEPARTURE,
            "logisticsCode": carrier,
            "grossWeight": f"{weight}",
            "items": [
                row | {"totalPackageNo": f"BAG-{number}-{place // 20 + 1}"}
                for place, row in enumerate(parcels)
            ],
        },
        arrivals=tuple(
            {
                **common,
                "arrivalNo": f"A{number}-{part_no}",
                "logisticsCode": carrier,
                "unloadLocation": f"虚构库位{part_no}",
                "items": rows,
            }
            for part_no, rows in enumerate(tallies, start=1)
        ),
    )
