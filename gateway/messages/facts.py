"""What is known about one consignment, and about one arrival, when a declaration is derived.

Plain values, collected by the caller; everything that judges or derives is a function of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any

from gateway.messages.keys import Identity
from gateway.model import Content

EMPTY: Mapping[str, Any] = MappingProxyType({})
NOTHING = Content(head=EMPTY)


def itself(code: str) -> str:
    """The identity of an enterprise code where no register knows better."""
    return code


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """One import consignment. Texts are those of the documents; an empty text counts as absent."""

    mode: str
    declared_at: datetime
    """Aware; its date in Asia/Shanghai becomes declTime."""
    order: Content | None = None
    payment: Content | None = None
    waybill: Content | None = None
    extension: Mapping[str, Any] = field(default_factory=dict)
    """What came with the order beside the message: `declarant` is read here."""
    given: Content = NOTHING
    """Values that the declarant, or a holder of its mandate, gives itself; see `given_content`."""
    shipment: Mapping[str, Any] | None = None
    """The head of the master waybill."""
    parcel_listed: bool = False
    """Whether the shipment has a row for the waybill's logisticsNo."""
    goods: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """itemNo to the goods record of the merchant that is in force for import."""
    profile: Mapping[str, Any] = field(default_factory=dict)
    """The declarant profile that was chosen for the order."""
    names: Mapping[str, str] = field(default_factory=dict)
    """Enterprise code to its registered name; a code that is not registered is absent."""
    identity: Identity = itself
    """Enterprise code to the one code of its enterprise: 10 and 18 characters name the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalFacts:
    """One tally of a supervised site, with the shipment that it is about."""

    mode: str
    arrival: Content
    shipment: Mapping[str, Any] | None = None
    profile: Mapping[str, Any] = field(default_factory=dict)
    """The declarant profile of the site operator: its customsCode."""
    names: Mapping[str, str] = field(default_factory=dict)
    identity: Identity = itself


def given_content(part: Mapping[str, Any] | None) -> Content:
    """The `inventory` object of an order as content: head fields flat, rows in `items`."""
    if not part:
        return NOTHING
    head = {name: value for name, value in part.items() if name != "items"}
    return Content(head=head, items=tuple(part.get("items", ())))


def given_rows(given: Content) -> dict[str, Mapping[str, str]]:
    """The given rows by gnum; a row without one has the number of its place, from 1."""
    return {row.get("gnum") or str(place): row for place, row in enumerate(given.items, start=1)}
