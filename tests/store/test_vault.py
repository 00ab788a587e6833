"""Encryption at rest."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import Misconfigured
from gateway.store.vault import Vault, load_data_key

KEY = bytes(range(32))


@given(st.text(min_size=1, max_size=36), st.binary(max_size=2000))
def test_what_is_sealed_opens_again_and_shows_nothing(row_id: str, data: bytes) -> None:
    """A blob opens for its row with its key, and does not contain the data."""
    vault = Vault(KEY)
    blob = vault.seal(row_id, data)
    assert vault.open(row_id, blob, vault.key_id) == data
    assert len(data) < 8 or data not in blob


def test_a_blob_opens_for_no_other_row_and_no_other_key() -> None:
    """A blob moved to another row, changed, or sealed by another key is refused."""
    vault, other = Vault(KEY), Vault(KEY[::-1])
    blob = vault.seal("row", b"secret")
    with pytest.raises(Misconfigured):
        vault.open("elsewhere", blob, vault.key_id)
    with pytest.raises(Misconfigured):
        vault.open("row", blob[:-1] + bytes([blob[-1] ^ 1]), vault.key_id)
    with pytest.raises(Misconfigured):
        other.open("row", blob, vault.key_id)


def test_keyed_hashes_are_equal_for_equal_values_of_one_key_only() -> None:
    """Search by hash works within one data key and tells nothing across keys."""
    vault, other = Vault(KEY), Vault(KEY[::-1])
    assert vault.hash("1", "ab") == vault.hash("1", "ab")
    assert vault.hash("1", "ab") != vault.hash("1a", "b")
    assert vault.hash("1", "ab") != other.hash("1", "ab")


def test_the_embedded_data_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    """The key file has mode 0600 and is the same at the next start."""
    file = tmp_path / "data.key"
    key = load_data_key(None, file)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert load_data_key(None, file) == key
    assert len(key) == 32


@pytest.mark.parametrize("text", ["not base64!", "c2hvcnQ="])
def test_a_wrong_data_key_is_refused_at_the_start(text: str, tmp_path: Path) -> None:
    """A data key that is not base64 of 32 bytes is a clear error, not a later surprise."""
    with pytest.raises(Misconfigured):
        Vault(load_data_key(text, tmp_path / "data.key"))
