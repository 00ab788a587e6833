"""Statements for documents that are accepted and not signed yet."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, select

from gateway.store.tables import document_state, documents, key_profiles

UNSIGNED_MAX = 10_000
"""Documents that one resumed key profile finds at once; the others come by the broker's delay."""


def unsigned_for(connection: Connection, profiles: Sequence[str]) -> list[str]:
    """Accepted documents of the enterprises of these key profiles, oldest first.

    A broker may keep a postponed batch where the outbox cannot hasten it.
    """
    owners = select(key_profiles.c.enterprise).where(key_profiles.c.profile.in_(list(profiles)))
    return list(
        connection.execute(
            select(documents.c.id)
            .join(document_state, document_state.c.document_id == documents.c.id)
            .where(document_state.c.local_state == "accepted", documents.c.responsible.in_(owners))
            .order_by(documents.c.id)
            .limit(UNSIGNED_MAX)
        ).scalars()
    )
