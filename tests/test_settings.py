"""The settings: documented, refused when wrong, and taken in the promised order."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from pydantic import ValidationError

from gateway.cli.settings_page import settings_page
from gateway.settings import Settings, load_settings


def test_every_setting_is_explained_and_the_page_is_up_to_date(root: Path) -> None:
    """docs/settings.md is what the settings say; none is without a sentence."""
    for name, field in Settings.model_fields.items():
        assert field.description or name == "data_key", name
    assert (root / "docs" / "settings.md").read_text() == settings_page()


def test_the_later_source_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Default, then file, then environment, then command line."""
    file = tmp_path / "gateway.toml"
    file.write_text("linger_seconds = 2\nport = 1\nrecords_max = 7\n")
    monkeypatch.setenv("GATEWAY_PORT", "2")
    monkeypatch.setenv("GATEWAY_RECORDS_MAX", "8")
    settings = load_settings(file, records_max=9)
    assert (settings.linger_seconds, settings.port, settings.records_max) == (2, 2, 9)
    assert settings.host == "127.0.0.1"


def test_every_mistake_is_told_and_none_passes(tmp_path: Path) -> None:
    """Unknown names and wrong values are refused together, before anything starts."""
    file = tmp_path / "gateway.toml"
    file.write_text('linger_secs = 2\nport = 99999\nlog_level = "loud"\n')
    with pytest.raises(ValidationError) as caught:
        load_settings(file)
    assert {error["loc"][0] for error in caught.value.errors()} == {
        "linger_secs",
        "port",
        "log_level",
    }


def test_the_command_says_it_in_a_sentence_and_exits_with_2(tmp_path: Path) -> None:
    """No traceback for a wrong setting."""
    file = tmp_path / "gateway.toml"
    file.write_text("port = 99999\n")
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "migrate", "--config", str(file)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "setting port" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_data_key_never_shows() -> None:
    """The repr of the settings does not contain the key."""
    assert "c2VjcmV0" not in repr(Settings(data_key="c2VjcmV0"))  # type: ignore[arg-type]
