"""What a record of a register must fulfil beside its schema."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from gateway.errors import Invalid, Misconfigured, Problem
from gateway.ports import Signer
from gateway.signing.certificate import read_certificate
from gateway.signing.pool import SignerPool
from gateway.store.registers import (
    ENTERPRISE,
    GOODS,
    KEY_PROFILE,
    MANDATE,
    PROFILE,
    REGISTERS,
)
from gateway.store.registry.choices import GATEWAY, day_of
from gateway.store.registry.snapshot import Registers

LoadKey = Callable[[Mapping[str, Any]], Signer]
"""Loads the key files that a key profile names. Raises Misconfigured."""

MANDATE_ID_CHARACTERS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Checks:
    """The checks of all registers; `claimed` holds codes of enterprises of the same body."""

    registers: Registers
    load_key: LoadKey

    def check(
        self, kind: str, body: dict[str, Any], claimed: dict[str, str], at: datetime
    ) -> dict[str, Any]:
        """The record as it is kept; raises Invalid with every problem."""
        problems = self._dates(body)
        if kind == ENTERPRISE:
            problems += self._codes(body, claimed)
        else:
            problems += self._known(kind, body)
        if kind == PROFILE and body["declaration"] != "automatic":
            problems.append(_approval())
        if kind == GOODS and ("unit2" in body) != ("factor2" in body):
            problems.append(_unit2())
        if problems:
            raise Invalid(problems)
        if kind == KEY_PROFILE:
            return body | self._window(body, at)
        if kind == MANDATE:
            return {"mandate": mandate_id(body)} | body
        return body

    def _dates(self, body: Mapping[str, Any]) -> list[Problem]:
        """The pattern of the schema lets 2026-02-31 through."""
        problems = [
            _problem(name, "R-date", body[name], "不是日历日期。", "is no day of the calendar.")
            for name in ("validFrom", "validTo")
            if name in body and not _is_day(body[name])
        ]
        until = body.get("validTo")
        if until is not None and until < body.get("validFrom", ""):
            early = _problem(
                "validTo", "R-dates", until, "早于 validFrom。", "is before validFrom."
            )
            problems.append(early)
        return problems

    def _codes(self, body: Mapping[str, Any], claimed: dict[str, str]) -> list[Problem]:
        """One code names one enterprise."""
        owner = body["code"]
        given = {name: body[name] for name in ("code", "creditCode") if name in body}
        problems = []
        for name, value in given.items():
            known = self.registers.enterprise(value)
            holder = claimed.get(value) or (known["code"] if known else owner)
            if holder != owner:
                zh, en = f"已属于企业 {holder}。", f"already belongs to {holder}."
                problems.append(_problem(name, "R-code", value, zh, en))
        if not problems:
            claimed |= dict.fromkeys(given.values(), owner)
        return problems

    def _known(self, kind: str, body: Mapping[str, Any]) -> list[Problem]:
        """Other registers name enterprises that are registered."""
        return [
            _problem(name, "R-enterprise", body[name], "企业未登记。", "is not registered.")
            for name in sorted(REGISTERS[kind].codes)
            if name in body
            and not (name == "holder" and body[name] == GATEWAY)
            and self.registers.enterprise(body[name]) is None
        ]

    def _window(self, body: Mapping[str, Any], at: datetime) -> dict[str, str]:
        """Load the files; the days on which the key may sign, bounded by its certificate."""
        try:
            signer = self.load_key(body)
        except Misconfigured as error:
            name = "certificateReference" if error.code == "K-certificate" else "keyReference"
            raise Invalid([_problem(name, error.code, None, error.zh, error.en)]) from error
        certificate = read_certificate(signer.certificate)
        start, end = day_of(certificate.not_before), day_of(certificate.not_after)
        if certificate.not_after <= at:
            raise Invalid(
                [
                    _problem(
                        "certificateReference", "K-expired", None, "证书已过期。", "has expired."
                    )
                ]
            )
        window = {"validFrom": body.get("validFrom", start), "validTo": body.get("validTo", end)}
        outside = [name for name, day in window.items() if not start <= day <= end]
        if outside:
            raise Invalid(
                [
                    _problem(
                        name,
                        "K-window",
                        window[name],
                        f"不在证书有效期 {start} 至 {end} 内。",
                        f"lies outside the certificate's validity, {start} to {end}.",
                    )
                    for name in outside
                ]
            )
        return window


def load_key_files(profile: Mapping[str, Any]) -> Signer:
    """The signer of a key profile, its files read now. Raises Misconfigured."""
    return SignerPool().signer(
        profile["algorithm"],
        profile["keyReference"],
        profile["certificateReference"],
        profile.get("passwordVariable"),
    )


def mandate_id(body: Mapping[str, Any]) -> str:
    """The id of a mandate that names none: from its content, so that a repeat finds it."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False)
    return f"M-{hashlib.sha256(text.encode()).hexdigest()[:MANDATE_ID_CHARACTERS]}"


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _approval() -> Problem:
    return _problem(
        "declaration",
        "R-approval",
        "approve",
        "人工确认申报尚未启用，请用 automatic。",
        "approve is not enabled yet; use automatic.",
    )


def _unit2() -> Problem:
    return _problem(
        "unit2",
        "R-unit2",
        None,
        "第二计量单位与其数量须同时给出。",
        "needs factor2, and the other way round.",
    )


def _problem(name: str, code: str, value: str | None, zh: str, en: str) -> Problem:
    return Problem(
        path=f"$.{name}", field=name, code=code, value=value, zh=f"{name} {zh}", en=f"{name} {en}"
    )
