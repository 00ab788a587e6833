"""docs/first-steps.md does what it says: its commands, run as they stand, close a consignment."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.DOTALL | re.MULTILINE)
SECONDS_MAX = 150


def _free_ports() -> tuple[int, int]:
    with socket.socket() as one, socket.socket() as other:
        for opened in (one, other):
            opened.bind(("127.0.0.1", 0))
        return one.getsockname()[1], other.getsockname()[1]


def _script(page: str) -> str:
    """The shell blocks of the page in order, with free ports in place of the default ones."""
    script = "".join(BLOCK.findall(page))
    gateway, customs = _free_ports()
    for text, put in (
        ("127.0.0.1:8080", f"127.0.0.1:{gateway}"),
        ("127.0.0.1:8090", f"127.0.0.1:{customs}"),
        ("gateway serve ", f"gateway serve --port {gateway} "),
        ("gateway simulate ", f"gateway simulate --port {customs} "),
    ):
        assert text in script
        script = script.replace(text, put)
    return f"export GATEWAY_CUSTOMS_URL=http://127.0.0.1:{customs}/dxp\n{script}"


def _run(script: str, folder: Path) -> tuple[int, str]:
    """Run it in a session of its own, which is ended whatever happens."""
    given = {name: text for name, text in os.environ.items() if not name.startswith("GATEWAY_")}
    output = folder / "output.txt"
    with output.open("w") as told:
        running = subprocess.Popen(
            ["sh", "-eu", "-c", script],
            cwd=folder, env=given, stdout=told, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
        try:
            status = running.wait(SECONDS_MAX)
        except subprocess.TimeoutExpired:
            status = -1
        finally:
            with suppress(ProcessLookupError):
                os.killpg(running.pid, signal.SIGKILL)
            running.wait()
    return status, output.read_text()


def test_the_commands_of_the_page_close_a_consignment(root: Path, tmp_path: Path) -> None:
    """Every block in order: nothing is refused, the consignment closes, no discrepancy is left."""
    if shutil.which("curl") is None:
        tell = pytest.fail if os.environ.get("CI") == "true" else pytest.skip
        tell("curl is not installed")
    (tmp_path / ".venv").symlink_to(sys.prefix)
    page = (root / "docs" / "first-steps.md").read_text()
    status, output = _run(_script(page), tmp_path)
    logs = [one.read_text()[-2000:] for one in sorted(tmp_path.glob("first-steps-data/*.log"))]
    assert status == 0, "\n".join([output, *logs])
    found = json.loads((tmp_path / "first-steps-data" / "answer.json").read_text())
    assert found["state"] == "closed", output
    assert {one["kind"] for one in found["documents"]} == {
        "order",
        "payment",
        "waybill",
        "inventory",
    }
    assert '"discrepancies":[]' in output.replace(" ", "")
    assert '"problems"' not in output
