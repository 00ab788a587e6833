"""The nouns of the gateway: frozen records without behaviour and without I/O."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Content:
    """The fields of one document, as the texts that stand in the XML.

    `head` maps official element names to texts, `items` holds the rows in order.
    A name that is absent is not sent; an empty text is sent as an empty element.
    """

    head: Mapping[str, str]
    items: tuple[Mapping[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Decoded:
    """A submitted record: the content for the message, and what only the gateway needs."""

    content: Content
    extension: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer:
    """BaseTransfer: the enterprise that transmits (CEB field tables, common blocks)."""

    copCode: str  # noqa: N815 - official element names stay as they are
    copName: str  # noqa: N815
    dxpId: str  # noqa: N815
    dxpMode: str = "DXP"  # noqa: N815
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscriber:
    """BaseSubscribe: one further receiver of data or receipts."""

    status: str
    dxpAddress: str  # noqa: N815 - official element names stay as they are
    dxpMode: str = "DXP"  # noqa: N815
    note: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope:
    """What an authority's envelope carries beside the message.

    `message_id` is CopMsgId; `created` is aware and written in Asia/Shanghai.
    """

    message_id: str
    message_type: str
    sender: str
    receivers: tuple[str, ...]
    created: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """An envelope taken off. `form` is DxpMsg, DxpMsgSv or None for a bare message."""

    form: str | None
    message: bytes
    message_id: str | None = None
    message_type: str | None = None
    sender: str | None = None
    receivers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the authority said to one transmission.

    `outcome` is transmitted, refused or unknown: a time-out is unknown, never failed.
    """

    outcome: str
    code: str = ""
    info: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Caller:
    """Who is calling: the role and the enterprise of an API key.

    `codes` holds every code of that enterprise (10 and 18 characters name one enterprise).
    """

    key_id: str
    role: str
    enterprise: str
    codes: frozenset[str]

    @property
    def sees_all(self) -> bool:
        """The zone's operator works on every document; personal data stays masked for it."""
        return self.role == "operator"


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What one returnStatus means for one kind of document.

    `state` empty: the document keeps its state. `rank` orders receipts of the same time.
    `discrepancy` is the code that the receipt opens in the reconciliation queue, or empty.
    """

    state: str
    rank: int
    final: bool = False
    success: bool = False
    discrepancy: str = ""
