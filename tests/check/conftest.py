"""Keys of both kinds, made once, and the catalogue."""

from __future__ import annotations

import pytest

from gateway.messages import Catalogue, load_catalogue
from gateway.ports import Signer
from tests.samples import SETS, KeyFiles, key_files


@pytest.fixture(scope="session")
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    return load_catalogue()


@pytest.fixture(scope="session")
def keys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, KeyFiles]:
    """One RSA and one SM2 key, and a second one of each that belongs to somebody else."""
    folder = tmp_path_factory.mktemp("keys")
    return {
        name: key_files(folder / name, name.removeprefix("other-"), name)
        for name in ("rsa", "sm2", "other-rsa", "other-sm2")
    }


@pytest.fixture(scope="session")
def signers(keys: dict[str, KeyFiles]) -> dict[str, Signer]:
    """A signer for each set that we write."""
    return {name: keys[name.split("-", maxsplit=1)[0]].signer(name) for name in SETS}
