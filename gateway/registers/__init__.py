"""Registers: enterprises, their keys, mandates and goods, who declares, and who may call."""

from gateway.registers.api_keys import ApiKeys, Issued
from gateway.registers.checks import load_key_files
from gateway.registers.choices import KeyChoice
from gateway.registers.registrar import Put, Registrar
from gateway.registers.snapshot import Registers

__all__ = ["ApiKeys", "Issued", "KeyChoice", "Put", "Registers", "Registrar", "load_key_files"]
