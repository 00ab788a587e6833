"""`gateway check`, `gateway sign` and `gateway keys generate` as a person calls them."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from gateway.cli import app
from gateway.messages import Catalogue
from gateway.ports import Signer
from gateway.signing.certificate import read_certificate_file
from gateway.signing.verify import verify
from tests.samples import SETS, KeyFiles, message


def _run(*arguments: str | Path) -> Result:
    """The command in this process; an exception other than an exit is a failure of the test."""
    result = CliRunner().invoke(app, [str(one) for one in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


def _check(*files: str | Path) -> tuple[int, list[dict[str, Any]]]:
    result = _run("check", "--json", *files)
    return result.exit_code, [json.loads(line) for line in result.stdout.splitlines()]


@pytest.fixture
def good(tmp_path: Path, catalogue: Catalogue, signers: dict[str, Signer]) -> Path:
    """A file with a good message."""
    path = tmp_path / "好 message.xml"
    path.write_bytes(message(catalogue.type("CEB311"), signer=signers["sm2-sm3"]))
    return path


def test_check_prints_one_line_a_file_in_order(good: Path, tmp_path: Path) -> None:
    """Good, bad and good again: three lines, exit 1; the good one alone: exit 0."""
    bad = tmp_path / "bad.xml"
    bad.write_bytes(b"<a>")
    status, lines = _check(good, bad, good)
    assert status == 1
    assert [(one["file"], one["ok"]) for one in lines] == [
        (str(good), True), (str(bad), False), (str(good), True)
    ]  # fmt: skip
    assert list(lines[0])[:2] == ["file", "ok"]
    status, lines = _check(good)
    assert (status, lines[0]["type"]) == (0, "CEB311")


@pytest.mark.parametrize("missing", ["nothing.xml", "."])
def test_a_missing_path_is_exit_2(missing: str, good: Path, tmp_path: Path) -> None:
    """Every file has its line, in order; the missing one's says so, in both languages."""
    status, lines = _check(good, tmp_path / missing, good)
    assert status == 2
    assert [(one["file"], one["ok"]) for one in lines] == [
        (str(good), True), (str(tmp_path / missing), False), (str(good), True)
    ]  # fmt: skip
    (finding,) = lines[1]["findings"]
    assert (finding["code"], finding["severity"]) == ("X-missing", "error")
    assert finding["zh"]
    assert finding["en"]
    assert lines[1].keys() == lines[0].keys()
    said = _run("check", good, tmp_path / missing).stdout
    assert f"{tmp_path / missing}: NOT OK" in said
    assert "X-missing" in said


@pytest.mark.parametrize(
    "arguments", [["check"], ["check", "--nonsense", "x"], ["check", "x", "--trust", "missing"]]
)
def test_wrong_usage_is_exit_2(arguments: list[str]) -> None:
    """No file, an unknown option, a trust store that is not there."""
    assert _run(*arguments).exit_code == 2


def test_check_for_people_names_what_was_found(
    good: Path, tmp_path: Path, catalogue: Catalogue
) -> None:
    """Without --json: a sentence a file, and the findings in both languages below it."""
    assert _run("check", good).stdout == (
        f"{good}: ok; CEB311; documents 2; schema valid; signature valid (sm2-sm3)\n"
    )
    bad = tmp_path / "bad.xml"
    bad.write_bytes(message(catalogue.type("CEB311")).replace(b"<ceb:qty>", b"<ceb:qty>x", 1))
    said = _run("check", bad).stdout
    assert "NOT OK" in said
    assert "error S-type /CEB311Message/Order[1]/OrderList[1]/qty" in said
    assert "报文没有签名 / the message is not signed" in said


def test_check_knows_a_trust_store(good: Path, keys: dict[str, KeyFiles]) -> None:
    """With the registered certificate trusted, without it an error."""
    for name, trusted in (("sm2", True), ("other-sm2", False)):
        result = _run("check", "--json", good, "--trust", keys[name].certificate)
        assert json.loads(result.stdout)["signature"]["trusted"] is trusted
        assert result.exit_code == (0 if trusted else 1)


def test_a_file_name_that_is_no_text_is_no_trouble(good: Path, tmp_path: Path) -> None:
    """Names are bytes; the line stays UTF-8 also where the terminal is not."""
    odd = os.fsencode(tmp_path) + b"/\xff\xfe.xml"
    Path(os.fsdecode(odd)).write_bytes(good.read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "check", "--json", odd, good],
        capture_output=True, check=False, env={**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
    assert [one["ok"] for one in lines] == [True, True]
    assert lines[1]["file"] == str(good)


@pytest.fixture
def unsigned(tmp_path: Path, catalogue: Catalogue) -> Path:
    """A file with an unsigned message in canonical form."""
    path = tmp_path / "unsigned.xml"
    path.write_bytes(message(catalogue.type("CEB621")))
    return path


def _sign(file: Path, files: KeyFiles, set_name: str, *more: str | Path) -> Result:
    return _run("sign", file, "--key", files.key, "--cert", files.certificate,
                "--set", set_name, *more)  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_sign_adds_a_valid_signature_and_changes_nothing_else(
    name: str, unsigned: Path, keys: dict[str, KeyFiles], tmp_path: Path
) -> None:
    """Into a file or to standard output; the document's bytes stay, the check is good."""
    out, files = tmp_path / "signed.xml", keys[name.split("-", maxsplit=1)[0]]
    result = _sign(unsigned, files, name, "--out", out)
    assert (result.exit_code, result.stdout) == (0, "")
    signed = out.read_bytes()
    start, end = signed.index(b"<ds:Signature "), signed.index(b"</ceb:CEB621Message>")
    assert signed[:start] + signed[end:] == unsigned.read_bytes()
    assert verify(signed).algorithm == name
    assert _check(out)[0] == 0
    printed = _sign(unsigned, files, name)
    assert verify(printed.stdout_bytes).status == "valid"


def test_sign_refuses_what_it_would_have_to_change(
    unsigned: Path, keys: dict[str, KeyFiles], catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """Another layout, a signature, a fault of the schema: a sentence each, nothing written."""
    data = unsigned.read_bytes()
    refused = {
        "G-canonical": [
            data + b"\n",
            b'<?xml version="1.0" encoding="UTF-8"?>' + data,
            b"\xef\xbb\xbf" + data,
            data.replace(b"<ceb:Inventory>", b"<ceb:Inventory ><!-- -->", 1),
        ],
        "G-twice": [message(catalogue.type("CEB621"), signer=signers["sm2-sm3"])],
        "S-type": [data.replace(b"<ceb:qty>", b"<ceb:qty>x", 1)],
        "X-root": [b"<a></a>"],
        "X-malformed": [b"<a>", b""],
        "G-unsigned": [message(catalogue.type("CEB622"))],
    }
    out = unsigned.with_name("out.xml")
    for code, texts in refused.items():
        for text in texts:
            unsigned.write_bytes(text)
            result = _sign(unsigned, keys["sm2"], "sm2-sm3", "--out", out)
            assert (result.exit_code, result.stdout) == (1, "")
            assert f"({code})" in result.stderr
            assert not out.exists()


def test_sign_says_what_is_wrong_with_its_arguments(
    unsigned: Path, keys: dict[str, KeyFiles], tmp_path: Path
) -> None:
    """A missing file and an unknown set are wrong usage; a key that does not fit is a failure."""
    nothing = KeyFiles(tmp_path / "no-key.pem", keys["rsa"].certificate)
    assert _sign(unsigned, nothing, "rsa-sha1").exit_code == 2
    assert _sign(tmp_path / "nothing.xml", keys["rsa"], "rsa-sha1").exit_code == 2
    assert _sign(unsigned, keys["sm2"], "sm2-sm3-comments").exit_code == 2
    assert _sign(unsigned, keys["rsa"], "rsa-sha1", "--password-variable", "NOT_SET").exit_code == 2
    assert _sign(unsigned, keys["rsa"], "rsa-sha1", "--out", tmp_path).exit_code == 2
    done = subprocess.run(
        [sys.executable, "-m", "gateway", "sign", unsigned, "--key", keys["rsa"].key,
         "--cert", keys["rsa"].certificate, "--set", "sm2-sm3"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("gateway: ")
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("algorithm", ["rsa", "sm2"])
def test_generated_keys_sign_at_once(algorithm: str, unsigned: Path, tmp_path: Path) -> None:
    """Key for its owner alone whatever the umask, certificate beside it, KeyName told."""
    folder = tmp_path / "new" / "keys"
    old = os.umask(0)
    try:
        result = _run("keys", "generate", "--algorithm", algorithm, "--code", "4601630004",
                      "--name", "海南公司", "--out", folder)  # fmt: skip
    finally:
        os.umask(old)
    assert result.exit_code == 0
    assert stat.S_IMODE((folder / "key.pem").stat().st_mode) == 0o600
    certificate = read_certificate_file((folder / "cert.pem").read_bytes())
    assert certificate.serial in result.stdout
    files = KeyFiles(folder / "key.pem", folder / "cert.pem")
    name = "rsa-sha256" if algorithm == "rsa" else "sm2-w3"
    assert verify(_sign(unsigned, files, name).stdout_bytes).status == "valid"


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    """Neither key nor certificate, also when only one of them is there."""
    arguments = ("keys", "generate", "--algorithm", "sm2", "--code", "1", "--name", "a",
                 "--out", tmp_path)  # fmt: skip
    for name in ("key.pem", "cert.pem"):
        (tmp_path / name).write_text("mine")
        result = _run(*arguments)
        assert result.exit_code == 1
        assert name in result.stderr
        assert [one.name for one in tmp_path.iterdir()] == [name]
        assert (tmp_path / name).read_text() == "mine"
        (tmp_path / name).unlink()


@pytest.mark.parametrize(
    ("option", "value"),
    [("--algorithm", "dsa"), ("--code", ""), ("--code", "46-1"), ("--name", " "),
     ("--name", "a" * 65), ("--name", "a\nb")],
)  # fmt: skip
def test_names_that_a_certificate_cannot_carry_are_wrong_usage(
    option: str, value: str, tmp_path: Path
) -> None:
    """Told before anything is written."""
    given = {"--algorithm": "sm2", "--code": "1", "--name": "a", option: value}
    result = _run("keys", "generate", *(one for pair in given.items() for one in pair),
                  "--out", tmp_path / "keys")  # fmt: skip
    assert result.exit_code == 2
    assert option in result.stderr
    assert not (tmp_path / "keys").exists()


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    """A file stands where the folder should be."""
    (tmp_path / "file").write_text("")
    result = _run("keys", "generate", "--algorithm", "rsa", "--code", "1", "--name", "a",
                  "--out", tmp_path / "file")  # fmt: skip
    assert result.exit_code == 1
    assert "gateway: " in result.stderr
