"""Every error that a person or program outside may see; few classes, each with a stable code.

GatewayError
├── Invalid        what was handed in is wrong; lists the problems
├── Refused        understood, but this caller may not, or not now (403, 409, 413, 429, 503)
└── Misconfigured  the installation is wrong; refused at start
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

PROBLEMS_MAX = 25
"""How many problems one record reports; the rest would only hide the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One fault of one record: where it is, what stands there, and what to do, in two languages.

    `path` is a JSON path (`$.items[0].qty`) or an XML path (`/CEB311Message/Order[1]/…`).
    `value` is the text that was found, masked when the field holds personal data.
    """

    path: str
    code: str
    zh: str
    en: str
    field: str = ""
    value: str | None = None
    severity: str = "error"

    def as_json(self) -> dict[str, str | None]:
        """The shape of `problems` in a 422 answer."""
        return {
            "path": self.path,
            "field": self.field,
            "code": self.code,
            "value": self.value,
            "zh": self.zh,
            "en": self.en,
        }


class GatewayError(Exception):
    """Something a person can act on; `code` is stable, the sentences are in Chinese and English."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        super().__init__(f"{code}: {en}")
        self.code = code
        self.zh = zh
        self.en = en


class Invalid(GatewayError):
    """The input breaks the schema or a rule; at most `PROBLEMS_MAX` problems are listed."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        first = problems[0]
        super().__init__(first.code, first.zh, first.en)
        self.problems = tuple(problems[:PROBLEMS_MAX])


@dataclass(frozen=True, slots=True)
class Difference:
    """A place where a repeated business key carries other content than before."""

    path: str


@dataclass
class Refused(GatewayError):
    """Understood and refused; `status` is the HTTP status that says so."""

    status: int
    code: str
    zh: str
    en: str
    document_id: str | None = None
    differences: tuple[Difference, ...] = ()
    problems: tuple[Problem, ...] = field(default=())
    retry_after_seconds: int | None = None

    def __post_init__(self) -> None:
        super().__init__(self.code, self.zh, self.en)


class Misconfigured(GatewayError):
    """A setting, a row or a schema contradicts another; the gateway does not start."""
