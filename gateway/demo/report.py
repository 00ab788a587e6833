"""What the demo tells in the end: one JSON object, or a table for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.table import Table

from gateway.demo.consignments import Consignment
from gateway.demo.evidence import Evidence
from gateway.demo.following import End, expected
from gateway.demo.ledger import Accepted, Entry, compare

UNFINISHED_SHOWN_MAX = 10

Json = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that a run left behind."""

    seed: int
    consignments: Sequence[Consignment]
    ends: Mapping[str, End]
    accepted: Mapping[str, str]
    """Ids that the API accepted, with their kind."""
    evidence: Evidence
    ledger: Iterable[Entry]
    seconds: float

    @property
    def unfinished(self) -> list[Consignment]:
        """The consignments that did not end where their trouble says."""
        return [one for one in self.consignments if self.ends.get(one.order_no) != expected(one)]


def result(run: Run) -> Json:
    """The last line of the demo, with the keys of its contract."""
    evidence = run.evidence
    documents = {one.id: one for one in evidence.documents}
    # What was answered with 202 counts, whatever the store says of it.
    for id_, kind in run.accepted.items():
        documents.setdefault(id_, Accepted(id=id_, kind=kind))
    counts = compare(documents.values(), evidence.in_discrepancy, run.ledger)
    outcomes = Counter(end.state for end in run.ends.values())
    names = sorted({type_ for type_, _ in evidence.sent} | evidence.received.keys())
    sent = Counter[str]()
    signatures = Counter[str]()
    for (type_, signature_set), number in evidence.sent.items():
        sent[type_] += number
        signatures[signature_set] += number
    return {
        "ok": not (run.unfinished or counts.lost or counts.declared_twice),
        "seed": run.seed,
        "consignments": len(run.consignments),
        "documents": len(documents),
        "messages": sent.total(),
        "receipts": evidence.entries,
        "closed": outcomes["closed"],
        "discrepancies": evidence.open_discrepancies,
        "lost": counts.lost,
        "declared_twice": counts.declared_twice,
        "resent": counts.resent,
        "seconds": round(run.seconds, 1),
        "documents_per_second": round(len(documents) / max(run.seconds, 0.001), 1),
        "outcomes": dict(sorted(outcomes.items())),
        "troubles": dict(_troubles(run.consignments)),
        "message_types": {
            name: {"sent": sent[name], "received": evidence.received.get(name, 0)} for name in names
        },
        "signatures": dict(sorted(signatures.items())),
    }


def show(run: Run, found: Json, console: Console) -> None:
    """The result as tables."""
    troubles = Table(title=f"{found['consignments']} consignments, seed {found['seed']}")
    for title in ("trouble", "ends", "open discrepancies"):
        troubles.add_column(title)
    for title in ("times", "as expected"):
        troubles.add_column(title, justify="right")
    missed = Counter(one.trouble.name for one in run.unfinished)
    kinds = {one.trouble.name: one.trouble for one in run.consignments}
    for name, number in Counter(one.trouble.name for one in run.consignments).most_common():
        trouble = kinds[name]
        troubles.add_row(
            trouble.name or "none",
            trouble.ends,
            ", ".join(trouble.discrepancies) or "-",
            str(number),
            str(number - missed[name]),
        )
    console.print(troubles)
    traffic = Table(title="messages")
    for title in ("type", "sent", "received"):
        traffic.add_column(title, justify="left" if title == "type" else "right")
    for name, numbers in found["message_types"].items():
        traffic.add_row(name, str(numbers["sent"]), str(numbers["received"]))
    console.print(traffic)
    console.print(
        f"{found['documents']} documents in {found['messages']} messages, "
        f"{found['receipts']} receipt entries, {found['seconds']} s; "
        f"signed {', '.join(f'{name}: {n}' for name, n in found['signatures'].items())}"
    )
    console.print(
        f"lost {found['lost']}, declared twice {found['declared_twice']}, "
        f"messages sent again with the same bytes {found['resent']}"
    )


def complaints(run: Run) -> list[str]:
    """Sentences about consignments that did not end as they must."""
    lines = []
    for one in run.unfinished[:UNFINISHED_SHOWN_MAX]:
        wanted, found = expected(one), run.ends.get(one.order_no, End(state="unknown"))
        lines.append(
            f"{one.order_no}: {_said(found)}, expected {_said(wanted)}"
            f" ({one.trouble.name or 'no trouble'})"
        )
    left = len(run.unfinished) - len(lines)
    return [*lines, f"and {left} more"] if left > 0 else lines


def _said(end: End) -> str:
    return (
        f"{end.state} with {', '.join(end.discrepancies)} open" if end.discrepancies else end.state
    )


def _troubles(consignments: Sequence[Consignment]) -> list[tuple[str, int]]:
    numbers = Counter(one.trouble.name for one in consignments if one.trouble.name)
    return sorted(numbers.items())
