"""The topology as data, and docs/amqp.md that shows it."""

from __future__ import annotations

import copy
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.brokers.topology import FILE, load_topology, topology_of, topology_page
from gateway.errors import Misconfigured

DATA = tomllib.loads(FILE.read_text("utf-8"))


def test_the_page_shows_the_topology(root: Path) -> None:
    """The tables of docs/amqp.md are those of topology.toml."""
    assert topology_page(load_topology()) in (root / "docs" / "amqp.md").read_text("utf-8")


def test_every_dead_letter_has_a_home() -> None:
    """What expires or is delivered too often goes to an exchange that keeps it."""
    topology = load_topology()
    exchanges = {one.name for one in topology.exchanges()}
    bound = {(one.exchange, one.key) for one in topology.queues()}
    for queue in topology.queues():
        assert queue.arguments["x-queue-type"] == "quorum"
        assert queue.exchange in exchanges
        letters = queue.arguments.get("x-dead-letter-exchange")
        if letters is None:
            assert queue.name == topology.parked
        elif letters == topology.parked:
            assert (letters, "") in bound
        else:
            # The key of the batch is kept, and every key of the work exchange is bound.
            assert letters == topology.work
            assert {key for exchange, key in bound if exchange == letters} == set(topology.at_once)


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (lambda data: data["limits"].pop("tries"), "tries"),
        (lambda data: data["limits"].update(trys=3), "trys"),
        (lambda data: data.update(queue={}), "queue"),
        (lambda data: data["at_once"].update(matching=0), "above 0"),
        (lambda data: data["delays"].update(tries=[]), "above 0"),
    ],
)
def test_wrong_data_is_told(change: Callable[[dict[str, Any]], Any], told: str) -> None:
    """A missing, unknown or senseless value is refused by name."""
    data = copy.deepcopy(DATA)
    change(data)
    with pytest.raises(Misconfigured, match=told):
        topology_of(data)
