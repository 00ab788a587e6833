"""The reading half of the API: documents, consignments, changes, discrepancies, registers."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateway.errors import Refused
from gateway.messages import Catalogue, MessageType
from gateway.model import Caller
from gateway.store import registers as registers_store
from gateway.store import views
from gateway.store.database import Database
from gateway.store.registers import REGISTERS
from gateway.store.registry import Registers
from gateway.store.vault import Vault
from gateway.web import queries, shapes
from gateway.web.problems import json_response


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Answers the GETs; a row that the caller may not see does not exist for it (404)."""

    catalogue: Catalogue
    registers: Registers
    database: Database
    vault: Vault

    async def document(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """One document version."""
        document_id = request.match_info["id"].upper()
        view = await self.database.read(views.document, document_id, self._viewer(caller))
        if view is None:
            raise _nothing()
        identity = self.registers.identity(caller.enterprise)
        return json_response(shapes.document_json(view, self.catalogue, self.vault, identity))

    async def consignment(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """One consignment by its id."""
        return await self._consignment(request.match_info["id"].upper(), caller)

    async def consignment_of_order(
        self, request: web.Request, caller: Caller
    ) -> web.StreamResponse:
        """One consignment by its order; for export ebcCode tells platforms without a code apart."""
        queries.check_names(request, ("direction", "ebpCode", "ebcCode", "orderNo"))
        direction = queries.needed(request, "direction", tuple(shapes.DIRECTIONS))
        ebp_code = self.registers.identity(queries.needed(request, "ebpCode"))
        ebc_code = queries.text_of(request, "ebcCode")
        found = await self.database.read(
            views.consignments_of_order,
            shapes.DIRECTIONS[direction],
            ebp_code,
            # An import consignment has no ebcCode in its key.
            self.registers.identity(ebc_code) if ebc_code and direction == "export" else None,
            queries.needed(request, "orderNo"),
        )
        if len(found) > 1:
            raise queries.bad("ebcCode", "必填：该订单号不唯一。", "is needed: several fit.")
        if not found:
            raise _nothing()
        return await self._consignment(found[0], caller)

    async def changes(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """What happened after a cursor."""
        queries.check_names(request, ("after", "limit"))
        found = await self.database.read(
            views.changes,
            queries.place_of(request),
            queries.limit_of(request),
            self._viewer(caller),
        )
        return json_response(shapes.changes_json(found, self.catalogue))

    async def discrepancies(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Entries of the reconciliation queue."""
        queries.check_names(request, ("state", "code", "consignment", "after", "limit"))
        limit = queries.limit_of(request)
        wanted = views.DiscrepancyFilter(
            state=queries.text_of(request, "state", ("open", "closed")),
            code=queries.text_of(request, "code"),
            consignment=queries.text_of(request, "consignment"),
            after=queries.text_of(request, "after"),
        )
        viewer = self._viewer(caller)
        rows, kinds = await self.database.read(views.discrepancies_page, wanted, limit, viewer)
        return json_response(
            {
                "discrepancies": [
                    shapes.discrepancy_json(
                        row, kinds.get(row["consignment_id"], frozenset()) if viewer else None
                    )
                    for row in rows
                ],
                "next": rows[-1]["id"] if rows else wanted.after,
                "more": len(rows) == limit,
            }
        )

    async def records(
        self, type_: MessageType, request: web.Request, caller: Caller
    ) -> web.StreamResponse:
        """Records of a register that are in force."""
        queries.check_names(request, ("after", "limit"))
        limit = queries.limit_of(request)
        register = REGISTERS[type_.row.kind]
        viewer = self._viewer(caller)
        found = await self.database.read(
            registers_store.page,
            register.kind,
            visible=None if viewer is None else (type_.row.parties, viewer),
            after=queries.record_cursor(request, len(register.key)),
            limit=limit,
        )
        return json_response(
            {
                "records": [shapes.record_json(one, type_) for one in found],
                "next": shapes.cursor_of(found[-1].key) if found else request.query.get("after"),
                "more": len(found) == limit,
            }
        )

    async def record(
        self, type_: MessageType, request: web.Request, caller: Caller
    ) -> web.StreamResponse:
        """One record of a register that is in force."""
        register = REGISTERS[type_.row.kind]
        given = request.match_info
        key = tuple(
            self.registers.identity(given.get(field, ""))
            if field in register.codes | {"code"}
            else given.get(field, "")
            for field in register.key.values()
        )
        known = await self.database.read(registers_store.current, register.kind, [key])
        record = known.get(key)
        if record is None or not self._sees(caller, type_, record):
            raise _nothing()
        return json_response(shapes.record_json(record, type_))

    def _sees(self, caller: Caller, type_: MessageType, record: registers_store.Record) -> bool:
        named = {record.body.get(name) for name in type_.row.parties}
        return caller.sees_all or bool(named & caller.codes)

    async def _consignment(self, consignment_id: str, caller: Caller) -> web.StreamResponse:
        view = await self.database.read(views.consignment, consignment_id, self._viewer(caller))
        if view is None:
            raise _nothing()
        return json_response(shapes.consignment_json(view, self.catalogue, self._viewer(caller)))

    def _viewer(self, caller: Caller) -> str | None:
        return None if caller.sees_all else self.registers.identity(caller.enterprise)


def _nothing() -> Refused:
    return Refused(404, "N-found", "没有找到。", "There is nothing of that name for this caller.")
