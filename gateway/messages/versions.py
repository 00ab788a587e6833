"""What a record means whose business key is known already: a repeat, a version, or a conflict.

Sources: CEB field tables (appType 1 new, 2 change), reconciliation rules sections 1 and 3 (after
a return the same key may be sent again; a living key may not be sent again with appType 1).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from gateway.model import Content
from gateway.telemetry import SHANGHAI

NEW = "1"
CHANGE = "2"

UNSENT = frozenset({"waiting", "accepted"})
UNANSWERED = frozenset({"signed", "unknown", "sent"})
TURNED_DOWN = frozenset({"returned", "refused", "identity_mismatch"})
"""Authority states after which the key is free for a new declaration. "Sending to customs failed"
(4) is none: the electronic port has the document and may try again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """An earlier version of a key, as the store tells it."""

    document_id: str
    version: int
    app_type: str
    app_time: datetime
    content_digest: str
    local_state: str
    authority_state: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """What to do with the record. `action`: repeat, conflict or version.

    `waits` says that the outcome of the version before is not known, so appType cannot be known
    either; `replaces` names a version that was never sent and now never will be.
    """

    action: str
    document_id: str = ""
    version: int = 1
    app_type: str = NEW
    app_time: datetime | None = None
    waits: bool = False
    replaces: str | None = None


def decide(history: Sequence[Known], digest: str, now: datetime, *, frozen: bool) -> Decision:
    """Decide for content with this digest against all versions of its key (oldest first).

    The content of any earlier version is a repeat, not only of the newest: a client's late
    network retry must never undo a correction. `frozen` says that an inventory declared with
    this document lives.
    """
    for known in history:
        if known.content_digest == digest:
            return Decision(action="repeat", document_id=known.document_id, version=known.version)
    last = history[-1]
    if frozen and last.authority_state not in TURNED_DOWN:
        return Decision(action="conflict", document_id=last.document_id)
    decision = Decision(
        action="version",
        version=last.version + 1,
        app_time=max(now, last.app_time + timedelta(seconds=1)),
        replaces=last.document_id if last.local_state in UNSENT else None,
    )
    settled = [known for known in history if known.local_state not in (*UNSENT, "replaced")]
    return _with_app_type(decision, settled)


def _with_app_type(decision: Decision, sent: Sequence[Known]) -> Decision:
    """AppType from the versions that were sent; waits while the last of them is unanswered."""
    return Decision(
        action=decision.action,
        version=decision.version,
        app_time=decision.app_time,
        replaces=decision.replaces,
        app_type=CHANGE if any(_stands(known) for known in sent) else NEW,
        waits=bool(sent) and _outcome_unknown(sent[-1]),
    )


def _outcome_unknown(known: Known) -> bool:
    return known.local_state in UNANSWERED and known.authority_state is None


def _stands(known: Known) -> bool:
    """The authority took this version, and has not turned it down."""
    return known.authority_state is not None and known.authority_state not in TURNED_DOWN


def release(history: Sequence[Known]) -> str | None:
    """The appType with which a waiting version may go now; None while it must wait on."""
    sent = [known for known in history if known.local_state not in (*UNSENT, "replaced")]
    if sent and _outcome_unknown(sent[-1]):
        return None
    return CHANGE if any(_stands(known) for known in sent) else NEW


def versioned(content: Content, document_id: str, app_type: str, moment: datetime) -> Content:
    """The content with what the gateway fills once per version (appTime in Asia/Shanghai)."""
    filled = {
        "guid": document_id,
        "appType": app_type,
        "appTime": moment.astimezone(SHANGHAI).strftime("%Y%m%d%H%M%S"),
        "appStatus": "2",
    }
    return Content({**content.head, **filled}, content.items)
