"""Whatever is handed to `gateway check`: a verdict, in bounded time and memory, nothing fetched."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.adapters.authorities.customs import Customs
from gateway.check import ATTRIBUTES_MAX, MESSAGE_BYTES_MAX, TAGS_MAX, judge
from gateway.messages import Catalogue, load_catalogue
from gateway.ports import Signer
from tests.samples import message

SECONDS_MAX = 5
MEMORY_MAX = 400 * 2**20
ROOT = (
    '<ceb:CEB311Message xmlns:ceb="http://www.chinaport.gov.cn/ceb"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'
    ' guid="4CDE1CFD-EDED-46B1-946C-B8022E42FC94" version="1.0"'
)
END = "</ceb:CEB311Message>"
CATALOGUE = load_catalogue()


def _bomb() -> str:
    names = "abcdefghij"
    entities = "".join(
        f'<!ENTITY {name} "{f"&{names[place - 1]};" * 10 if place else "ha"}">'
        for place, name in enumerate(names)
    )
    return f"<!DOCTYPE a [{entities}]><a>&j;</a>"


MALFORMED: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "X-malformed"),
    "blank": (b" \n", "X-malformed"),
    "text": (b"hello", "X-malformed"),
    "null bytes": (b"\0" * 1000, "X-malformed"),
    "random": (random.Random(1).randbytes(100_000), "X-malformed"),
    "truncated": (ROOT.encode() + b"><ceb:Order>", "X-malformed"),
    "two roots": (b"<a/><a/>", "X-malformed"),
    "wrong encoding": ("<a>测</a>".encode("gbk"), "X-malformed"),
    "unknown encoding": (b'<?xml version="1.0" encoding="klingon"?><a/>', "X-malformed"),
    "half a UTF-16 character": ("<a/>".encode("utf-16") + b"\0", "X-malformed"),
    "DTD": (b"<!DOCTYPE a><a/>", "X-dtd"),
    "internal entity": (b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "X-dtd"),
    "entity bomb": (_bomb().encode(), "X-malformed"),
    "unknown entity": (b"<a>&b;</a>", "X-malformed"),
    "deep": (b"<a>" * 200_000 + b"</a>" * 200_000, "X-malformed"),
    "long text": (b"<a>" + b"x" * 11_000_000 + b"</a>", "X-malformed"),
    "JSON": (b'{"orderNo":"1"}', "X-malformed"),
    "ZIP": (b"PK\3\4" + b"\0" * 100, "X-malformed"),
}  # fmt: skip


def _judge(data: bytes) -> dict[str, Any]:
    started = time.monotonic()
    verdict = judge(data, CATALOGUE, [Customs()])
    assert time.monotonic() - started < SECONDS_MAX
    json.dumps(verdict, ensure_ascii=False).encode()
    return verdict


@pytest.mark.parametrize("name", MALFORMED)
def test_what_is_no_xml_gets_one_finding(name: str) -> None:
    """No type, schema not valid, one finding that says why."""
    data, code = MALFORMED[name]
    verdict = _judge(data)
    assert (verdict["ok"], verdict["type"], verdict["documents"]) == (False, None, 0)
    assert verdict["schema"] == {"valid": False, "errors": []}
    assert [one["code"] for one in verdict["findings"]] == [code]


def test_an_external_entity_is_not_fetched(tmp_path: Path) -> None:
    """The file that it names is not read, and its text appears nowhere."""
    secret = tmp_path / "secret"
    secret.write_text("do not read me")
    for kind in (f'<!ENTITY b SYSTEM "{secret.as_uri()}">', f'<!ENTITY % b SYSTEM "{secret}">%b;'):
        verdict = _judge(f"<!DOCTYPE a [{kind}]><a>&b;</a>".encode())
        assert not verdict["ok"]
        assert "do not read" not in json.dumps(verdict)


def _complex() -> Iterator[tuple[str, str]]:
    many = ATTRIBUTES_MAX - 10
    yield "attributes", ROOT + "".join(f' a{one}="1"' for one in range(many)) + ">SIGNATURE" + END
    spaces = "".join(f' xmlns:n{one}="u:{one}"' for one in range(many))
    yield "namespaces", ROOT + spaces + ">SIGNATURE" + END
    yield (
        "namespaces and elements",
        (ROOT + spaces[:100_000].rpartition(" ")[0] + ">" + "<a/>" * 100_000 + "SIGNATURE" + END),
    )
    yield "documents", ROOT + ">" + "<ceb:Order/>" * (TAGS_MAX - 100) + "SIGNATURE" + END
    yield "comments", ROOT + ">" + "<!-- -->" * (TAGS_MAX - 100) + "SIGNATURE" + END
    empty = "".join(
        f"<ceb:{one.name}></ceb:{one.name}>" for one in CATALOGUE.type("CEB311").schema.head_fields
    )
    order = f"<ceb:Order><ceb:OrderHead>{empty}</ceb:OrderHead></ceb:Order>"
    yield "faults", ROOT + ">" + order * (TAGS_MAX // order.count("<") - 1) + "SIGNATURE" + END
    text = "<ceb:Order>" + "x" * 9_900_000 + "</ceb:Order>"
    yield "text", ROOT + ">" + text * 3 + "SIGNATURE" + END
    yield "signatures", ROOT + ">" + "SIGNATURE" * 5_000 + END
    yield "characters", ROOT + "><ceb:Order>" + "&#65;" * 6_000_000 + "</ceb:Order>SIGNATURE" + END


@pytest.fixture(scope="module")
def signature(catalogue: Catalogue, signers: dict[str, Signer]) -> str:
    """A real signature: with it, the document is digested too."""
    data = message(catalogue.type("CEB311"), signer=signers["sm2-sm3"]).decode()
    return data[data.index("<ds:Signature ") : data.index("</ds:Signature>")] + "</ds:Signature>"


MEASURED = """
import os, subprocess, sys
process = subprocess.Popen(sys.argv[2:])
_, status, used = os.wait4(process.pid, 0)
open(sys.argv[1], "w").write(str(used.ru_maxrss))
sys.exit(os.waitstatus_to_exitcode(status))
"""
"""Runs a command from a small process: the peak of a child begins with the size of its parent."""


def test_the_command_answers_within_time_and_memory(signature: str, tmp_path: Path) -> None:
    """Every hostile file through one real process: each line in time, memory within the bound."""
    files = []
    for name, text in _complex():
        files.append(tmp_path / f"{name}.xml")
        files[-1].write_text(text.replace("SIGNATURE", signature))
    for name in ("deep", "random", "entity bomb", "long text"):
        files.append(tmp_path / f"{name}.xml")
        files[-1].write_bytes(MALFORMED[name][0])
    files.append(tmp_path / "sparse.xml")
    with files[-1].open("wb") as sparse:
        sparse.truncate(100 * 2**20)
    peak = tmp_path / "peak"
    command = (sys.executable, "-m", "gateway", "check", "--json")
    process = subprocess.Popen(
        [sys.executable, "-c", MEASURED, peak, *command, *files],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    verdicts, moments = [], []
    for line in process.stdout:
        moments.append(time.monotonic())
        verdicts.append(json.loads(line))
    errors = process.stderr.read()
    process.stdout.close()
    process.stderr.close()
    assert process.wait(SECONDS_MAX) == 1
    assert errors == b""
    assert [one["file"] for one in verdicts] == [str(one) for one in files]
    assert not any(one["ok"] for one in verdicts)
    slowest = max(later - earlier for earlier, later in pairwise(moments))
    assert slowest < SECONDS_MAX
    assert int(peak.read_text()) * 1024 < MEMORY_MAX
    assert verdicts[-1]["findings"][0]["code"] == "X-size"


def test_more_than_32_mib_are_refused() -> None:
    """One byte too many; the limit itself is parsed."""
    assert _judge(b" " * (MESSAGE_BYTES_MAX + 1))["findings"][0]["code"] == "X-size"
    assert _judge(b" " * MESSAGE_BYTES_MAX)["findings"][0]["code"] == "X-malformed"


@pytest.mark.parametrize("what", ["<x/>", "="])
def test_too_much_markup_is_refused(what: str) -> None:
    """Memory for faults grows with what can be faulty, so that is bounded."""
    bound = TAGS_MAX if what == "<x/>" else ATTRIBUTES_MAX
    data = f"{ROOT}>{what * bound}{END}".encode()
    assert _judge(data)["findings"][0]["code"] == "X-size"


@given(st.binary(max_size=400))
def test_random_bytes_get_a_verdict(data: bytes) -> None:
    """Never an exception, never ok."""
    assert not _judge(data)["ok"]


@given(st.data())
@settings(max_examples=150)
def test_a_damaged_message_gets_a_verdict(data: st.DataObject) -> None:
    """A piece cut out, doubled or turned round anywhere: never ok, as nothing is signed."""
    whole = message(CATALOGUE.type("CEB621"))
    start = data.draw(st.integers(0, len(whole)))
    end = data.draw(st.integers(start, min(len(whole), start + 50)))
    change: Callable[[bytes], bytes] = data.draw(
        st.sampled_from([lambda _: b"", lambda one: one * 2, lambda one: one[::-1]])
    )
    assert not _judge(whole[:start] + change(whole[start:end]) + whole[end:])["ok"]
