"""`gateway demo` as people run it: one run with everything kept, looked at from all sides."""

from __future__ import annotations

import base64
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.demo.consignments import make_consignments
from gateway.demo.parties import make_parties
from gateway.demo.people import Buyer
from gateway.demo.troubles import load_troubles

CONSIGNMENTS, SEED = 40, 7
RUN_SECONDS = 180
STOP_SECONDS = 60
KEYS = [
    "ok", "seed", "consignments", "documents", "messages", "receipts", "closed", "discrepancies",
    "lost", "declared_twice", "resent", "seconds", "documents_per_second", "outcomes", "troubles",
    "message_types", "signatures",
]  # fmt: skip
WIRE_NAME = re.compile(
    r"(\d{6})-(out-CEB\d{3}-[0-9A-F-]{36}|in-(CEB\d{3}|answer)-[0-9a-f]{12})\.(xml|bin)"
)
DXP_DATA = "{http://www.chinaport.gov.cn/dxp}Data"
RSA_METHOD = b"xmldsig#rsa-sha1"

Json = dict[str, Any]


def _command(*arguments: str | Path) -> list[str]:
    return [sys.executable, "-m", "gateway", *map(str, arguments)]


@dataclass(frozen=True, kw_only=True)
class Kept:
    """A finished run whose processes still work."""

    folder: Path
    messages: Path
    addresses: Json
    result: Json
    output: Path
    process: subprocess.Popen[bytes]


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    """`gateway demo --keep --json` with data and messages kept; ended with SIGTERM."""
    folder = tmp_path_factory.mktemp("kept")
    data, messages = folder / "data", folder / "messages"
    command = _command(
        "demo", "--consignments", str(CONSIGNMENTS), "--seed", str(SEED), "--signature", "both",
        "--data", data, "--messages", messages, "--keep", "--json",
    )  # fmt: skip
    output = folder / "demo.err"
    with (
        output.open("wb") as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors) as process,
    ):
        assert process.stdout is not None
        try:
            lines = [json.loads(process.stdout.readline()) for _ in range(2)]
            yield Kept(
                folder=data,
                messages=messages,
                addresses=lines[0],
                result=lines[1],
                output=output,
                process=process,
            )
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(STOP_SECONDS)


def _buyers() -> list[Buyer]:
    parties = make_parties("both")
    made = make_consignments(CONSIGNMENTS, SEED, parties, load_troubles(), datetime.now(UTC))
    return [one.buyer for one in made]


def test_every_consignment_ends_as_its_trouble_says(kept: Kept) -> None:
    """The last line has the keys of the contract, and nothing was lost or declared twice."""
    found = kept.result
    assert list(found) == KEYS
    assert found["ok"], kept.output.read_text()
    assert (found["lost"], found["declared_twice"]) == (0, 0)
    assert (found["consignments"], found["seed"]) == (CONSIGNMENTS, SEED)
    assert found["troubles"].keys() == {one.name for one in load_troubles()}
    assert sum(found["outcomes"].values()) == CONSIGNMENTS
    assert found["closed"] == found["outcomes"]["closed"] >= CONSIGNMENTS * 0.7
    assert found["discrepancies"] == 4
    assert found["signatures"].keys() == {"rsa-sha1", "sm2-sm3"}


def test_the_same_seed_gives_the_same_outcomes(kept: Kept) -> None:
    """A second run ends the same way; without --data and --keep nothing is left behind."""
    command = _command("demo", "--consignments", str(CONSIGNMENTS), "--seed", str(SEED), "--json")
    done = subprocess.run(command, capture_output=True, timeout=RUN_SECONDS, check=False)
    assert done.returncode == 0, done.stderr.decode()
    (line,) = done.stdout.splitlines()
    found = json.loads(line)
    for name in ("outcomes", "troubles", "consignments", "closed", "discrepancies", "documents"):
        assert found[name] == kept.result[name], name


def test_keep_tells_addresses_and_a_key_of_each_role(kept: Kept) -> None:
    """Loopback only; each key opens the API for the enterprise that is named beside it."""
    found = kept.addresses
    assert list(found) == ["api", "console", "simulator", "keys", "enterprises"]
    roles = ["platform", "merchant", "declarant", "payment", "logistics", "site", "operator"]
    assert list(found["keys"]) == roles
    assert sorted(found["enterprises"]) == sorted(roles)
    assert found["console"] is None
    for name in ("api", "simulator"):
        assert re.fullmatch(r"http://127\.0\.0\.1:\d+", found[name])
    queue = _get(found, "operator", "discrepancies?state=open")["discrepancies"]
    assert len(queue) == kept.result["discrepancies"]
    for role in roles[:-1]:
        code = found["enterprises"][role]
        assert role in _get(found, role, f"enterprises/{code}")["body"]["roles"]


def _get(found: Any, role: str, path: str) -> Any:
    """GET as a role, with the key of the --keep line."""
    request = urllib.request.Request(  # noqa: S310 - the address was looked at before
        f"{found['api']}/v1/{path}", headers={"Authorization": f"Bearer {found['keys'][role]}"}
    )
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        return json.load(response)


def test_nothing_of_the_buyers_stands_in_clear(kept: Kept) -> None:
    """Not in the stores and their WAL, not in a log, in no encoding that is easy to read.

    The wire files are the exception that shows that this search finds what is there.
    """
    files = [path for path in kept.folder.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {"gateway.sqlite", "gateway.sqlite-wal", "gateway.err", "gateway.out"} <= names
    assert {"simulator.sqlite3", "simulator.sqlite3-wal", "simulator.err"} <= names
    hidden = {path: path.read_bytes() for path in [*files, kept.output]}
    shown = b"".join(path.read_bytes() for path in kept.messages.iterdir())
    for buyer in _buyers():
        for text in buyer.personal:
            for form in _forms(text):
                found = [str(path) for path, data in hidden.items() if form in data]
                assert not found, f"{form!r} stands in {found}"
        assert any(form in shown for form in _forms(buyer.name))


def _forms(text: str) -> Iterator[bytes]:
    """A text as it might stand in a file: plain, UTF-16, JSON escapes, hex, inside Base64."""
    raw = text.encode()
    yield raw
    yield text.encode("utf-16-le")
    yield json.dumps(text)[1:-1].encode()
    yield raw.hex().encode()
    yield raw.hex().upper().encode()
    for before in range(3):
        whole = base64.b64encode(bytes(before) + raw)
        # Only characters whose six bits all belong to the text.
        yield whole[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]


def _wires(kept: Kept) -> list[Path]:
    return sorted(kept.messages.iterdir())


def test_every_message_is_written_down_in_order(kept: Kept) -> None:
    """Numbered names; as many different messages out as the result says."""
    files = _wires(kept)
    matches = [WIRE_NAME.fullmatch(path.name) for path in files]
    assert all(matches), [path.name for path in files]
    assert [path.name[:6] for path in files] == [f"{n:06d}" for n in range(1, len(files) + 1)]
    sent = {path.name.split("-", 3)[3] for path in files if "-out-" in path.name}
    assert len(sent) == kept.result["messages"]
    assert {path.suffix for path in files} == {".xml", ".bin"}  # the 502 page is not XML
    assert kept.messages.stat().st_mode & 0o077 == 0


def test_gateway_check_accepts_every_wire_file(kept: Kept) -> None:
    """Schema and signature of all that went out, schema of all that came in."""
    files = [path for path in _wires(kept) if path.suffix == ".xml" and "-answer-" not in path.name]
    command = _command("check", "--json", *files)
    done = subprocess.run(command, capture_output=True, timeout=RUN_SECONDS, check=False)
    verdicts = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(verdicts) == len(files)
    assert [one for one in verdicts if not one["ok"]] == []
    assert done.returncode == 0
    out = [one for one in verdicts if "-out-" in one["file"]]
    assert {one["signature"]["status"] for one in out} == {"valid"}
    assert {one["signature"]["algorithm"] for one in out} == {"rsa-sha1", "sm2-sm3"}


def test_xmlsec1_accepts_every_rsa_message(kept: Kept, xmlsec1: Path, tmp_path: Path) -> None:
    """The message in each envelope, against the certificate of whoever signed it."""
    certificates = list((kept.folder / "keys").rglob("cert.pem"))
    trusted = [part for path in certificates for part in ("--trusted-pem", str(path))]
    judged = 0
    for path in _wires(kept):
        if "-out-" not in path.name:
            continue
        data = etree.parse(path).findtext(f".//{DXP_DATA}")
        assert data is not None
        message = base64.b64decode(data)
        if RSA_METHOD not in message:
            continue
        file = tmp_path / path.name
        file.write_bytes(message)
        done = subprocess.run(
            [xmlsec1, "--verify", *trusted, file], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{path.name}: {done.stderr}"
        judged += 1
    assert judged >= kept.result["signatures"]["rsa-sha1"]


def _children_of(folder: Path) -> list[int]:
    """Processes whose command line names the folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue  # it has ended meanwhile
            if os.fsencode(folder) in line.split(b"\0", 1)[-1]:
                found.append(int(entry.name))
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_every_process(number: signal.Signals, tmp_path: Path) -> None:
    """In the middle of a run: exit 1, a sentence, no process left, no traceback."""
    data = tmp_path / "data"
    command = _command("demo", "--consignments", "300", "--data", data)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        said = b""
        while b"records handed in" not in said:
            line = process.stderr.readline()
            assert line, said.decode()
            said += line
        assert len(_children_of(data)) == 3
        process.send_signal(number)
        _, rest = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 1
    assert b"interrupted" in rest
    assert b"Traceback" not in rest
    assert _children_of(data) == []


def test_keep_ends_with_sigterm(tmp_path: Path) -> None:
    """It was to run until told, so being told is success; a run without consignments is one."""
    data = tmp_path / "data"
    command = _command("demo", "--consignments", "0", "--data", data, "--keep", "--json")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert "keys" in json.loads(process.stdout.readline())
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=STOP_SECONDS)
    assert process.returncode == 0, errors.decode()
    assert _children_of(data) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ["--mode", "bonded-import"],
        ["--signature", "rsa-sha256"],
        ["--consignments", "-1"],
        ["--seed", "x"],
        ["--data", "FULL"],
        ["--messages", "FULL"],
        ["--data", "FULL/file/below"],
    ],
    ids=" ".join,
)
def test_wrong_usage_is_told_before_anything_starts(arguments: list[str], tmp_path: Path) -> None:
    """Exit 2, a sentence, no traceback; a folder with something in it is not touched."""
    (tmp_path / "file").touch()
    given = [one.replace("FULL", str(tmp_path)) for one in arguments]
    done = subprocess.run(_command("demo", *given), capture_output=True, check=False)
    assert done.returncode == 2
    assert done.stderr
    assert b"Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_people_see_a_table() -> None:
    """Without --json: what happened to which trouble, and the two counts that matter."""
    done = subprocess.run(
        _command("demo", "--consignments", "3", "--signature", "sm2-sm3"),
        capture_output=True,
        text=True,
        timeout=RUN_SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "lost 0, declared twice 0" in done.stdout
    assert "CEB621" in done.stdout
    assert "sm2-sm3" in done.stdout
    assert "rsa-sha1" not in done.stdout
