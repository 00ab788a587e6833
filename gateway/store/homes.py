"""How a consignment follows its inventory: a function of the inventory's state, not of its past.

The newest version of the inventory decides. Turned down, it lives no more, and the consignment is
held; when a later receipt says that it stands after all, it lives again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, RowMapping, select

from gateway.lifecycle import CONSIGNMENT, AuthorityState
from gateway.messages.versions import TURNED_DOWN
from gateway.store import consignments as consignments_store
from gateway.store import discrepancies
from gateway.store.tables import keys

EVENTS = {"released": "release", "closed": "close", "sent_back": "send_back"}
"""State of the living inventory to the event of its consignment."""


def settle_home(
    connection: Connection,
    home: RowMapping,
    document: RowMapping,
    state: AuthorityState,
    now: datetime,
) -> None:
    """Let the consignment follow the state of one version of its inventory.

    What the table of consignments does not know (a return after release) moves nothing: the
    document's own discrepancy shows it to a person.
    """
    if not _is_newest(connection, document):
        if state.state not in TURNED_DOWN:
            _contradict(connection, home, document, now)
        return
    if state.state in TURNED_DOWN:
        bury(connection, home, document["id"], now)
        return
    reached = home["state"]
    if home["living_inventory"] is None:
        reached = _move(connection, home["id"], reached, ["declare"], now)
        _set(connection, home["id"], living_inventory=document["id"])
    happened = EVENTS.get(state.state)
    if happened is not None:
        _move(connection, home["id"], reached, [happened], now)
        if state.final:
            _set(connection, home["id"], due_at=None)


def bury(connection: Connection, home: RowMapping, document_id: str, now: datetime) -> None:
    """The living inventory was turned down: hold the consignment and free its documents."""
    if home["living_inventory"] != document_id:
        return
    if "hold" in CONSIGNMENT[home["state"]]:
        _move(connection, home["id"], home["state"], ["hold"], now)
        _set(connection, home["id"], living_inventory=None, due_at=None)


def _is_newest(connection: Connection, document: RowMapping) -> bool:
    newest = connection.execute(
        select(keys.c.document_id).where(keys.c.id == document["key_id"])
    ).scalar_one()
    return bool(newest == document["id"])


def _contradict(
    connection: Connection, home: RowMapping, document: RowMapping, now: datetime
) -> None:
    """An older version stands under customs although a newer one was declared."""
    opening = discrepancies.Opening(
        code="contradiction",
        subject_kind="document",
        subject_id=document["id"],
        consignment_id=home["id"],
        document_id=document["id"],
        parties=document["parties"],
        detail={"kind": document["kind"]},
    )
    discrepancies.open_all(connection, [opening], now)


def _move(
    connection: Connection, home_id: str, state: str, happenings: Sequence[str], now: datetime
) -> str:
    """Apply events one after the other, where the table knows them; the state reached."""
    for happened in happenings:
        following = CONSIGNMENT[state].get(happened)
        if following is not None:
            consignments_store.move_consignment(
                connection, home_id, old=state, new=following, at=now
            )
            state = following
    return state


def _set(connection: Connection, home_id: str, **columns: object) -> None:
    consignments_store.set_consignment(connection, [{"row": home_id, **columns}])
