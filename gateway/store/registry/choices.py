"""What the registers answer: which key signs, and whether a record is valid on a day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gateway.model import Subscriber, Transfer
from gateway.telemetry import SHANGHAI

GATEWAY = "gateway"
"""The holder of a mandate that lets this gateway use the principal's key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyChoice:
    """The business key for a document: of the responsible enterprise, never of the caller.

    Enterprise, copCode, certificate and dxpId belong together (`transfer`). A paused profile is
    chosen when there is no other: what it should sign waits. `version` grows when the profile is
    registered anew with other files.
    """

    profile: str
    version: int
    enterprise: str
    signature_set: str
    provider: str
    key_reference: str
    certificate_reference: str
    password_variable: str | None
    transfer: Transfer
    subscribers: tuple[Subscriber, ...]
    paused: bool


def key_choice(
    enterprise: Mapping[str, Any], profile: Mapping[str, Any], version: int, *, paused: bool
) -> KeyChoice:
    """The choice that an enterprise and one of its key profiles give; it must have a dxpId."""
    return KeyChoice(
        profile=profile["profile"],
        version=version,
        enterprise=enterprise["code"],
        signature_set=profile["algorithm"],
        provider=profile["provider"],
        key_reference=profile["keyReference"],
        certificate_reference=profile["certificateReference"],
        password_variable=profile.get("passwordVariable"),
        transfer=Transfer(
            copCode=enterprise["code"], copName=enterprise["name"], dxpId=enterprise["dxpId"]
        ),
        subscribers=tuple(
            Subscriber(status=one["status"], dxpAddress=one["dxpAddress"])
            for one in enterprise.get("subscribers", ())
        ),
        paused=paused,
    )


def day_of(moment: datetime) -> str:
    """The day as registers write it (2026-01-31), in Asia/Shanghai."""
    return moment.astimezone(SHANGHAI).date().isoformat()


def valid_on(body: Mapping[str, Any], day: str) -> bool:
    """Whether the day lies in validFrom to validTo, both included; a missing end is open."""
    until = body.get("validTo")
    return body.get("validFrom", "") <= day and (until is None or day <= until)
