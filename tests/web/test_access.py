from __future__ import annotations

from typing import Any

import pytest

from tests.flow import firms
from tests.web.desk import CALLERS, GOODS, Desk

pytestmark = pytest.mark.asyncio(loop_scope="module")

ALL = frozenset(CALLERS)
WRITERS = {
    "POST /v1/import/orders": {"merchant", "platform"},
    "POST /v1/import/payments": {"payment"},
    "POST /v1/import/waybills": {"logistics"},
    "POST /v1/import/shipments": {"logistics", "site"},
    "POST /v1/import/arrivals": {"site"},
    "POST /v1/enterprises": {"operator"},
    "PUT /v1/enterprises": {"operator"},
    "PUT /v1/enterprises/4403960001": {"operator"},
    "POST /v1/key-profiles": {"operator"},
    "POST /v1/mandates": {"operator"},
    "POST /v1/goods": {"operator", "merchant", "platform", "declarant"},
    "POST /v1/profiles": {"operator", "declarant"},
    "POST /v1/api-keys": {"operator"},
    "DELETE /v1/api-keys/NONE": {"operator"},
    "POST /v1/key-profiles/NONE/resume": {"operator"},
    "POST /v1/receipts/customs": {"authority"},
}
READERS = {
    "GET /v1/api-keys": {"operator"},
    "GET /v1/enterprises": ALL,
    "GET /v1/goods": ALL,
    "GET /v1/changes": ALL,
    "GET /v1/discrepancies": ALL,
    "GET /v1/documents/NONE": ALL,
    "GET /v1/consignments/NONE": ALL,
}


@pytest.mark.parametrize("role", sorted(CALLERS))
@pytest.mark.parametrize("address", sorted(WRITERS | READERS))
async def test_who_may_do_what(desk: Desk, address: str, role: str) -> None:
    """Each role gets past the door of its own addresses, and 403 at all others.

    Behind the door the broken body or the unknown name is refused, which is not what is asked.
    """
    method, path = address.split(" ")
    answer = await desk.ask(method, role, path, json=[{"broken": 1}] if method != "GET" else None)
    if role in (WRITERS | READERS)[address]:
        assert answer.status in {200, 202, 400, 404, 422}, answer.body
    else:
        assert (answer.status, answer.body["code"]) == (403, "A-role")


async def test_every_route_of_the_api_asks_for_a_key(desk: Desk) -> None:
    """Without a key every address but the two open ones is 401, whatever the method."""
    described = (await desk.get("", "/openapi.json")).body["paths"]
    asked = 0
    for path, methods in described.items():
        for method in methods:
            answer = await desk.ask(method.upper(), "", path.replace("{", "").replace("}", ""))
            expected = 200 if path in {"/healthz", "/openapi.json"} else 401
            assert answer.status == expected, (method, path)
            asked += 1
    assert asked > 30


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer swg_00000000_" + "A" * 43, "Basic b3A6b3A=", "swg_x"],
)
async def test_what_is_no_key_is_401(desk: Desk, header: str) -> None:
    """Every refusal at the door says how to come in, and nothing about why."""
    answer = await desk.ask("GET", "", "/v1/changes", headers={"Authorization": header})
    assert (answer.status, answer.body["code"]) == (401, "A-key")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


async def test_the_scheme_is_not_case_sensitive(desk: Desk) -> None:
    """RFC 9110: `bearer` is `Bearer`."""
    header = {"Authorization": f"bearer {desk.keys['operator']}"}
    assert (await desk.ask("GET", "", "/v1/changes", headers=header)).status == 200


async def test_a_foreign_code_is_refused_for_its_record_alone(desk: Desk, number: str) -> None:
    """In an array the order of another merchant and platform is 403, its neighbours are taken."""
    foreign = firms.order(
        f"{number}-2",
        ebpCode=firms.LOGISTICS,
        ebpName=firms.NAMES[firms.LOGISTICS],
        ebcCode=firms.SITE,
        ebcName=firms.NAMES[firms.SITE],
    )
    body = [firms.order(f"{number}-1"), foreign, firms.order(f"{number}-3")]
    answer = await desk.post("merchant", "/v1/import/orders", body)
    assert (answer.status, answer.body["accepted"], answer.body["refused"]) == (202, 2, 1)
    assert [one["status"] for one in answer.body["results"]] == [202, 403, 202]
    assert answer.body["results"][1]["code"] == "A-foreign"


async def test_a_foreign_goods_record_is_refused(desk: Desk) -> None:
    """A platform does not write the goods of a merchant."""
    goods = GOODS | {"itemNo": "SKU-FOREIGN"}
    answer = await desk.post("platform", "/v1/goods", goods)
    assert (answer.status, answer.body["code"]) == (403, "A-foreign")
    assert (await desk.post("merchant", "/v1/goods", goods)).status == 200


async def test_an_api_key_ends_when_it_is_revoked(desk: Desk) -> None:
    """Issued, used, listed without its secret, revoked, refused."""
    body = {"role": "merchant", "enterprise": firms.EBC}
    issued = (await desk.post("operator", "/v1/api-keys", body)).body
    header = {"Authorization": f"Bearer {issued['token']}"}
    assert (await desk.ask("GET", "", "/v1/changes", headers=header)).status == 200
    listed = (await desk.get("operator", "/v1/api-keys?limit=1000")).body["api_keys"]
    (row,) = [one for one in listed if one["id"] == issued["id"]]
    assert row["prefix"] == issued["prefix"] == issued["token"][:12]
    assert issued["token"] not in str(listed)
    path = f"/v1/api-keys/{issued['id']}"
    assert (await desk.ask("DELETE", "operator", path)).status == 204
    assert (await desk.ask("GET", "", "/v1/changes", headers=header)).status == 401
    assert (await desk.ask("DELETE", "operator", path)).status == 404


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"role": "merchant"}, "S-api-key"),
        ({"role": "merchant", "enterprise": 1}, "S-api-key"),
        ({"role": "merchant", "enterprise": firms.EBC, "token": "x"}, "S-api-key"),
        ([], "S-api-key"),
        ({"role": "site", "enterprise": firms.EBC}, "A-enterprise"),
        ({"role": "king", "enterprise": firms.EBC}, "A-role"),
    ],
)
async def test_a_key_is_issued_for_a_registered_role_only(desk: Desk, body: Any, code: str) -> None:
    """Anything but a role that the enterprise was registered with is 422."""
    answer = await desk.post("operator", "/v1/api-keys", body)
    assert (answer.status, answer.body["code"]) == (422, code)


async def test_an_unknown_key_profile_is_not_resumed(desk: Desk) -> None:
    """404 for a name that is not registered; a known one that signs already says so."""
    unknown = await desk.ask("POST", "operator", "/v1/key-profiles/NONE/resume")
    assert (unknown.status, unknown.body["code"]) == (404, "N-found")
    known = f"key-{firms.EBP}"
    answer = await desk.ask("POST", "operator", f"/v1/key-profiles/{known}/resume")
    assert (answer.status, answer.body) == (200, {"profile": known, "resumed": False})
    await desk.gateway.services.registers.pause(known)
    answer = await desk.ask("POST", "operator", f"/v1/key-profiles/{known}/resume")
    assert (answer.status, answer.body) == (200, {"profile": known, "resumed": True})
