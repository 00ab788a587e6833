"""Derives CEB621 and CEB711 from what the parties handed in: declare once, derive the rest.

Each field has one owner (derivation.toml). A different value elsewhere is a finding that holds
the declaration; nothing is overwritten, clipped or cut. What no source knows is a finding too.
The arithmetic (net weight, statutory quantities) is exact and rounded once, half up to the
5 digits of N19,5; a net weight above the gross weight is a finding, never corrected.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gateway.messages.computing import Computed, compute, goods_of
from gateway.messages.derivation_table import Line, Source, lines_of
from gateway.messages.facts import EMPTY, NOTHING, ArrivalFacts, Facts, given_rows
from gateway.messages.filling import NAMES, Desk, Filled, fill
from gateway.messages.findings import Evidence, Finding, Value, finding, held
from gateway.messages.modes import Mode
from gateway.messages.outcome_rules import DERIVED
from gateway.messages.rules import Rules
from gateway.messages.shipments import differing_used_fields, shipment_lacks
from gateway.messages.switches import Switches
from gateway.model import Content

__all__ = [
    "DEFAULT_SETTINGS",
    "ArrivalFacts",
    "DerivationSettings",
    "Derived",
    "Facts",
    "derive_arrival",
    "derive_inventory",
    "differing_used_fields",
    "shipment_lacks",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class DerivationSettings:
    """What the field tables leave to judgement; an installation may judge otherwise."""

    freight_owner: str = "waybill"
    """waybill or order: whose freight is declared where a difference is tolerated."""
    gname_owner: str = "order"
    """order or goods: whose goods name is declared where a difference is tolerated."""
    kilogram_from_net_weight: bool = True
    """A statutory unit of 035 (kg) takes the net weight of the row, not quantity x factor."""
    profile_completes_shipment: bool = False
    """Whether customsCode and portCode of the profile do for a shipment that lacks them."""
    tolerated_fields: frozenset[str] = frozenset()
    """Official field names in which sources may differ; the owner's value is then declared."""

    @property
    def preferred(self) -> dict[str, str]:
        """Field to the kind of source that is asked first."""
        return {
            "freight": self.freight_owner,
            "gname": "row" if self.gname_owner == "order" else self.gname_owner,
        }


DEFAULT_SETTINGS = DerivationSettings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Derived:
    """A derived document: its content, or None with the findings that hold it.

    The content lacks what the caller makes for each version: guid, appType, appTime, the numbers
    that customs gives (preNo, invtNo, rkdNo), and copNo unless the declarant gave its own.
    Warnings stand beside a content.
    """

    content: Content | None
    findings: tuple[Finding, ...]

    @property
    def waits(self) -> bool:
        """Whether nothing is wrong, only something still to come."""
        holding = [one for one in self.findings if one.holds]
        return bool(holding) and all(one.waits for one in holding)


def derive_inventory(
    facts: Facts, rules: Rules, settings: DerivationSettings = DEFAULT_SETTINGS
) -> Derived:
    """CEB621 of one consignment, after all rules that its mode and port run.

    `facts.mode` must be a mode of `rules`. The content is there exactly if no finding holds.
    """
    mode = rules.modes.by_name[facts.mode]
    customs_code = (facts.shipment or EMPTY).get("customsCode") or facts.profile.get("customsCode")
    switches = rules.switches.for_(facts.mode, customs_code)
    findings = rules.consignment(facts, switches)
    if facts.order is None or facts.waybill is None:
        return Derived(content=None, findings=tuple(findings))
    content, evidence = _inventory(facts, mode, switches, settings)
    findings += _findings(rules, switches, evidence)
    return Derived(content=None if held(findings) else content, findings=tuple(findings))


def derive_arrival(facts: ArrivalFacts, rules: Rules) -> Derived:
    """CEB711 of one tally. While its shipment is unknown or incomplete the finding waits."""
    mode = rules.modes.by_name[facts.mode]
    customs_code = facts.profile.get("customsCode") or (facts.shipment or EMPTY).get("customsCode")
    switches = rules.switches.for_(facts.mode, customs_code)
    desk = _desk(facts, switches, DEFAULT_SETTINGS)
    lines = lines_of(mode.arrival_message, mode.name)
    sources = {
        "arrival": facts.arrival.head,
        "shipment": facts.shipment or EMPTY,
        "profile": facts.profile,
        "mode": _mode_values(mode),
    }
    head = fill(lines.head, sources, EMPTY, desk)
    rows = [
        fill(lines.items, {"row": row, "computed": {"gnum": str(place)}}, EMPTY, desk)
        for place, row in enumerate(facts.arrival.items, start=1)
    ]
    evidence = [*head.evidence, *_gaps((), head, rows, {})]
    findings = _findings(rules, switches, evidence)
    content = Content(head.values, tuple(row.values for row in rows))
    return Derived(content=None if held(findings) else content, findings=tuple(findings))


def _inventory(
    facts: Facts, mode: Mode, switches: Switches, settings: DerivationSettings
) -> tuple[Content, list[tuple[str, Evidence]]]:
    """The content as far as the sources go, and everything that speaks against it."""
    computed = compute(facts, kilogram_from_net_weight=settings.kilogram_from_net_weight)
    desk = _desk(facts, switches, settings)
    lines = lines_of(mode.derived, mode.name)
    head = fill(lines.head, _head_sources(facts, mode, computed), facts.given.head, desk)
    rows = list(_rows(lines.items, facts, mode, computed, desk))
    content = Content(head.values, tuple(row.values for row in rows))
    lacks = _lacks(facts, mode, settings)
    unregistered = {
        place: row.get("itemNo", "")
        for place, row in enumerate((facts.order or NOTHING).items)
        if goods_of(facts, row) is None
    }
    evidence = [*computed.evidence, *head.evidence]
    evidence += [one for row in rows for one in row.evidence]
    evidence += _gaps(lacks, head, rows, unregistered)
    evidence += [(code, one) for code, check in DERIVED for one in check(content, facts)]
    return content, evidence


def _head_sources(facts: Facts, mode: Mode, computed: Computed) -> dict[str, Mapping[str, Any]]:
    documents = {"order": facts.order, "payment": facts.payment, "waybill": facts.waybill}
    return {
        **{kind: document.head for kind, document in documents.items() if document is not None},
        "extension": facts.extension,
        "shipment": facts.shipment or EMPTY,
        "profile": facts.profile,
        "mode": _mode_values(mode),
        "computed": computed.head,
    }


def _rows(
    lines: tuple[Line, ...], facts: Facts, mode: Mode, computed: Computed, desk: Desk
) -> Iterator[Filled]:
    """One row for each row of the order, in its order; one order row is never split.

    A given row that the order does not have is M07's to refuse; with M07 off it is declared.
    """
    ordered = {str(place): row for place, row in enumerate((facts.order or NOTHING).items, start=1)}
    given = given_rows(facts.given)
    for place, gnum in enumerate(dict.fromkeys([*ordered, *given])):
        row = ordered.get(gnum, {"gnum": gnum})
        sources = {
            "row": row,
            "goods": goods_of(facts, row) or EMPTY,
            "mode": _mode_values(mode),
            "computed": computed.rows[place] if gnum in ordered else EMPTY,
        }
        yield fill(lines, sources, given.get(gnum, EMPTY), desk, f"items[{place}].")


def _lacks(facts: Facts, mode: Mode, settings: DerivationSettings) -> tuple[str, ...]:
    if not mode.needs_shipment:
        return ()
    known = dict(facts.shipment or EMPTY)
    if settings.profile_completes_shipment:
        for name in ("customsCode", "portCode"):
            known[name] = known.get(name) or facts.profile.get(name)
    return shipment_lacks(known, parcel_listed=facts.parcel_listed)


def _gaps(
    lacks: tuple[str, ...], head: Filled, rows: list[Filled], unregistered: Mapping[int, str]
) -> Iterator[tuple[str, Evidence]]:
    """What is missing, once for each that can supply it: shipment, goods register, anybody."""
    shipment: list[str] = list(lacks)
    goods: set[int] = set()
    rest: list[str] = []
    for path, line in head.missing:
        if line.owner is not None and _nameless(line.owner, head):
            continue
        if any(source.kind == "shipment" for source in line.givers):
            shipment.append(path)
        elif line.field == "netWeight" and unregistered:
            goods |= unregistered.keys()
        else:
            rest.append(path)
    for place, row in enumerate(rows):
        if row.missing and place in unregistered:
            goods.add(place)
        else:
            rest += [path for path, _ in row.missing]
    if shipment:
        fields = tuple(dict.fromkeys(shipment))
        yield "R-shipment", Evidence(fields=fields, kinds=("shipment",))
    if goods:
        places = sorted(goods)
        values = tuple(Value("row", f"items[{n}].itemNo", unregistered[n]) for n in places)
        yield "R-goods", Evidence(values, kinds=("order", "goods"))
    if rest:
        yield "R-missing", Evidence(fields=tuple(rest))


def _nameless(owner: Source, head: Filled) -> bool:
    """Whether a name is missing only because the code that it belongs to is."""
    return owner.kind == NAMES and owner.field not in head.values


def _desk(facts: Facts | ArrivalFacts, switches: Switches, settings: DerivationSettings) -> Desk:
    return Desk(
        switches=switches,
        identity=facts.identity,
        names=facts.names,
        preferred=settings.preferred,
        tolerated=settings.tolerated_fields,
    )


def _mode_values(mode: Mode) -> dict[str, str]:
    return {"tradeMode": mode.trade_mode, "ieFlag": mode.ie_flag, "currency": mode.currency}


def _findings(
    rules: Rules, switches: Switches, evidence: list[tuple[str, Evidence]]
) -> list[Finding]:
    return [finding(rules.table[code], one) for code, one in evidence if switches.on(code)]
