"""Statements for messages and the attempts to send them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, bindparam, insert, select, update

from gateway.lifecycle import MESSAGE, sources
from gateway.store.racing import lock
from gateway.store.tables import attempts, document_state, documents, messages


def ready(connection: Connection, ids: Iterable[str]) -> Sequence[RowMapping]:
    """Of these documents, the accepted ones with what decides their signing group."""
    return (
        connection.execute(
            select(
                documents.c.id,
                documents.c.type,
                documents.c.responsible,
                documents.c.key_profile,
                documents.c.sealed_fragment,
                documents.c.data_key,
                documents.c.correlation,
            )
            .join(document_state, document_state.c.document_id == documents.c.id)
            .where(documents.c.id.in_(list(ids)), document_state.c.local_state == "accepted")
            .order_by(documents.c.id)
        )
        .mappings()
        .all()
    )


def of_message(connection: Connection, message_id: str) -> Sequence[RowMapping]:
    """The documents that stand in a message now, unanswered, with their fragments."""
    return (
        connection.execute(
            select(
                documents.c.id,
                documents.c.type,
                documents.c.responsible,
                documents.c.key_profile,
                documents.c.key_id,
                documents.c.consignment_id,
                documents.c.parties,
                documents.c.sealed_fragment,
                documents.c.data_key,
                documents.c.correlation,
            )
            .join(document_state, document_state.c.document_id == documents.c.id)
            .where(
                document_state.c.message_id == message_id,
                document_state.c.authority_state.is_(None),
            )
            .order_by(documents.c.id)
        )
        .mappings()
        .all()
    )


def add_message(connection: Connection, row: dict[str, Any]) -> None:
    """A signed message, due at once."""
    connection.execute(insert(messages), row)


def message(connection: Connection, message_id: str) -> RowMapping | None:
    """One message."""
    return (
        connection.execute(select(messages).where(messages.c.id == message_id)).mappings().first()
    )


def messages_by_id(connection: Connection, ids: Iterable[str]) -> Sequence[RowMapping]:
    """These messages."""
    wanted = list(ids)
    if not wanted:
        return []
    return connection.execute(select(messages).where(messages.c.id.in_(wanted))).mappings().all()


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """A message to send now: its recipe, its sealed fragments in order, and which attempt it is."""

    row: RowMapping
    number: int
    fragments: Sequence[RowMapping]


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is due: messages to send, and the documents of arrived ones that nobody answered."""

    claims: Sequence[Claim]
    silent: Sequence[RowMapping]


def claim(connection: Connection, now: datetime, lease_until: datetime, limit: int) -> Due:
    """Take due messages for sending and record the intent, before any byte leaves.

    Until `lease_until` nobody else takes them; a process that dies leaves them to be found then.
    A message of which some documents are answered has arrived: it is not sent again, since that
    would declare anew what was returned meanwhile. Its silent documents are for a person.
    """
    due: Sequence[RowMapping] = (
        connection.execute(
            select(messages)
            .where(messages.c.next_attempt_at <= now, messages.c.state != "refused")
            .order_by(messages.c.next_attempt_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        .mappings()
        .all()
    )
    arrived = _arrived(connection, [one["id"] for one in due])
    schedule(connection, [{"row": one, "at": None} for one in sorted(arrived)])
    silent = [one for message_id in sorted(arrived) for one in of_message(connection, message_id)]
    due = [one for one in due if one["id"] not in arrived]
    if not due:
        return Due(claims=[], silent=silent)
    connection.execute(
        update(messages)
        .where(messages.c.id == bindparam("row"))
        .values(attempts=bindparam("number"), next_attempt_at=lease_until),
        [{"row": one["id"], "number": one["attempts"] + 1} for one in due],
    )
    connection.execute(
        insert(attempts),
        [
            {"message_id": one["id"], "number": one["attempts"] + 1, "started_at": now}
            for one in due
        ],
    )
    connection.execute(
        update(document_state)
        .where(
            document_state.c.message_id.in_([one["id"] for one in due]),
            document_state.c.sent_at.is_(None),
        )
        .values(sent_at=now)
    )
    claims = [
        Claim(row=one, number=one["attempts"] + 1, fragments=_fragments(connection, one))
        for one in due
    ]
    return Due(claims=claims, silent=silent)


def _arrived(connection: Connection, message_ids: Sequence[str]) -> set[str]:
    """Of these messages, those with a document that a receipt has answered."""
    if not message_ids:
        return set()
    return set(
        connection.execute(
            select(document_state.c.message_id)
            .where(
                document_state.c.message_id.in_(message_ids),
                document_state.c.authority_state.is_not(None),
            )
            .distinct()
        ).scalars()
    )


def _fragments(connection: Connection, row: Mapping[Any, Any]) -> list[RowMapping]:
    """The sealed fragments in the order of the recipe."""
    found = connection.execute(
        select(documents.c.id, documents.c.sealed_fragment, documents.c.data_key).where(
            documents.c.id.in_(row["document_ids"])
        )
    ).mappings()
    by_id = {one["id"]: one for one in found}
    return [by_id[one] for one in row["document_ids"]]


def hasten(connection: Connection, now: datetime) -> None:
    """At the start of a sender that is alone: claims of the process before are free again.

    Such a message has an attempt without an end: its outcome is unknown, so it is due now.
    """
    open_attempts = select(attempts.c.message_id).where(attempts.c.ended_at.is_(None))
    connection.execute(
        update(messages)
        .where(messages.c.next_attempt_at > now, messages.c.id.in_(open_attempts))
        .values(next_attempt_at=now)
    )
    # Ended now, or each further start would take them up again.
    connection.execute(
        update(attempts)
        .where(attempts.c.ended_at.is_(None))
        .values(ended_at=now, outcome="unknown", fault="restart")
    )


def end_attempts(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """How attempts ended: {message, place, ended, result, answer_code, what} each."""
    connection.execute(
        update(attempts)
        .where(
            attempts.c.message_id == bindparam("message"), attempts.c.number == bindparam("place")
        )
        .values(
            ended_at=bindparam("ended"),
            outcome=bindparam("result"),
            code=bindparam("answer_code"),
            fault=bindparam("what"),
        ),
        list(rows),
    )


def lock_messages(connection: Connection, message_ids: Iterable[str | None]) -> None:
    """From now on no other transaction decides when these messages are due."""
    lock(connection, messages.c.id, message_ids)


def move_message(connection: Connection, message_id: str, happened: str) -> bool:
    """Apply an event to a message in whatever state it is legal; False where it is not."""
    for old, new in sources(MESSAGE, happened).items():
        done = connection.execute(
            update(messages)
            .where(messages.c.id == message_id, messages.c.state == old)
            .values(state=new)
        )
        if done.rowcount == 1:
            return True
    return False


def end_message(connection: Connection, message_id: str, code: str) -> None:
    """A refused message is never sent again; `code` says why it was refused."""
    connection.execute(
        update(messages)
        .where(messages.c.id == message_id)
        .values(next_attempt_at=None, refused_code=code[:16])
    )


def schedule(connection: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """When messages are due again: {row, at} each, `at` None for never."""
    if rows:
        connection.execute(
            update(messages)
            .where(messages.c.id == bindparam("row"))
            .values(next_attempt_at=bindparam("at")),
            list(rows),
        )


def unanswered(connection: Connection, message_ids: Iterable[str]) -> set[str]:
    """Of these messages, those with a document that no receipt has answered yet."""
    wanted = list(message_ids)
    if not wanted:
        return set()
    return set(
        connection.execute(
            select(document_state.c.message_id)
            .where(
                document_state.c.message_id.in_(wanted),
                document_state.c.authority_state.is_(None),
                document_state.c.local_state.in_(("signed", "unknown", "sent")),
            )
            .distinct()
        ).scalars()
    )


def attempts_of(connection: Connection, message_ids: Iterable[str]) -> dict[str, list[datetime]]:
    """When each message was attempted, for those that were not refused as a whole."""
    wanted = list(message_ids)
    if not wanted:
        return {}
    rows = connection.execute(
        select(attempts.c.message_id, attempts.c.started_at)
        .join(messages, messages.c.id == attempts.c.message_id)
        .where(attempts.c.message_id.in_(wanted), messages.c.state != "refused")
        .order_by(attempts.c.number)
    )
    found: dict[str, list[datetime]] = {}
    for message_id, started in rows:
        found.setdefault(message_id, []).append(started)
    return found
