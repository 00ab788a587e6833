"""Invented parties and consignments for the tests of the demo's own parts."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.demo.consignments import Consignment, make_consignments
from gateway.demo.parties import Parties, make_parties
from gateway.demo.troubles import load_troubles

NOW = datetime(2026, 3, 2, 4, 5, 6, tzinfo=UTC)
CONSIGNMENTS = 300
SEED = 5


@pytest.fixture(scope="session")
def now() -> datetime:
    """The time of the invented payments."""
    return NOW


@pytest.fixture(scope="session")
def parties() -> Parties:
    """Half of everybody signs with RSA, half with SM2."""
    return make_parties("both")


@pytest.fixture(scope="session")
def consignments(parties: Parties) -> list[Consignment]:
    """So many that every trouble occurs."""
    return make_consignments(CONSIGNMENTS, SEED, parties, load_troubles(), NOW)
