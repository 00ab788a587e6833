"""The registers in force, in memory: what every document asks, so nobody queries for it."""

from gateway.store.registry.choices import KeyChoice, day_of
from gateway.store.registry.snapshot import Registers

__all__ = ["KeyChoice", "Registers", "day_of"]
