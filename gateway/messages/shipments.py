"""When a shipment is complete for a parcel, and which of its values a declaration froze."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

NEEDED = ("trafNo", "voyageNo", "customsCode", "portCode", "country")
"""Stand in no order, payment or waybill, and an inventory of direct purchase needs them."""
ROW = "row"
USED = (
    "billNo", "trafMode", "trafNo", "voyageNo", "ieDate", "customsCode", "portCode", "loctNo",
    "country", "logisticsCode",
)  # fmt: skip
"""The head fields that go into an inventory or a warehouse-in list (derivation.toml)."""


def shipment_lacks(head: Mapping[str, Any] | None, *, parcel_listed: bool) -> tuple[str, ...]:
    """What a shipment still lacks for one parcel: field names, and `row` for the parcel itself.

    () means that it is complete; None is a shipment that nobody has posted.
    """
    missing = tuple(name for name in NEEDED if not (head or {}).get(name))
    return missing if parcel_listed else (*missing, ROW)


def differing_used_fields(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[str, ...]:
    """The head fields that a living declaration used and that the new head would change.

    A value that was absent before was used by nothing, so it may be added.
    """
    return tuple(name for name in USED if before.get(name) and before[name] != after.get(name))
