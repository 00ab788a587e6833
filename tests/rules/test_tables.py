"""The data of rules, modes and derivation is complete and fits the schemas."""

from __future__ import annotations

from pathlib import Path
from string import Formatter

import pytest

from gateway.errors import Misconfigured
from gateway.messages import Catalogue, load_catalogue
from gateway.messages.consignment_rules import CONSIGNMENT
from gateway.messages.derivation import DerivationSettings
from gateway.messages.derivation_table import Source, lines_of
from gateway.messages.door_rules import DOOR
from gateway.messages.modes import load_modes
from gateway.messages.outcome_rules import DERIVED
from gateway.messages.personal import PERSONAL
from gateway.messages.rule_table import Rule, read_rules, record_of, tolerance_of
from gateway.messages.rules_docs import rules_page
from gateway.messages.status import return_codes

MODES = list(load_modes().by_name.values())
IN_ENGINE = {"R-unequal", "R-given", "R-fixed", "R-fit", "R-freight", "R-gname"} | {
    "R-missing",
    "R-shipment",
    "R-goods",
}
"""Found while lines are filled, so without a function of their own."""


@pytest.fixture(scope="module")
def catalogue() -> Catalogue:
    """The shipped catalogue."""
    return load_catalogue()


@pytest.mark.parametrize("rule", read_rules().values(), ids=lambda rule: rule.code)
def test_a_rule_speaks_two_languages_and_names_its_source(rule: Rule) -> None:
    """Sentence, title and source stand in the table, with the same blanks in both languages."""
    assert all((rule.zh, rule.en, rule.title_zh, rule.title_en, rule.source))
    assert _blanks(rule.zh) == _blanks(rule.en)
    assert any("一" <= letter <= "鿿" for letter in rule.zh)
    assert rule.en.isascii()


def _blanks(sentence: str) -> set[str | None]:
    return {name for _, name, _, _ in Formatter().parse(sentence)} - {None}


def test_every_rule_has_one_function_and_every_function_a_rule() -> None:
    """Table and code name the same rules, each in the phase that the table says."""
    door = {code for checks in DOOR.values() for code, _ in checks}
    between = {code for code, _ in CONSIGNMENT}
    outcome = {code for code, _ in DERIVED} | IN_ENGINE
    phases = {code: rule.phase for code, rule in read_rules().items()}
    assert {code for code, phase in phases.items() if phase == "door"} == door
    assert {code for code, phase in phases.items() if phase == "consignment"} == between
    assert {code for code, phase in phases.items() if phase == "derivation"} == outcome


def test_customs_codes_and_rules_map_both_ways() -> None:
    """A code of customs that a rule of ours finds first names that rule, and the rule the code."""
    ours = {rule.customs_code: rule.code for rule in read_rules().values() if rule.customs_code}
    theirs = {code.code: code.rule for code in return_codes().values() if code.rule}
    assert ours == theirs == {"1327": "M04", "1332": "M05", "1320": "M07", "13127": "M10"}
    assert all(return_codes()[code].failure for code in ours)


def test_the_rules_of_the_main_job_are_there() -> None:
    """M01-M07, M10 and M15 run in direct-purchase import."""
    (direct,) = [mode for mode in MODES if mode.name == "direct-import"]
    assert direct.rules >= {f"M0{n}" for n in range(1, 8)} | {"M10", "M15"}
    assert (direct.trade_mode, direct.ie_flag, direct.end_state) == ("9610", "I", "closed")


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_each_field_of_a_derived_message_has_exactly_one_line(
    catalogue: Catalogue, mode: object
) -> None:
    """The lines are the fields of the schema, none less and none more."""
    for name in _messages(mode):
        lines, schema = lines_of(name, _name(mode)), catalogue.type(name).schema
        head, items = [line.field for line in lines.head], [line.field for line in lines.items]
        assert sorted(head) == sorted(field.name for field in schema.head_fields)
        assert sorted(items) == sorted(field.name for field in schema.item_fields)


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_a_required_field_is_never_optional_in_the_lines(
    catalogue: Catalogue, mode: object
) -> None:
    """What the schema requires is derived, made, or reported missing."""
    for name in _messages(mode):
        schema, lines = catalogue.type(name).schema, lines_of(name, _name(mode))
        groups = ((schema.head_fields, lines.head), (schema.item_fields, lines.items))
        for fields, own in groups:
            required = {field.name for field in fields if field.required}
            assert not {line.field for line in own if line.optional or line.empty} & required


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode.name)
def test_each_source_is_a_field_that_exists(catalogue: Catalogue, mode: object) -> None:
    """A line names only fields that its kind of record has."""
    known = _known(catalogue)
    for name in _messages(mode):
        lines = lines_of(name, _name(mode))
        for line in lines.head:
            assert _sources(line.givers, line.equal) <= known["head"], line.field
        rows = known["arrival rows"] if name == "CEB711" else known["rows"]
        for line in lines.items:
            assert _sources(line.givers, line.equal) <= rows, line.field


def _sources(*groups: tuple[Source, ...]) -> set[str]:
    return {
        f"{source.kind}.{source.field}"
        for group in groups
        for source in group
        if source.kind not in ("mode", "computed", "names")
    }


def _known(catalogue: Catalogue) -> dict[str, set[str]]:
    kinds = {"order": "CEB311", "payment": "CEB411", "waybill": "CEB511"} | {
        "shipment": "Shipment", "profile": "DeclarantProfile", "arrival": "Arrival",
    }  # fmt: skip
    head = {
        f"{kind}.{field.name}"
        for kind, name in kinds.items()
        for field in catalogue.type(name).schema.head_fields
    }
    order, arrival = catalogue.type("CEB311"), catalogue.type("Arrival")
    goods = {f"goods.{field.name}" for field in catalogue.type("Goods").schema.head_fields}
    return {
        "head": head | {f"extension.{name}" for name in order.row.extension},
        "rows": {f"row.{field.name}" for field in order.schema.item_fields} | goods,
        "arrival rows": {f"row.{field.name}" for field in arrival.schema.item_fields},
    }


def _messages(mode: object) -> tuple[str, ...]:
    derived, arrival = getattr(mode, "derived", ""), getattr(mode, "arrival_message", "")
    return tuple(name for name in (derived, arrival) if name)


def _name(mode: object) -> str:
    return str(getattr(mode, "name", ""))


def test_personal_fields_are_those_of_the_glossary(catalogue: Catalogue) -> None:
    """What the schemas call personal is masked in findings, and nothing else is hidden."""
    types = catalogue.types.values()
    fields = {
        field for one in types for field in (*one.schema.head_fields, *one.schema.item_fields)
    }
    personal = {field.name for field in fields if field.personal}
    assert {"buyerName", "payerIdNumber", "consigneeAddress"} <= personal
    assert personal <= PERSONAL
    assert not {field.name for field in fields if not field.personal} & PERSONAL


def test_the_page_of_the_rules_is_up_to_date(root: Path) -> None:
    """docs/rules.md is what the data says."""
    assert (root / "docs" / "rules.md").read_text("utf-8") == rules_page()


def test_the_page_names_every_rule_and_code() -> None:
    """Nothing of the tables is left out of the page."""
    page = rules_page()
    assert all(f"### {code} " in page for code in read_rules())
    assert all(f"| {code} |" in page for code in return_codes())


def test_settings_have_documented_defaults() -> None:
    """Where the field tables leave a choice, the choice of the documentation is the default."""
    settings = DerivationSettings()
    assert settings.preferred == {"freight": "waybill", "gname": "row"}
    assert settings.kilogram_from_net_weight
    assert not settings.profile_completes_shipment
    assert not settings.tolerated_fields


@pytest.mark.parametrize(
    "given", [{"colour": "red"}, {"zh": 1}, {"always": "yes"}, {"tolerance": 0.1}, {}]
)
def test_wrong_rule_data_stops_the_start(given: dict[str, object]) -> None:
    """Unknown keys, wrong types and missing sentences are refused."""
    with pytest.raises(Misconfigured):
        record_of("M99", Rule, {"code": "M99", **given}, {"tolerance": tolerance_of})
