"""The comparison of what the gateway accepted with the authority's ledger."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pytest

from gateway.demo.ledger import Accepted, Counts, Entry, compare, read_entry

TAKEN = Entry(
    type="CEB311",
    key="orderNo=1",
    guid="D1",
    app_type="1",
    message_id="M1",
    message_digest="m1",
    verdict="taken",
)
AGAIN = replace(TAKEN, verdict="duplicate")
ANEW = replace(TAKEN, message_id="M2", message_digest="m2", verdict="duplicate")
RETURNED = replace(TAKEN, app_type="", verdict="returned", later=True)
D1 = Accepted(id="D1", kind="order")


def _counts(
    *entries: Entry, documents: Collection[Accepted] = (D1,), in_discrepancy: Collection[str] = ()
) -> Counts:
    return compare(documents, in_discrepancy, entries)


def test_what_stands_in_the_ledger_is_not_lost() -> None:
    """One document, taken once: nothing to report."""
    assert _counts(TAKEN) == Counts(lost=0, declared_twice=0, resent=0)


def test_a_document_that_nobody_knows_is_lost() -> None:
    """Accepted, in no ledger entry, in no open discrepancy."""
    other = Accepted(id="D2", kind="order")
    assert _counts(TAKEN, documents=(D1, other)).lost == 1


@pytest.mark.parametrize(
    "document",
    [Accepted(id="D2", kind="order", replaced=True), Accepted(id="D3", kind="order")],
    ids=["replaced before it was sent", "in an open discrepancy"],
)
def test_what_was_never_to_be_sent_is_not_lost(document: Accepted) -> None:
    """A version replaced by a later one, and a document that a person is asked about."""
    assert _counts(TAKEN, documents=(D1, document), in_discrepancy=("D3",)).lost == 0


def test_a_refused_declaration_is_not_lost() -> None:
    """The authority saw it, whatever it said."""
    assert _counts(replace(TAKEN, verdict="refused")).lost == 0


@pytest.mark.parametrize("verdict", ["taken", "duplicate", "refused"])
def test_other_bytes_for_a_living_key_are_declared_twice(verdict: str) -> None:
    """Whether the authority refused the second declaration or not."""
    found = _counts(TAKEN, replace(ANEW, verdict=verdict))
    assert found == Counts(lost=0, declared_twice=1, resent=0)


def test_a_key_counts_once_however_often_it_is_declared() -> None:
    """declared_twice counts keys."""
    third = replace(ANEW, message_id="M3", message_digest="m3")
    assert _counts(TAKEN, ANEW, third).declared_twice == 1


def test_the_same_document_in_another_message_is_declared_twice() -> None:
    """The bytes of a declaration are those of its message: the guid alone does not excuse."""
    assert ANEW.guid == TAKEN.guid
    assert _counts(TAKEN, ANEW).declared_twice == 1


def test_the_same_bytes_again_are_a_resend() -> None:
    """A repetition after a lost answer is harmless and counted apart."""
    assert _counts(TAKEN, AGAIN, AGAIN) == Counts(lost=0, declared_twice=0, resent=2)


def test_a_resent_message_counts_once_for_all_its_documents() -> None:
    """`resent` counts messages, not documents."""
    other = replace(TAKEN, key="orderNo=2", guid="D2")
    found = _counts(TAKEN, other, AGAIN, replace(other, verdict="duplicate"))
    assert found.resent == 1


def test_a_returned_key_may_be_declared_again() -> None:
    """A return between the two makes the second a new attempt."""
    corrected = replace(ANEW, guid="D2", verdict="taken")
    assert _counts(TAKEN, RETURNED, corrected).declared_twice == 0


def test_a_refused_key_may_be_declared_again() -> None:
    """What was never taken does not live."""
    refused = replace(TAKEN, verdict="refused")
    assert _counts(refused, replace(ANEW, verdict="taken")).declared_twice == 0


def test_after_a_return_the_new_declaration_lives() -> None:
    """The corrected declaration is protected like the first."""
    corrected = replace(ANEW, guid="D2", verdict="taken")
    third = replace(ANEW, guid="D3", message_id="M3", message_digest="m3")
    assert _counts(TAKEN, RETURNED, corrected, third).declared_twice == 1


def test_a_refusal_of_the_repetition_does_not_free_the_key() -> None:
    """The first declaration lives on when another one is refused at sight."""
    second = replace(ANEW, verdict="refused")
    third = replace(ANEW, message_id="M3", message_digest="m3", verdict="taken")
    assert _counts(TAKEN, second, third).declared_twice == 1


def test_a_change_is_no_second_declaration() -> None:
    """A change (appType 2) alters what lives; its resend is a resend."""
    change = replace(ANEW, guid="D2", app_type="2", verdict="taken")
    assert _counts(TAKEN, change, change) == Counts(lost=0, declared_twice=0, resent=1)


def test_types_have_keys_of_their_own() -> None:
    """The same key text of another message type is another key."""
    assert _counts(TAKEN, replace(ANEW, type="CEB411", guid="D9")).declared_twice == 0


def test_an_entry_is_read_from_the_answer_of_the_simulator() -> None:
    """Keys in any order give one text; an entry without appType is a later verdict."""
    answer = {
        "seq": 7,
        "at": "2026-03-02T04:05:06.000+00:00",
        "type": "CEB311",
        "key": {"orderNo": "1", "ebpCode": "9"},
        "guid": "D1",
        "appType": "",
        "message_id": "M1",
        "message_digest": "m1",
        "document_digest": "d1",
        "verdict": "returned",
        "status": "100",
    }
    assert read_entry(answer) == replace(RETURNED, key="ebpCode=9|orderNo=1")
