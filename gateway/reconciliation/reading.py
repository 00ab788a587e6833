"""Reading a stored receipt: envelope off, schema checked, entries with their keys and codes.

Receipts carry no signature: what makes them authentic is the channel (the bearer key of the
authority) together with SenderId and ReceiverId of the envelope.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import pairwise

from gateway.errors import Invalid, Problem
from gateway.messages import Catalogue, MessageType, parse_xml, problems_of, read
from gateway.messages.keys import Identity, key_text
from gateway.messages.status import named_guid, parse_return_codes
from gateway.model import Content, Opened
from gateway.ports import Authority
from gateway.store.numbers import INVENTORY_NUMBER
from gateway.telemetry import SHANGHAI

RECEIPT_XML_BYTES_MAX = 8_388_608
NUMBERS = (
    "preNo", "invtNo", "rkdNo", "taxNo", "entDutyNo", "customsTax", "valueAddedTax",
    "consumptionTax",
)  # fmt: skip
"""What customs tells beside a status: its numbers, and the taxes of a bill in yuan."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadEntry:
    """One entry of a receipt, as far as it can be told without the store.

    `answers` is the type that it answers; None for news that answers nothing, which names the
    inventory by the number that customs gave it. `complete` is False when a receipt leaves out an
    enterprise code of the key.
    """

    type: str
    answers: str | None
    key_text: str
    own_number: str
    complete: bool
    status: str
    at: datetime
    info: str
    codes: tuple[str, ...]
    names_guid: str | None
    numbers: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """CEB900: a whole message was refused."""

    message_id: str
    status: str
    info: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadReceipt:
    """A receipt message that could be read."""

    type: str
    entries: tuple[ReadEntry, ...] = ()
    refusals: tuple[Refusal, ...] = field(default=())


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """Reads receipts of every type of the catalogue."""

    catalogue: Catalogue
    authorities: Mapping[str, Authority]
    identity: Identity
    senders: Collection[str]
    """The ids under which authorities send."""
    is_ours: Callable[[str], bool]
    """Whether a receiver id is one of ours."""

    def read(self, authority: str, data: bytes) -> ReadReceipt:
        """The entries of one receipt. Raises Invalid with what cannot be read or is not ours."""
        opened = self.authorities[authority].unwrap(data)
        self._check_address(opened)
        root = parse_xml(opened.message, max_bytes=RECEIPT_XML_BYTES_MAX)
        tag = str(root.tag)
        type_ = self.catalogue.by_root(tag)
        if type_ is None or not type_.is_receipt:
            raise _unreadable("S-root", "不是已知的回执。", f"{tag} is not a known receipt.")
        problems = problems_of(type_, root)
        if problems:
            raise Invalid(problems)
        contents = read(type_, root)
        if type_.row.kind == "refusal":
            return ReadReceipt(type=type_.name, refusals=tuple(map(_refusal, contents)))
        answers = type_.row.answers
        key = self.catalogue.type(answers).row.key if answers else (INVENTORY_NUMBER,)
        return ReadReceipt(
            type=type_.name,
            entries=tuple(self._entry(type_, key, content) for content in contents),
        )

    def _check_address(self, opened: Opened) -> None:
        if opened.form is None:
            return
        if opened.sender not in self.senders:
            raise _unreadable(
                "A-sender", "发送方不是监管方。", f"The sender {opened.sender} is no authority."
            )
        if not any(self.is_ours(receiver) for receiver in opened.receivers):
            raise _unreadable("A-receiver", "接收方不是本网关。", "No receiver is one of ours.")

    def _entry(self, type_: MessageType, key: Sequence[str], content: Content) -> ReadEntry:
        head, row = content.head, type_.row
        info = head.get(row.info_field, "")
        return ReadEntry(
            type=type_.name,
            answers=row.answers,
            key_text=key_text(key, head, self.identity),
            own_number=head.get(key[-1], ""),
            complete=all(head.get(name) for name in key),
            status=head[row.status_field],
            at=return_time(head[row.time_field]),
            info=info,
            codes=parse_return_codes(info),
            names_guid=named_guid(info),
            numbers={name: head[name] for name in NUMBERS if head.get(name)},
        )


def return_time(text: str) -> datetime:
    """returnTime: 17 digits (milliseconds), older receipts 14, in Asia/Shanghai.

    Cut by place: strptime would read a month 99 as the ninth day of September.
    """
    padded = text.ljust(17, "0")
    try:
        year, month, day, hour, minute, second = (
            int(padded[start:end]) for start, end in pairwise((0, 4, 6, 8, 10, 12, 14))
        )
        microsecond = int(padded[14:]) * 1000
        local = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=SHANGHAI)
        return local.astimezone(UTC)
    except (ValueError, OverflowError):
        raise _unreadable("S-time", "回执时间无效。", f"{text!r} is not a time.") from None


def _refusal(content: Content) -> Refusal:
    return Refusal(
        message_id=content.head.get("oriCopMsgId", ""),
        status=content.head["returnStatus"],
        info=content.head.get("returnInfo", ""),
    )


def _unreadable(code: str, zh: str, en: str) -> Invalid:
    return Invalid([Problem(path="/", code=code, zh=zh, en=en)])
