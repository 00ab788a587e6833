"""Registers over a real store, without HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from gateway.messages import Catalogue, load_catalogue
from gateway.registers import ApiKeys, Registrar, load_key_files
from gateway.signing.software import generate
from gateway.store.database import Database
from gateway.store.migrate import upgrade
from gateway.store.registry import Registers
from tests.registers.sample import Clock, Office


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    return load_catalogue()


@pytest.fixture
def office(tmp_path: Path, catalogue: Catalogue) -> Iterator[Office]:
    """Empty registers on a store of their own."""
    database = Database(f"sqlite:///{tmp_path / 'gateway.sqlite'}")
    upgrade(database.engine)
    clock = Clock()
    registers = Registers(database, catalogue, clock)
    yield Office(
        catalogue=catalogue,
        database=database,
        clock=clock,
        registers=registers,
        registrar=Registrar(registers, database, clock, load_key_files),
        api_keys=ApiKeys(registers, database, clock),
    )
    database.close()


@pytest.fixture(scope="session")
def key_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with rsa.key.pem, rsa.cert.pem and the same for sm2, valid from January 2026."""
    folder = tmp_path_factory.mktemp("keys")
    made = Clock().moment - timedelta(days=30)
    for algorithm in ("rsa", "sm2"):
        key, certificate = generate(algorithm, "4403960001", "示例平台有限公司", made)
        (folder / f"{algorithm}.key.pem").write_bytes(key)
        (folder / f"{algorithm}.cert.pem").write_bytes(certificate)
    return folder
