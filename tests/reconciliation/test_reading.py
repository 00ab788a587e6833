"""Property: whatever valid receipt comes, reading gives entries that the store can hold."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.app.authorities import authorities
from gateway.errors import Invalid
from gateway.messages import MessageType, assemble, load_catalogue, write
from gateway.model import Content
from gateway.reconciliation.reading import Reading, return_time
from gateway.store.numbers import INVENTORY_NUMBER
from gateway.store.tables import inventory_numbers, receipt_entries
from tests import strategies

CATALOGUE = load_catalogue()
RECEIPTS = [one for one in CATALOGUE.types.values() if one.is_receipt]
TIMES = (
    st.datetimes(datetime(1, 1, 2), datetime(9998, 12, 31)).map(  # noqa: DTZ001 - local
        lambda moment: f"{moment.year:04}{moment:%m%d%H%M%S%f}"[:17]
    )
    | st.just("20260301120000")
)
GUID = "019C0FFE-0000-7000-8000-00000000000A"
READING = Reading(
    catalogue=CATALOGUE,
    authorities=authorities(),
    identity=str,
    senders=(),
    is_ours=lambda _: False,
)


def width(name: str) -> int:
    """How many characters a column of the entries holds."""
    column = (inventory_numbers if name == "number" else receipt_entries).c[name]
    found = getattr(column.type, "length", None)
    assert isinstance(found, int)
    return found


def message_of(one: MessageType, documents: list[Content]) -> bytes:
    """A bare receipt message."""
    return assemble(one, GUID, [write(one, document) for document in documents], None).data


@pytest.mark.parametrize("one", RECEIPTS, ids=lambda one: one.name)
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data())
def test_any_valid_receipt_is_read(one: MessageType, data: st.DataObject) -> None:
    """One entry per document, with what the columns of the store can hold, answer or not."""
    most = min(one.schema.documents_max or 3, 3)
    documents = [
        Content({**drawn.head, "returnTime": data.draw(TIMES)}, drawn.items)
        for drawn in data.draw(st.lists(strategies.contents(one), min_size=1, max_size=most))
    ]
    found = READING.read("customs", message_of(one, documents))
    assert found.type == one.name
    assert len(found.entries or found.refusals) == len(documents)
    for document, entry in zip(documents, found.entries, strict=False):
        assert entry.answers == one.row.answers
        assert entry.status == document.head[one.row.status_field]
        assert len(entry.status) <= width("status")
        assert len(entry.key_text) <= width("key_text")
        if entry.answers is None:
            assert json.loads(entry.key_text) == [document.head[INVENTORY_NUMBER]]
            assert entry.own_number == document.head[INVENTORY_NUMBER]
        assert len(entry.numbers.get(INVENTORY_NUMBER, "")) <= width("number")


@pytest.mark.parametrize(
    "text",
    ["20269901000000", "20260230000000", "20260301240000", "00000000000000", "00010101000000"],
)
def test_a_time_that_cannot_be_is_refused(text: str) -> None:
    """It names no moment that a clock can show: unreadable, which a person is told; no crash."""
    one = CATALOGUE.type("CEB818")
    head = {"guid": GUID, "invtNo": "1", "taxNo": "1", "status": "1"}
    message = message_of(one, [Content({**head, "returnTime": text})])
    with pytest.raises(Invalid, match="S-time"):
        READING.read("customs", message)


def test_times_are_those_of_shanghai() -> None:
    """17 digits with milliseconds, and the 14 of older receipts."""
    assert return_time("20260301080102123") == datetime(2026, 3, 1, 0, 1, 2, 123_000, tzinfo=UTC)
    assert return_time("20260301080102") == datetime(2026, 3, 1, 0, 1, 2, tzinfo=UTC)
