"""Which rules run where, as data."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from gateway.errors import Misconfigured
from gateway.messages.modes import load_modes, modes_of
from gateway.messages.rule_table import read_toml
from tests.rules.sample import RULES, rules

MODE = "direct-import"


def test_a_mode_runs_what_its_data_names() -> None:
    """The switches of a mode are its list, less what is off by default."""
    switches = RULES.switches.for_(MODE)
    mode = load_modes().by_name[MODE]
    on = {code for code in RULES.table if switches.on(code)}
    assert on == {code for code in mode.rules if RULES.table[code].enabled}
    assert switches.tolerance("M15") == Decimal("0.01")


@pytest.mark.parametrize(
    ("mode", "port", "on"),
    [
        (MODE, "5349", True),  # port and mode: the most specific
        (MODE, "5300", True),  # nothing but the mode fits: on again
        ("other", "5349", False),  # the port alone
        (None, None, False),  # the general one
    ],
)
def test_the_more_specific_override_wins(mode: str | None, port: str | None, *, on: bool) -> None:
    """Mode and port, then port, then mode, then neither, in whatever order they stand."""
    overrides: list[dict[str, Any]] = [
        {"rule": "M05", "mode": MODE, "customsCode": "5349", "enabled": True},
        {"rule": "M05", "customsCode": "5349", "enabled": False},
        {"rule": "M05", "mode": MODE, "enabled": True},
        {"rule": "M05", "enabled": False},
    ]
    assert rules(*overrides).switches.for_(mode, port).on("M05") is on
    assert rules(*reversed(overrides)).switches.for_(mode, port).on("M05") is on


def test_an_override_can_change_the_tolerance_alone() -> None:
    """A tolerance leaves the switch as it is; other rules keep theirs."""
    switches = rules({"rule": "M05", "tolerance": "1"}).switches.for_(MODE)
    assert switches.on("M05")
    assert switches.tolerance("M05") == 1
    assert switches.tolerance("M06") == 0


@pytest.mark.parametrize(
    "override",
    [
        {"rule": "M99"},
        {"rule": "M05", "port": "5349"},
        {"rule": "M05", "mode": "no-mode"},
        {"rule": "M05", "enabled": "no"},
        {"rule": "M05", "tolerance": 0.01},  # a binary fraction is not exact
        {"rule": "M05", "tolerance": "-1"},
        {"rule": "M05", "tolerance": "NaN"},
        {"rule": "M05", "tolerance": "x"},
        {"rule": "M02", "enabled": False},  # without a waybill nothing could be declared
        {},
    ],
)
def test_a_wrong_override_stops_the_start(override: dict[str, Any]) -> None:
    """Misconfigured, at start, not silence."""
    with pytest.raises(Misconfigured):
        rules(override)


def _modes(**changes: Any) -> dict[str, Any]:
    data = read_toml("modes.toml")
    data["modes"][MODE] |= changes
    return data


@pytest.mark.parametrize(
    "changes",
    [
        {"colour": "red"},
        {"rules": ["M99"]},
        {"tolerances": {"M99": "1"}},
        {"tolerances": {"M05": 0.5}},
        {"tolerances": "M05"},
        {"needs_shipment": "yes"},
        {"documents": "order"},
    ],
)
def test_wrong_mode_data_stops_the_start(changes: dict[str, Any]) -> None:
    """Unknown keys, rules and types in modes.toml are refused."""
    with pytest.raises(Misconfigured):
        modes_of(_modes(**changes))


def test_the_default_mode_must_exist() -> None:
    """A default that names no mode is refused."""
    with pytest.raises(Misconfigured):
        modes_of(read_toml("modes.toml") | {"default": "nowhere"})


def test_a_mode_can_have_tolerances_of_its_own() -> None:
    """A new tolerance is data of the mode."""
    modes = modes_of(_modes(tolerances={"M05": "0.02"}))
    assert modes.by_name[MODE].tolerances == {"M05": Decimal("0.02")}


def test_an_unknown_mode_is_none() -> None:
    """A mode that this gateway does not offer yet is told apart from one that it does."""
    assert load_modes().get("bonded-import") is None
    assert load_modes().get(MODE) is not None
