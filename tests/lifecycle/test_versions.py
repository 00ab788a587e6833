"""What a record means whose business key is known: repeat, version, conflict."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from gateway.messages.versions import CHANGE, NEW, Known, decide, release

NOW = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)


def known(
    number: int, local: str, authority: str | None = None, *, digest: str = "", app_type: str = NEW
) -> Known:
    """Version `number` in these states; its content digest is its number unless told."""
    return Known(
        document_id=f"V{number}",
        version=number,
        app_type=app_type,
        app_time=NOW - timedelta(minutes=10 - number),
        content_digest=digest or str(number),
        local_state=local,
        authority_state=authority,
    )


@pytest.mark.parametrize("digest", ["1", "2"])
def test_content_of_any_version_is_a_repeat(digest: str) -> None:
    """A late network retry of version 1 must not undo version 2, however the document stands."""
    history = [known(1, "sent", "returned"), known(2, "sent", "stored")]
    decision = decide(history, digest, NOW, frozen=True)
    assert (decision.action, decision.document_id) == ("repeat", f"V{digest}")


@pytest.mark.parametrize(
    ("history", "app_type", "waits", "replaces"),
    [
        # never sent: replaced, with appType 1
        ([known(1, "accepted")], NEW, False, "V1"),
        # accepted by customs: a change
        ([known(1, "sent", "declaring")], CHANGE, False, None),
        ([known(1, "sent", "stored")], CHANGE, False, None),
        # returned: the key may be declared again
        ([known(1, "sent", "returned")], NEW, False, None),
        ([known(1, "sent", "refused")], NEW, False, None),
        ([known(1, "refused")], NEW, False, None),
        # outcome unknown: the next version waits
        ([known(1, "sent")], NEW, True, None),
        ([known(1, "unknown")], NEW, True, None),
        ([known(1, "signed")], NEW, True, None),
        # a change that was returned leaves version 1 standing
        ([known(1, "sent", "stored"), known(2, "sent", "returned")], CHANGE, False, None),
        # a waiting version is replaced by the next, which waits too
        ([known(1, "unknown"), known(2, "waiting")], NEW, True, "V2"),
        # an unsent change is replaced by a change
        ([known(1, "sent", "stored"), known(2, "accepted")], CHANGE, False, "V2"),
    ],
)
def test_other_content_is_a_version(
    history: list[Known],
    app_type: str,
    waits: bool,  # noqa: FBT001 - a column of the table
    replaces: str | None,
) -> None:
    """appType, waiting and replacing follow from what became of the versions before."""
    decision = decide(history, "other", NOW, frozen=False)
    assert decision.action == "version"
    assert decision.version == len(history) + 1
    assert (decision.app_type, decision.waits, decision.replaces) == (app_type, waits, replaces)


def test_other_content_is_a_conflict_while_an_inventory_lives() -> None:
    """What an inventory was declared with is frozen."""
    assert decide([known(1, "sent", "stored")], "other", NOW, frozen=True).action == "conflict"


def test_app_time_grows_with_each_version_even_within_a_second() -> None:
    """AppTime is now, or a second after the version before when that is later."""
    ahead = Known(
        document_id="V1",
        version=1,
        app_type=NEW,
        app_time=NOW + timedelta(seconds=30),
        content_digest="1",
        local_state="sent",
        authority_state="returned",
    )
    assert decide([ahead], "other", NOW, frozen=False).app_time == NOW + timedelta(seconds=31)


@pytest.mark.parametrize(
    ("first", "expected"),
    [
        (known(1, "sent"), None),
        (known(1, "sent", "declaring"), CHANGE),
        (known(1, "sent", "returned"), NEW),
        (known(1, "refused"), NEW),
    ],
)
def test_a_waiting_version_goes_when_the_outcome_is_known(
    first: Known, expected: str | None
) -> None:
    """None while version 1 is unanswered, then the appType that its outcome calls for."""
    assert release([first, known(2, "waiting")]) == expected
