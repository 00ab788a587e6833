"""The verdict on one declaration: taken, a duplicate, or refused with a negative code. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.model import Content
from gateway.simulator.documents import LIVING, Declared
from gateway.simulator.kinds import NUMBERS_CHANGED, NUMBERS_MISSING, SECOND_INVENTORY, Kind
from gateway.simulator.ledger import DUPLICATE, REFUSED, TAKEN
from gateway.simulator.rules import format_fault

NEW, CHANGE = "1", "2"
NUMBERS = ("preNo", "invtNo")
CHANGEABLE: Mapping[str, tuple[str, ...]] = {
    "order": ("2",),
    "payment": ("2",),
    "waybill": ("2",),
    "waybill-status": ("2",),
    "inventory": ("120",),
    "arrival": ("2",),
}
"""The statuses in which a change is legal; an inventory has its invtNo from 120 on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ruling:
    """What is done with one declaration; `code` and `detail` say why it is not taken."""

    verdict: str
    code: str = ""
    detail: str = ""


def judge(
    kind: Kind, content: Content, existing: Declared | None, inventory: Declared | None
) -> Ruling:
    """Judge a declaration whose signature and signer are in order.

    `existing` is the newest version of its key that was taken; `inventory` the living inventory
    of the same order or parcel, if there is one.
    """
    fault = format_fault(kind.kind, content)
    if fault:
        return _refused(kind.invalid, fault)
    living = existing if existing is not None and existing.state == LIVING else None
    action = content.head["appType"]
    if action == NEW:
        return _judge_new(kind, content.head, existing, living, inventory)
    if action == CHANGE:
        return _judge_change(kind, content.head, living, inventory)
    return _refused(kind.operation)


def _judge_new(
    kind: Kind,
    head: Mapping[str, str],
    existing: Declared | None,
    living: Declared | None,
    inventory: Declared | None,
) -> Ruling:
    if living is not None:
        detail = f"申报时间[{living.app_time}]，状态[{living.status}]"
        return Ruling(verdict=DUPLICATE, code=kind.duplicate, detail=detail)
    if existing is not None and head["appTime"] <= existing.app_time:
        return _refused(kind.older)
    if kind.kind == "inventory":
        if any(head.get(name) for name in NUMBERS):
            return _refused(kind.invalid, "预录入编号、清单编号应由电子口岸生成")
        if inventory is not None:
            return _refused(SECOND_INVENTORY, f"企业内部编号[{inventory.echo['copNo']}]")
    return Ruling(verdict=TAKEN)


def _judge_change(
    kind: Kind, head: Mapping[str, str], living: Declared | None, inventory: Declared | None
) -> Ruling:
    if living is None:
        return _refused(kind.absent)
    if head["appTime"] <= living.app_time:
        return _refused(kind.older)
    stands_on = kind.kind != "inventory" and inventory is not None
    if stands_on or living.status not in CHANGEABLE[kind.kind]:
        return _refused(kind.declared)
    if kind.kind == "inventory" and not all(head.get(name) for name in NUMBERS):
        return _refused(NUMBERS_MISSING)
    if kind.kind == "inventory" and any(head[name] != living.echo.get(name) for name in NUMBERS):
        return Ruling(verdict=REFUSED, code=NUMBERS_CHANGED)
    return Ruling(verdict=TAKEN)


def _refused(code: str, detail: str = "") -> Ruling:
    return Ruling(verdict=REFUSED, code=code, detail=detail)
