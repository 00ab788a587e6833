"""The life cycles: every local transition in one file, and the state under an authority.

Local events (we batch, send, replace …) move `local_state` by TRANSITIONS; a pair that is not in
the table is not an error to swallow but a step that must not happen, and `step` says so. What an
authority says never goes through that table: `authority_state` is computed anew from all stored
entries of the version, so order, doubling and delay of receipts cannot change the result.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.errors import GatewayError
from gateway.model import Status

DOCUMENT: Mapping[str, Mapping[str, str]] = {
    # Its fragment cannot be written yet: a shipment, or the outcome of the version before, lacks.
    "waiting": {"complete": "accepted", "replace": "replaced"},
    # Valid and durable, for a message to take.
    "accepted": {"sign": "signed", "replace": "replaced"},
    # In a committed message; the intent to send may already have been acted on.
    "signed": {"transmit": "sent", "lose": "unknown", "split": "signed", "refuse": "refused"},
    "unknown": {
        "transmit": "sent",
        "lose": "unknown",
        "split": "signed",
        "refuse": "refused",
        "resubmit": "accepted",
    },
    # Resubmitted when a key whose signatures were refused may sign again.
    "sent": {
        "transmit": "sent",
        "lose": "sent",
        "split": "signed",
        "refuse": "refused",
        "resubmit": "accepted",
    },
    # The message was refused as a whole and this document alone is to blame.
    "refused": {"resubmit": "accepted"},
    "replaced": {},
}
"""(state, event) of one document version, as far as the gateway itself acts."""

MESSAGE: Mapping[str, Mapping[str, str]] = {
    "signed": {"transmit": "transmitted", "lose": "unknown", "refuse": "refused"},
    "unknown": {"transmit": "transmitted", "lose": "unknown", "refuse": "refused"},
    # A lost answer to a repetition does not undo what an earlier attempt proved.
    "transmitted": {"transmit": "transmitted", "lose": "transmitted", "refuse": "refused"},
    "refused": {},
}
"""(state, event) of one message. Whether its documents are answered is theirs to know."""

CONSIGNMENT: Mapping[str, Mapping[str, str]] = {
    "collecting": {"hold": "held", "declare": "declared"},
    "held": {"free": "collecting", "hold": "held", "declare": "declared"},
    "declared": {
        "hold": "held",
        "release": "released",
        "close": "closed",
        "send_back": "sent_back",
        "declare": "declared",
    },
    "released": {"close": "closed", "send_back": "sent_back", "release": "released"},
    "closed": {"close": "closed"},
    "sent_back": {"send_back": "sent_back"},
}
"""(state, event) of one consignment."""


class IllegalStep(GatewayError):
    """The event does not exist for this state: a fault of ours, or two workers on one row."""


def step(table: Mapping[str, Mapping[str, str]], state: str, happened: str) -> str:
    """The state after the event; IllegalStep where the table has no such pair."""
    following = table[state].get(happened)
    if following is None:
        raise IllegalStep(
            "L-step",
            f"状态 {state} 下不允许 {happened}。",
            f"The event {happened} is not legal in state {state}.",
        )
    return following


def sources(table: Mapping[str, Mapping[str, str]], happened: str) -> dict[str, str]:
    """Every state in which the event is legal, with the state after it: the UPDATE's WHERE."""
    return {state: row[happened] for state, row in table.items() if happened in row}


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One stored receipt entry of one document version."""

    status: str
    at: datetime
    outcome: Status
    repeated: bool = False
    """An answer to a repetition of ours that says "known already": it proves arrival, no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuthorityState:
    """The state under an authority: of the deciding entry, with what contradicts it."""

    state: str
    status: str
    final: bool
    success: bool
    discrepancy: str
    at: datetime
    contradicted: bool = False


def authority_state(entries: Iterable[Entry]) -> AuthorityState | None:
    """The state that a set of entries gives, in whatever order they came; None for none.

    Final success wins; else the newest by returnTime, then rank. A duplicate answer to our own
    repetition decides only when nothing else is there. Two different finals, one of them no
    success, contradict each other: a person must look.
    """
    known = list(entries)
    if not known:
        return None
    deciding = max(known, key=_weight)
    finals = {entry.outcome.state for entry in known if entry.outcome.final}
    succeeded = {entry.outcome.state for entry in known if entry.outcome.success}
    return AuthorityState(
        state=deciding.outcome.state,
        status=deciding.status,
        final=deciding.outcome.final,
        success=deciding.outcome.success,
        discrepancy=deciding.outcome.discrepancy,
        at=deciding.at,
        contradicted=bool(succeeded) and len(finals) > len(succeeded),
    )


def _weight(entry: Entry) -> tuple[bool, bool, datetime, int, str]:
    return (
        entry.outcome.success,
        not entry.repeated,
        entry.at,
        entry.outcome.rank,
        entry.status,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Version:
    """One version of a key, as far as it decides to whom a receipt belongs."""

    document_id: str
    number: int
    first_sent_at: datetime | None


def version_of(
    versions: Sequence[Version],
    *,
    named: str | None,
    at: datetime,
    tolerance: timedelta,
) -> str | None:
    """The version that an entry speaks of; None when none was ever sent.

    An entry names its version by the guid in square brackets of its text; else it belongs to the
    newest version first sent before its returnTime (clocks may differ by `tolerance`), else to
    the first version that was sent at all.
    """
    by_guid = {version.document_id: version for version in versions}
    if named is not None and named in by_guid:
        return named
    sent = sorted(
        (version for version in versions if version.first_sent_at is not None),
        key=lambda version: version.number,
    )
    if not sent:
        return None
    earlier = [v for v in sent if v.first_sent_at and v.first_sent_at <= at + tolerance]
    return (earlier[-1] if earlier else sent[0]).document_id
