"""The enterprises that are registered with customs: names, codes, DXP ids and certificates."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gateway.errors import Invalid, Problem
from gateway.signing.certificate import read_certificate_file
from gateway.simulator.store import Store

CODE_LENGTHS = (10, 18)
"""Customs registration number or unified social credit code; both name one enterprise."""
NAME_MAX = 100
DXP_ID_MAX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Enterprise:
    """One registered enterprise; `certificate` is DER."""

    code: str
    credit_code: str
    name: str
    dxp_id: str
    certificate: bytes


class Registry:
    """Looks enterprises up by either of their codes and by their DXP id."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._by_code: dict[str, Enterprise] = {}
        self._dxp_ids: set[str] = set()
        self._load()

    def find(self, code: str) -> Enterprise | None:
        """The enterprise that the code of 10 or of 18 characters names."""
        return self._by_code.get(code)

    def identity(self, code: str) -> str:
        """The code under which that enterprise is registered; an unknown code stands for itself."""
        found = self._by_code.get(code)
        return found.code if found else code

    def knows_sender(self, dxp_id: str) -> bool:
        """Whether an enterprise is registered under that DXP id."""
        return dxp_id in self._dxp_ids

    def put(self, code: str, given: object) -> Enterprise:
        """Register an enterprise, or replace it. Raises Invalid."""
        made = _enterprise(code, given)
        with self._store.transaction():
            self._store.run(
                "INSERT OR REPLACE INTO enterprises"
                " (code, credit_code, name, dxp_id, certificate) VALUES (?, ?, ?, ?, ?)",
                (made.code, made.credit_code, made.name, made.dxp_id, made.certificate),
            )
        self._load()
        return made

    def _load(self) -> None:
        rows = self._store.rows(
            "SELECT code, credit_code, name, dxp_id, certificate FROM enterprises ORDER BY code"
        )
        names = ("code", "credit_code", "name", "dxp_id", "certificate")
        every = [Enterprise(**dict(zip(names, row, strict=True))) for row in rows]
        self._by_code = {one.credit_code: one for one in every if one.credit_code}
        self._by_code |= {one.code: one for one in every}
        self._dxp_ids = {one.dxp_id for one in every}


def _enterprise(code: str, given: object) -> Enterprise:
    """{"name", "creditCode", "dxpId", "certificate" (PEM)} as an enterprise."""
    if not isinstance(given, Mapping):
        raise _wrong("$", "应为 JSON 对象", "a JSON object is needed")
    if len(code) not in CODE_LENGTHS:
        raise _wrong("$", "企业代码应为 10 或 18 位", "a code has 10 or 18 characters")
    credit_code = _text(given, "creditCode", 0, CODE_LENGTHS[1])
    if credit_code and len(credit_code) != CODE_LENGTHS[1]:
        raise _wrong("$.creditCode", "统一社会信用代码为 18 位", "a credit code has 18 characters")
    try:
        certificate = read_certificate_file(_text(given, "certificate", 1, 100_000).encode())
    except ValueError as error:
        raise _wrong("$.certificate", "证书无法读取", f"not a certificate: {error}") from error
    return Enterprise(
        code=code,
        credit_code=credit_code,
        name=_text(given, "name", 1, NAME_MAX),
        dxp_id=_text(given, "dxpId", 1, DXP_ID_MAX),
        certificate=certificate.der,
    )


def _text(given: Mapping[Any, Any], name: str, least: int, most: int) -> str:
    value = given.get(name)
    if value is None and least == 0:
        return ""
    if not isinstance(value, str) or not least <= len(value) <= most:
        raise _wrong(
            f"$.{name}",
            f"应为 {least} 至 {most} 个字符的文本",
            f"a text of {least} to {most} characters is needed",
        )
    return value


def _wrong(path: str, zh: str, en: str) -> Invalid:
    return Invalid([Problem(path=path, code="A-registry", zh=zh, en=en)])
