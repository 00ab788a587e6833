"""Power cuts: gateway and simulator are killed at random moments of a run, which then finishes."""

from __future__ import annotations

import asyncio
import random
import signal
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from gateway.demo.progress import progress_on
from gateway.demo.report import complaints, result
from gateway.demo.run import Demo, Options, running

CONSIGNMENTS = 130
GATEWAY_KILLS, SIMULATOR_KILLS = 10, 3
UPTIME_SECONDS = (0.05, 1.2)
"""Between two kills everything runs for a random time in these bounds."""
RUN_SECONDS = 540


async def _hand_in_and_kill(demo: Demo, chance: random.Random) -> Counter[str]:
    """Portion after portion is handed in, and during each one process dies."""
    victims = ["gateway"] * GATEWAY_KILLS + ["simulator"] * SIMULATOR_KILLS
    chance.shuffle(victims)
    killed = Counter[str]()
    parts = len(victims)
    loose = list(demo.shipments)
    chance.shuffle(loose)
    for number, name in enumerate(victims):
        portion = demo.consignments[number::parts]
        handing_in = asyncio.create_task(
            demo.submitting.everything(portion, loose[number::parts], chance.randrange(1000))
        )
        await asyncio.sleep(chance.uniform(*UPTIME_SECONDS))
        service = demo.installation.services[name]
        status = await service.kill()
        killed[name] += status == -signal.SIGKILL
        await service.start()
        await handing_in
    return killed


@pytest.mark.timeout(RUN_SECONDS + 20)
async def test_kills_lose_nothing_and_declare_nothing_twice(tmp_path: Path) -> None:
    """10 kills of the gateway, 3 of the simulator, same port and data: the run ends as it must."""
    seed = random.SystemRandom().randrange(10**6)
    options = Options(
        consignments=CONSIGNMENTS,
        seed=seed,
        data=tmp_path / "data",
        settings={"collecting_wait_seconds": 25, "answer_wait_seconds": 5},
        pace_seconds=0.2,
    )
    async with (
        asyncio.timeout(RUN_SECONDS),
        running(options, progress_on(Console(stderr=True))) as demo,
    ):
        following = asyncio.create_task(demo.follow())
        killed = await _hand_in_and_kill(demo, random.Random(seed))
        assert not following.done(), "the kills came after the run"
        await following
        run = await demo.count()
    found = result(run)
    assert killed == {"gateway": GATEWAY_KILLS, "simulator": SIMULATOR_KILLS}
    assert (found["lost"], found["declared_twice"]) == (0, 0), (seed, found)
    assert found["ok"], (seed, complaints(run), found)
