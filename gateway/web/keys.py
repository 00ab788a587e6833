"""API keys and paused key profiles: what the operator does beside the registers."""

from __future__ import annotations

from dataclasses import dataclass

from aiohttp import web

from gateway.errors import Refused
from gateway.model import Caller
from gateway.registers import ApiKeys
from gateway.store import api_keys as statements
from gateway.store.database import Database
from gateway.store.registry import Registers
from gateway.web import queries, shapes
from gateway.web.bodies import check_content_type, parse
from gateway.web.limits import read_body
from gateway.web.problems import json_response

KEY_BODY = {
    "type": "object",
    "properties": {"role": {"type": "string"}, "enterprise": {"type": "string"}},
    "required": ["enterprise", "role"],
    "additionalProperties": False,
}

KEY_BODY_BYTES_MAX = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Handlers for the operator."""

    api_keys: ApiKeys
    registers: Registers
    database: Database

    async def create(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """A new API key; its token is in this answer and nowhere else."""
        content_type = check_content_type(request)
        found = await parse(content_type, await read_body(request, KEY_BODY_BYTES_MAX), 1)
        record = found.records[0] if found.records else None
        texts = list(record.values()) if isinstance(record, dict) else []
        if (
            not isinstance(record, dict)
            or record.keys() != KEY_BODY["properties"].keys()  # type: ignore[attr-defined]
            or not all(type(one) is str for one in texts)
        ):
            raise Refused(
                422,
                "S-api-key",
                "请求体须为 role 与 enterprise 两个文本。",
                "The body is an object of two texts: role and enterprise.",
            )
        issued = await self.api_keys.create(
            record["role"], record["enterprise"], actor=caller.key_id
        )
        return json_response(
            {
                "id": issued.id,
                "prefix": issued.prefix,
                "role": record["role"],
                "enterprise": record["enterprise"],
                "token": issued.token,
            },
            201,
        )

    async def listing(self, request: web.Request, _caller: Caller) -> web.StreamResponse:
        """The API keys, without their secrets."""
        queries.check_names(request, ("after", "limit"))
        limit, after = queries.limit_of(request), queries.text_of(request, "after")
        rows = await self.database.read(statements.listing, after=after, limit=limit)
        return json_response(
            {
                "api_keys": [shapes.api_key_json(row) for row in rows],
                "next": rows[-1]["id"] if rows else after,
                "more": len(rows) == limit,
            }
        )

    async def revoke(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Revoke an API key; other processes stop taking it within seconds."""
        if not await self.api_keys.revoke(request.match_info["id"], actor=caller.key_id):
            raise Refused(404, "N-found", "没有该密钥。", "There is no such key in force.")
        return web.Response(status=204)

    async def resume(self, request: web.Request, caller: Caller) -> web.StreamResponse:
        """Let a paused key profile sign again."""
        profile = request.match_info["profile"]
        if self.registers.key_profile(profile) is None:
            raise Refused(404, "N-found", "没有该密钥档案。", "There is no such key profile.")
        resumed = await self.registers.resume(caller, profile)
        return json_response({"profile": profile, "resumed": resumed})
