"""What every part of matching reads from."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.messages import Catalogue
from gateway.messages.derivation import DerivationSettings
from gateway.messages.rules import Rules
from gateway.store.registry import Registers
from gateway.store.vault import Vault
from gateway.telemetry import Clock


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Catalogue, registers in force, rules, the vault and the clock."""

    catalogue: Catalogue
    registry: Registers
    rules: Rules
    derivation: DerivationSettings
    vault: Vault
    clock: Clock
