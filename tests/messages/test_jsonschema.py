"""The published JSON Schema and the decoder say the same, and the pages and the command show it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from hypothesis import example, given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from gateway.cli.messages import messages
from gateway.errors import Invalid
from gateway.messages import MessageType, decode, decode_register, load_catalogue, parse_json
from gateway.messages.body import NumberText
from gateway.messages.example import submission
from gateway.messages.jsonschema import json_schema

CATALOGUE = load_catalogue()
SUBMITTED = [one for one in CATALOGUE.types.values() if one.row.resource]
RUNNER = CliRunner()
VALUES = (
    st.none() | st.booleans() | st.integers(-1, 10**15) | st.text(max_size=20)
    | st.sampled_from(["", "1", "1.5", "142", "x" * 300, "20260131", "-1", "1.1234567"])
    | st.lists(st.text(max_size=3), max_size=2) | st.dictionaries(st.text(max_size=3), st.none())
)  # fmt: skip


def allowed(schema: dict[str, Any], value: Any) -> bool:
    """A judge of its own for the part of JSON Schema that our schemas use."""
    kinds = schema.get("type", [])
    tests = {
        "object": isinstance(value, dict),
        "array": isinstance(value, list),
        "string": type(value) is str,
        "number": isinstance(value, NumberText),
        "integer": isinstance(value, NumberText) and re.fullmatch(r"-?\d+(\.0+)?", value),
    }
    if not any(tests[kind] for kind in ([kinds] if isinstance(kinds, str) else kinds)):
        return False
    if isinstance(value, dict):
        return _object_allowed(schema, value)
    if isinstance(value, list):
        return _list_allowed(schema, value)
    if isinstance(value, NumberText):
        return bool(schema["minimum"] <= float(value) < schema["exclusiveMaximum"])
    return _text_allowed(schema, value)


def _object_allowed(schema: dict[str, Any], value: dict[str, Any]) -> bool:
    properties = schema["properties"]
    return (
        set(schema["required"]) <= value.keys() <= properties.keys()
        and schema["additionalProperties"] is False
        and all(allowed(properties[name], one) for name, one in value.items())
    )


def _list_allowed(schema: dict[str, Any], value: list[Any]) -> bool:
    if not schema.get("minItems", 0) <= len(value) <= schema.get("maxItems", len(value)):
        return False
    twice = len(value) != len({str(one) for one in value})
    if schema.get("uniqueItems") and twice:
        return False
    return all(allowed(schema["items"], one) for one in value)


def _text_allowed(schema: dict[str, Any], value: str) -> bool:
    return (
        schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and ("pattern" not in schema or re.search(schema["pattern"], value) is not None)
        and value in schema.get("enum", [value])
        and value == schema.get("const", value)
    )


def decodes(one: MessageType, record: object) -> bool:
    """Whether the decoder takes the record."""
    try:
        (decode_register if one.is_record else decode)(one, record)
    except Invalid:
        return False
    return True


@pytest.mark.parametrize("one", SUBMITTED, ids=lambda one: one.name)
@settings(max_examples=60)
@given(data=st.data())
def test_schema_and_decoder_agree(one: MessageType, data: st.DataObject) -> None:
    """A record with any one value changed is allowed by both or refused by both."""
    record = submission(one)
    rows = record.get(one.schema.rows_name)
    names = [field.name for field in one.schema.head_fields] + list(one.row.extension) + ["odd"]
    target = record
    if rows and data.draw(st.booleans(), label="in a row"):
        target = rows[0]
        # Rows that count from 1 are beyond a JSON Schema.
        names = [field.name for field in one.schema.item_fields if field.name != "gnum"]
    name = data.draw(st.sampled_from(names), label="name")
    if data.draw(st.booleans(), label="take away"):
        target.pop(name, None)
    else:
        target[name] = data.draw(VALUES, label="value")
    parsed = parse_json(json.dumps(record).encode(), limit_records=1)[0]
    verdict = allowed(json_schema(one), parsed)
    if not verdict or _plain(parsed):
        assert decodes(one, parsed) is verdict


def _plain(value: object) -> bool:
    """No character that XML forbids, which a JSON Schema does not say."""
    return json.dumps(value).find("\\u00") < 0 and "\\ud" not in json.dumps(value)


@example(record={"mode": 1})
@given(record=st.dictionaries(st.text(max_size=9), VALUES, max_size=4))
@settings(max_examples=60)
def test_every_refusal_is_explained(record: dict[str, Any]) -> None:
    """Whatever is handed in, the fast decoder refuses only what the explaining pass can name."""
    for one in SUBMITTED:
        with pytest.raises(Invalid) as caught:
            (decode_register if one.is_record else decode)(one, record)
        assert all(problem.zh and problem.en for problem in caught.value.problems)
        assert all(problem.path.startswith("$") for problem in caught.value.problems)


@pytest.mark.parametrize("one", SUBMITTED, ids=lambda one: one.name)
def test_documented_examples_are_accepted(one: MessageType) -> None:
    """The example on the page of a message can be posted as it stands."""
    parsed = parse_json(json.dumps(submission(one)).encode(), limit_records=1)[0]
    assert decodes(one, parsed)
    assert allowed(json_schema(one), parsed)


def command(*arguments: str) -> tuple[int, str, str]:
    """Exit status, stdout and stderr of `gateway messages`."""
    app = typer.Typer()
    app.command()(messages)
    done = RUNNER.invoke(app, list(arguments))
    return done.exit_code, done.stdout, done.stderr


def test_command_lists_the_catalogue() -> None:
    """One line a type; with --json each line is one object."""
    status, text, _ = command()
    assert status == 0
    assert len(text.splitlines()) == len(CATALOGUE.types)
    status, text, _ = command("--json")
    assert [json.loads(line)["type"] for line in text.splitlines()] == list(CATALOGUE.types)


def test_command_shows_one_type() -> None:
    """Fields with titles and formats, as text and as JSON, or the JSON Schema."""
    assert "电子订单" in command("CEB311")[1]
    (line,) = command("CEB311", "--json")[1].splitlines()
    shown = json.loads(line)
    assert shown["key"] == ["ebpCode", "orderNo"]
    assert {"name": "orderNo", "format": "C..60", "required": True}.items() <= next(
        field for field in shown["head"] if field["name"] == "orderNo"
    ).items()
    assert json.loads(command("CEB311", "--schema")[1]) == json_schema(CATALOGUE.type("CEB311"))
    assert len(command("CEB311", "--schema", "--json")[1].splitlines()) == 1


@pytest.mark.parametrize(
    "arguments",
    [["CEB000"], ["--check"], ["--schema"], ["--xsd", "nowhere"], ["--rows", "nowhere"]],
)
def test_wrong_usage_is_exit_two(arguments: list[str]) -> None:
    """A type or folder that is not there is wrong usage: status 2, a sentence, no traceback."""
    status, out, err = command(*arguments)
    assert (status, out) == (2, "")
    assert len(err.splitlines()) == 1


def test_pages_in_the_repository_are_up_to_date(root: Path) -> None:
    """docs/messages is what the catalogue says now."""
    assert command("--docs", str(root / "docs" / "messages"), "--check") == (0, "", "")


def test_stale_pages_are_found(tmp_path: Path) -> None:
    """A changed, missing or left-over page is named and is exit status 1."""
    folder = tmp_path / "messages"
    assert command("--docs", str(folder), "--check")[0] == 1
    assert command("--docs", str(folder))[0] == 0
    assert command("--docs", str(folder), "--check")[0] == 0
    (folder / "CEB311.md").write_text("old", encoding="utf-8")
    (folder / "CEB412.md").unlink()
    (folder / "CEB999.md").write_text("gone", encoding="utf-8")
    status, _, err = command("--docs", str(folder), "--check")
    assert status == 1
    assert "CEB311.md CEB412.md CEB999.md" in err
    command("--docs", str(folder))
    assert not (folder / "CEB999.md").exists()
