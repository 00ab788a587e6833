"""The life cycles: tables complete and closed, states independent of the order of receipts."""

from __future__ import annotations

import itertools
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.lifecycle import (
    CONSIGNMENT,
    DOCUMENT,
    MESSAGE,
    Entry,
    IllegalStep,
    Version,
    authority_state,
    sources,
    step,
    version_of,
)
from gateway.messages import load_catalogue

START = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
TABLES = {"document": DOCUMENT, "message": MESSAGE, "consignment": CONSIGNMENT}
KINDS = ("CEB311", "CEB411", "CEB511", "CEB621", "CEB711")
CATALOGUE = load_catalogue()
STATUSES = [*CATALOGUE.type("CEB621").row.statuses, "-621001", "-301010", "77"]


@pytest.mark.parametrize("name", TABLES)
def test_every_pair_outside_the_table_is_refused(name: str) -> None:
    """A (state, event) pair that the table does not know raises IllegalStep and nothing else."""
    table = TABLES[name]
    happenings = {one for row in table.values() for one in row} | {"invented"}
    for state, happened in itertools.product(table, happenings):
        if happened in table[state]:
            assert step(table, state, happened) in table
        else:
            with pytest.raises(IllegalStep):
                step(table, state, happened)


@pytest.mark.parametrize("name", TABLES)
def test_sources_say_the_same_as_the_table(name: str) -> None:
    """What the UPDATE's WHERE is made of are exactly the states in which the event is legal."""
    table = TABLES[name]
    for happened in {one for row in table.values() for one in row}:
        legal = {state: row[happened] for state, row in table.items() if happened in row}
        assert sources(table, happened) == legal


def test_success_of_a_consignment_is_terminal() -> None:
    """A closed consignment leaves that state by no event."""
    assert set(CONSIGNMENT["closed"].values()) == {"closed"}


@pytest.mark.parametrize("kind", KINDS)
def test_every_status_of_every_document_has_one_defined_outcome(kind: str) -> None:
    """Each (document, status) moves, keeps or opens a discrepancy: none is left undefined."""
    row = CATALOGUE.type(kind).row
    for status in STATUSES:
        outcome = row.status(status)
        assert outcome.state or outcome.discrepancy


def entries(kind: str) -> st.SearchStrategy[list[Entry]]:
    """Sets of receipt entries as one document version may get them."""
    row = CATALOGUE.type(kind).row

    def entry(status: str, minutes: int, *, repeated: bool) -> Entry:
        outcome = row.status("2") if repeated else row.status(status)
        at = START + timedelta(minutes=minutes)
        return Entry(status=status, at=at, outcome=outcome, repeated=repeated)

    one = st.builds(
        entry,
        st.sampled_from([code for code in STATUSES if row.status(code).state]),
        st.integers(0, 20),
        repeated=st.booleans(),
    )
    return st.lists(one, min_size=1, max_size=8)


@given(st.sampled_from(KINDS).flatmap(entries), st.randoms(use_true_random=False))
def test_order_doubling_and_delay_change_nothing(known: list[Entry], chance: random.Random) -> None:
    """The state is a function of the set of entries: order and doubling leave it as it is."""
    expected = authority_state(known)
    shuffled = known + chance.choices(known, k=3)
    chance.shuffle(shuffled)
    assert authority_state(shuffled) == expected


@given(st.sampled_from(KINDS).flatmap(entries), st.data())
def test_success_is_terminal(known: list[Entry], data: st.DataObject) -> None:
    """Once an entry of final success is there, no further entry takes the success away."""
    state = authority_state(known)
    assert state is not None
    more = data.draw(entries(data.draw(st.sampled_from(KINDS))))
    after = authority_state([*known, *more])
    assert after is not None
    assert after.success or not state.success


def test_no_entry_gives_no_state() -> None:
    """Before any receipt there is no state under the authority."""
    assert authority_state([]) is None


def test_a_duplicate_answer_to_our_repetition_never_outweighs_a_status() -> None:
    """A later duplicate answer does not move an inventory back from stored to declaring."""
    row = CATALOGUE.type("CEB621").row
    stored = Entry(status="120", at=START, outcome=row.status("120"))
    again = Entry(
        status="-621004",
        at=START + timedelta(hours=1),
        outcome=row.status("2"),
        repeated=True,
    )
    state = authority_state([stored, again])
    assert state is not None
    assert state.state == "stored"
    alone = authority_state([again])
    assert alone is not None
    assert alone.state == "declaring"


def test_two_finals_that_differ_are_contradictory() -> None:
    """A return beside a final success is for a person to look at; success stands meanwhile."""
    row = CATALOGUE.type("CEB311").row
    state = authority_state(
        [
            Entry(status="120", at=START, outcome=row.status("120")),
            Entry(status="100", at=START + timedelta(minutes=1), outcome=row.status("100")),
        ]
    )
    assert state is not None
    assert state.contradicted
    assert state.success


def versions(*sent: int | None) -> list[Version]:
    """Versions 1, 2 … first sent so many minutes after the start; None: never sent."""
    return [
        Version(
            document_id=f"V{number}",
            number=number,
            first_sent_at=None if minutes is None else START + timedelta(minutes=minutes),
        )
        for number, minutes in enumerate(sent, start=1)
    ]


@pytest.mark.parametrize(
    ("sent", "named", "minutes", "expected"),
    [
        ((0, 10), None, 5, "V1"),  # a late 100 for version 1, given before version 2 went
        ((0, 10), None, 12, "V2"),
        ((0, 10), "V1", 12, "V1"),  # the text names its version, whatever the time
        ((0, 10), "FOREIGN", 12, "V2"),
        ((0, None), None, 12, "V1"),  # version 2 still waits
        ((3, None), None, 0, "V1"),  # a clock behind ours
        ((None,), None, 5, None),  # nothing was ever sent: somebody else declared it
    ],
)
def test_an_entry_belongs_to_the_version_that_it_speaks_of(
    sent: tuple[int | None, ...], named: str | None, minutes: int, expected: str | None
) -> None:
    """By the guid in brackets, else the newest version sent before its returnTime."""
    found = version_of(
        versions(*sent),
        named=named,
        at=START + timedelta(minutes=minutes),
        tolerance=timedelta(seconds=5),
    )
    assert found == expected
