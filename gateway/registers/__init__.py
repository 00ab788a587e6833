"""Registers: who may write what, dated versions, audit; and the API keys of those who call."""

from gateway.registers.api_keys import ApiKeys, Issued
from gateway.registers.checks import load_key_files
from gateway.registers.registrar import Put, Registrar

__all__ = ["ApiKeys", "Issued", "Put", "Registrar", "load_key_files"]
