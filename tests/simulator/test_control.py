"""The control side: wrong calls, and what is too large."""

from __future__ import annotations

import io

import aiohttp
import pytest

from gateway.simulator.delivery import Delivery
from gateway.simulator.envelope import ENVELOPE_BYTES_MAX
from gateway.simulator.server import Server, serving
from tests.simulator.counter import Counter


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/registry/enterprises/SHORT", {}),
        ("PUT", "/registry/enterprises/4401960EBP", []),
        ("PUT", "/registry/enterprises/4401960EBP", {"name": "n", "dxpId": "d" * 17}),
        (
            "PUT",
            "/registry/enterprises/4401960EBP",
            {"name": "n", "dxpId": "d", "certificate": "none"},
        ),
        ("PUT", "/control/receipts", {"url": "file:///etc/passwd"}),
        ("PUT", "/control/receipts", {}),
        ("GET", "/ledger?after=x", None),
        ("GET", "/ledger?limit=-1", None),
    ],
)
async def test_wrong_calls_are_told(counter: Counter, method: str, path: str, body: object) -> None:
    """A wrong control call gets a problem in two languages, never a page or a traceback."""
    application = Server(counter.authority, Delivery(counter.authority, "")).application()
    async with (
        serving(application, 0) as url,
        aiohttp.ClientSession() as session,
        session.request(method, url + path, json=body) as response,
    ):
        assert response.status == 400
        assert response.content_type == "application/problem+json"
        problem = await response.json(content_type=None)
    assert problem["zh"]
    assert problem["en"]


async def test_an_envelope_that_is_too_large(counter: Counter) -> None:
    """It is refused with an answer of the platform, unread."""
    application = Server(counter.authority, Delivery(counter.authority, "")).application()
    async with (
        serving(application, 0) as url,
        aiohttp.ClientSession() as session,
        session.post(f"{url}/dxp", data=io.BytesIO(b" " * (ENVELOPE_BYTES_MAX + 1))) as response,
    ):
        assert response.status == 413
        assert b"<ResponseCode>0999<" in await response.read()
