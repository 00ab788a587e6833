"""Bearer API keys: who is calling."""

from __future__ import annotations

from collections.abc import Collection

from aiohttp import hdrs, web

from gateway.errors import Refused
from gateway.model import Caller
from gateway.registers import ApiKeys

SCHEME = "bearer"


async def caller_of(request: web.Request, api_keys: ApiKeys) -> Caller:
    """The caller behind the Authorization header. Raises Refused (401)."""
    scheme, _, token = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    caller = await api_keys.authenticate(token.strip()) if scheme.lower() == SCHEME else None
    if caller is None:
        raise Refused(
            401,
            "A-key",
            "缺少有效的 API 密钥。",
            "A valid API key is needed: Authorization: Bearer swg_…",
        )
    return caller


def check_role(caller: Caller, roles: Collection[str]) -> None:
    """Raises Refused (403) for a role that is not among these; none given: every role."""
    if roles and caller.role not in roles:
        raise Refused(
            403,
            "A-role",
            f"角色 {caller.role} 无此权限；允许的角色：{'、'.join(roles)}。",
            f"The role {caller.role} may not do this; allowed: {', '.join(roles)}.",
        )
