"""The part of CONTRIBUTING.md that ruff, mypy and import-linter cannot check."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FILE_LINES_MAX = 320
FUNCTION_LINES_MAX = 60
EMPTY_NAMES = {"base", "common", "helper", "helpers", "manager", "managers", "util", "utils"}
MACHINE_PATH = re.compile(r"(?<![\w.])/(?:root|home|Users)/\w")
TEXT = {"", ".md", ".py", ".toml", ".tsv", ".txt", ".xsd", ".yml"}
FOLDERS = ("gateway", "xsd", "config", "tests", "docs", "bench", ".ci")


def _sources() -> list[Path]:
    # A migration is a record of one day: it is never split later.
    return [path for path in (ROOT / "gateway").rglob("*.py") if "migrations" not in path.parts]


def _texts() -> list[Path]:
    inside = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*")]
    files = [path for path in [*ROOT.glob("*"), *inside] if path.is_file()]
    return [path for path in files if path.suffix in TEXT]


def _functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text("utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def test_a_source_file_can_be_read_in_one_sitting() -> None:
    """No source file is longer than the limit."""
    lengths = {path: len(path.read_text("utf-8").splitlines()) for path in _sources()}
    assert lengths, "no source was found"
    assert not [f"{p.relative_to(ROOT)}: {n}" for p, n in lengths.items() if n > FILE_LINES_MAX]


def test_a_function_fits_on_a_screen() -> None:
    """No function is longer than the limit, its docstring included."""
    spans = [
        (f"{path.relative_to(ROOT)}:{node.name}", (node.end_lineno or 0) - node.lineno + 1)
        for path in _sources()
        for node in _functions(path)
    ]
    assert spans, "no function was found"
    assert not [f"{name}: {lines}" for name, lines in spans if lines > FUNCTION_LINES_MAX]


def test_modules_are_named_after_things_of_the_field() -> None:
    """No module or package has a name that could hold anything."""
    parts = {part for path in _sources() for part in path.relative_to(ROOT).with_suffix("").parts}
    assert not parts & EMPTY_NAMES


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    """No text holds a home folder or the place of this very checkout."""
    found = []
    for path in _texts():
        text = path.read_text("utf-8")
        if MACHINE_PATH.search(text) or f"{ROOT}/" in text:
            found.append(str(path.relative_to(ROOT)))
    assert not found


@pytest.mark.parametrize("path", ["/ho" + "me/me/x", "see /ro" + "ot/x"])
def test_the_search_for_machine_paths_finds_them(path: str) -> None:
    """The pattern of the test above matches what it is meant to match."""
    assert MACHINE_PATH.search(path)
