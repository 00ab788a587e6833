"""Every authority, by name."""

from __future__ import annotations

from gateway.adapters.authorities.customs import SUCCESS_CODE, Customs
from gateway.ports import Authority


def authorities(customs_success_code: str = SUCCESS_CODE) -> dict[str, Authority]:
    """Every authority by name; the code is the DxpRep answer that means taken."""
    return {"customs": Customs(success_code=customs_success_code)}
