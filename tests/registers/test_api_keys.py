from __future__ import annotations

import hashlib
import re
from pathlib import Path

import pytest

from gateway.errors import Refused
from gateway.registers import ApiKeys
from gateway.registers.api_keys import CACHE_SECONDS
from gateway.store import audit
from gateway.store.api_keys import listing
from tests.registers.sample import MERCHANT, PLATFORM, PLATFORM_CREDIT, Office, enterprise


@pytest.fixture(autouse=True)
async def _enterprises(office: Office) -> None:
    await office.must_put(
        "enterprise",
        enterprise(PLATFORM, "platform", creditCode=PLATFORM_CREDIT),
        enterprise(MERCHANT),
    )


async def test_a_key_names_role_enterprise_and_both_codes(office: Office) -> None:
    """Issued for the 18-character code, a key stands for the enterprise under each code."""
    issued = await office.api_keys.create("platform", PLATFORM_CREDIT, actor="cli")
    caller = await office.api_keys.authenticate(issued.token)
    assert caller is not None
    assert (caller.role, caller.enterprise, caller.key_id) == ("platform", PLATFORM, issued.id)
    assert caller.codes == {PLATFORM, PLATFORM_CREDIT}


async def test_the_store_knows_a_digest_and_no_token(office: Office, tmp_path: Path) -> None:
    """256 random bits after the prefix; neither file of the store holds them."""
    issued = await office.api_keys.create("operator", "ZONE", actor="cli")
    assert re.fullmatch(r"swg_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", issued.token)
    files = _content(tmp_path)
    assert hashlib.sha256(issued.token.encode()).hexdigest().encode() in files
    assert issued.token.rpartition(issued.prefix)[2].encode() not in files


def _content(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir() if path.is_file())


@pytest.mark.parametrize(
    "token", ["", "swg_", "swg_00000000_" + "A" * 43, "x" * 5000, "swg_00000000_" + "é" * 43]
)
async def test_what_is_no_key_is_nobody(office: Office, token: str) -> None:
    """Rubbish and keys that were never issued give no caller."""
    assert await office.api_keys.authenticate(token) is None


async def test_a_revoked_key_is_nobody_at_once(office: Office) -> None:
    """The process that revokes takes the key no more; revoking twice says so."""
    issued = await office.api_keys.create("operator", "ZONE", actor="cli")
    assert await office.api_keys.authenticate(issued.token) is not None
    assert await office.api_keys.revoke(issued.id, actor="cli")
    assert await office.api_keys.authenticate(issued.token) is None
    assert not await office.api_keys.revoke(issued.id, actor="cli")


async def test_another_process_notices_within_seconds(office: Office) -> None:
    """A key that was just used elsewhere ends when the memory of it ends."""
    elsewhere = ApiKeys(office.registers, office.database, office.clock)
    issued = await office.api_keys.create("operator", "ZONE", actor="cli")
    assert await elsewhere.authenticate(issued.token) is not None
    await office.api_keys.revoke(issued.id, actor="cli")
    office.clock.forward(seconds=CACHE_SECONDS)
    assert await elsewhere.authenticate(issued.token) is None


@pytest.mark.parametrize(
    ("role", "code", "problem"),
    [
        ("king", PLATFORM, "A-role"),
        ("payment", PLATFORM, "A-enterprise"),  # registered as platform only
        ("merchant", "4403969999", "A-enterprise"),
        ("operator", "", "A-enterprise"),
        ("operator", "X" * 19, "A-enterprise"),
    ],
)
async def test_a_key_needs_a_role_that_the_enterprise_has(
    office: Office, role: str, code: str, problem: str
) -> None:
    """Unknown roles, unknown enterprises and roles that were not registered are refused."""
    with pytest.raises(Refused) as caught:
        await office.api_keys.create(role, code, actor="cli")
    assert (caught.value.status, caught.value.code) == (422, problem)


async def test_a_code_that_is_registered_later_belongs_to_the_caller(office: Office) -> None:
    """A key in use follows the register: a new credit code is the caller's at the next call."""
    issued = await office.api_keys.create("merchant", MERCHANT, actor="cli")
    await office.must_put("enterprise", enterprise(MERCHANT, creditCode="91440300MA5TEST0X9"))
    caller = await office.api_keys.authenticate(issued.token)
    assert caller is not None
    assert caller.codes == {MERCHANT, "91440300MA5TEST0X9"}


async def test_issuing_and_revoking_are_in_the_audit_chain(office: Office) -> None:
    """Both actions are recorded with their actor, and the listing shows no digest."""
    issued = await office.api_keys.create("operator", "ZONE", actor="cli")
    await office.api_keys.revoke(issued.id, actor="K-1")
    rows = await office.database.read(listing, after=None, limit=10)
    assert [row["prefix"] for row in rows] == [issued.prefix]
    assert "digest" not in rows[0]
    assert rows[0]["revoked_at"] == office.clock()
    assert await office.database.read(audit.verify) is None
