"""The real process over HTTP: its answers, its receipts, kills in the middle, and privacy."""

from __future__ import annotations

import asyncio
import base64
import random
import signal
import stat
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest
import pytest_asyncio

from tests.simulator.office import KEY, Process, Taken, processing, taking
from tests.simulator.trade import PERSONAL, Trade

GOOD = ["2", "120", "800", "899"]
KINDS = ("CEB311", "CEB411", "CEB511", "CEB621")


@pytest_asyncio.fixture
async def taken(trade: Trade) -> AsyncIterator[Taken]:
    """The receiving end."""
    async with taking(trade) as made:
        yield made


@pytest_asyncio.fixture
async def simulator(trade: Trade, tmp_path: Path) -> AsyncIterator[Process]:
    """A running simulator that has not been told where receipts go."""
    async with processing(trade, tmp_path / "simulator") as made:
        yield made


async def envelopes(trade: Trade, *numbers: str) -> list[bytes]:
    """Everything of these orders, a message each kind."""
    makers = (trade.order, trade.payment_of, trade.waybill_of, trade.inventory_of)
    made = [
        await trade.envelope(type_, [make(number) for number in numbers])
        for type_, make in zip(KINDS, makers, strict=True)
    ]
    return [*made, await trade.envelope("CEB711", [trade.arrival(f"A{numbers[0]}", numbers)])]


async def test_from_the_ready_line_to_the_end(
    trade: Trade, simulator: Process, taken: Taken
) -> None:
    """One line on stdout, receipts with the bearer key, SIGTERM ends it with status 0."""
    await simulator.call("PUT", "/control/receipts", {"url": taken.url})
    for one in await envelopes(trade, "N1", "N2"):
        assert (await simulator.post(one))[0] == 200
    await taken.until(lambda: taken.seen.get(("CEB622", "CN2"), [])[-1:] == ["899"])
    assert taken.seen["CEB622", "CN1"] == GOOD
    assert taken.seen["CEB312", "N1"] == ["2", "120"]
    assert taken.authorizations == {f"Bearer {KEY}"}
    health = await simulator.call("GET", "/healthz")
    assert health["ok"] is True
    documents = (await simulator.call("GET", "/documents"))["documents"]
    assert {one["status"] for one in documents if one["type"] == "CEB621"} == {"899"}
    assert await simulator.end() == 0
    assert simulator.output.count("\n") == 1


async def test_receipts_go_until_they_are_taken(
    trade: Trade, simulator: Process, taken: Taken
) -> None:
    """A receiving end that refuses, or comes late, gets everything, each message in its order."""
    for one in await envelopes(trade, "N1"):
        await simulator.post(one)
    refusals = iter([503, 401, 500])
    taken.answer = lambda _: next(refusals, 200)
    await simulator.call("PUT", "/control/receipts", {"url": taken.url})
    ends = {
        ("CEB622", "CN1"): GOOD,
        ("CEB312", "N1"): ["2", "120"],
        ("CEB712", "AN1"): ["2", "399"],
    }
    await taken.until(lambda: all(len(taken.seen.get(one, [])) == len(ends[one]) for one in ends))
    assert {one: taken.seen[one] for one in ends} == ends
    with pytest.raises(StopIteration):
        next(refusals)


async def test_answers_that_are_none(trade: Trade, simulator: Process, taken: Taken) -> None:
    """LST breaks the connection after the work, H502 gives a page, DUP posts twice."""
    await simulator.call("PUT", "/control/receipts", {"url": taken.url})
    lost = await trade.envelope("CEB311", [trade.order("N1-LST")])
    with pytest.raises(aiohttp.ClientError):
        await simulator.post(lost)
    assert (await simulator.post(lost))[0] == 200
    assert [one["verdict"] for one in await simulator.ledger()] == ["taken", "duplicate"]
    page = await trade.envelope("CEB311", [trade.order("N2-H502")])
    status, body = await simulator.post(page)
    assert (status, body[:6]) == (502, b"<html>")
    await simulator.post(await trade.envelope("CEB311", [trade.order("N3-DUP")]))
    await taken.until(lambda: len(taken.seen.get(("CEB312", "N3-DUP"), [])) == 2)
    assert len(set(taken.bodies[-2:])) == 1, "the same bytes twice"


async def test_kills_in_the_middle(trade: Trade, simulator: Process, taken: Taken) -> None:
    """Kill -9 at any moment: what was answered stays, all ends come, nothing is taken twice."""
    chance = random.Random(7)
    await simulator.call("PUT", "/control/receipts", {"url": taken.url})
    numbers = [f"N{place}" for place in range(12)]
    waiting = [one for number in numbers for one in await envelopes(trade, number)]
    chance.shuffle(waiting)
    answered, kills = 0, 0

    async def kill() -> None:
        nonlocal kills
        await asyncio.sleep(chance.uniform(0.02, 0.4))
        await simulator.end(signal.SIGKILL)
        kills += 1
        await simulator.start()

    for part in range(0, len(waiting), 20):
        killing = asyncio.create_task(kill())
        for one in waiting[part : part + 20]:
            while True:
                try:
                    status, _ = await simulator.post(one)
                except aiohttp.ClientError:
                    await asyncio.sleep(0.05)
                    continue
                assert status == 200
                answered += 1
                break
            await asyncio.sleep(0.005)
        await killing
    assert (kills, answered) == (3, len(waiting))

    def ended() -> bool:
        ends = [taken.seen.get(("CEB622", f"C{one}"), []) for one in numbers]
        return all("899" in one for one in ends)

    await taken.until(ended)
    for number in numbers:
        # A message that was under way at a kill is posted again, so an entry may come twice.
        assert list(dict.fromkeys(taken.seen["CEB622", f"C{number}"])) == GOOD
    verdicts = [one["verdict"] for one in await simulator.ledger()]
    assert verdicts.count("taken") == len(waiting)
    assert set(verdicts) <= {"taken", "duplicate"}


def everything(folder: Path) -> tuple[bytes, set[str]]:
    """All bytes of all files below a folder, and their names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() for path in files), {path.name for path in files}


async def test_nothing_personal_stands_in_its_files(
    trade: Trade, simulator: Process, tmp_path: Path
) -> None:
    """Data folder, stdout and stderr hold no buyer in clear, though a CEB900 waits with all."""
    for one in await envelopes(trade, "N1", "N2-R900"):
        assert (await simulator.post(one))[0] == 200
    await asyncio.sleep(0.2)
    waiting = (await simulator.call("GET", "/healthz"))["waiting"]
    assert waiting["receipts"] > 0
    await simulator.end(signal.SIGKILL)
    held, names = everything(tmp_path)
    assert names >= {"simulator.sqlite3", "simulator.sqlite3-wal", "simulator.err"}
    held += simulator.output.encode()
    assert trade.platform.code.encode() in held, "the search looks at the right files"
    for value in PERSONAL:
        data = value.encode()
        for form in (data, value.encode("utf-16-le"), base64.b64encode(data), data.hex().encode()):
            assert form not in held
    key = tmp_path / "simulator" / "simulator.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600


async def test_one_process_a_folder(simulator: Process) -> None:
    """A second process on the same folder says so and ends; the first goes on."""
    second = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "gateway", "simulate", "--data", str(simulator.folder),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    out, errors = await second.communicate()
    assert second.returncode == 1
    assert out == b""
    assert b"A-locked" in errors
    assert b"Traceback" not in errors
    assert (await simulator.call("GET", "/healthz"))["ok"] is True
