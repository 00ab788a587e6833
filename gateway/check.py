"""Judges a message that somebody hands in: envelope, schema and signature, without any state.

The shape of a verdict is that of `gateway check --json`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lxml import etree

from gateway.errors import PROBLEMS_MAX, Invalid, Problem
from gateway.messages import Catalogue, MessageType, parse_xml, problems_of
from gateway.model import Opened
from gateway.ports import Authority
from gateway.signing.trust import TrustStore
from gateway.signing.verify import Verdict, verify

MESSAGE_BYTES_MAX = 33_554_432
"""32 MiB; more is refused unread."""
TAGS_MAX, ATTRIBUTES_MAX = 400_000, 100_000
"""libxml2 lists every fault before we take 25 of them, so memory grows with what can be wrong.

A hundred inventories of sixty rows each have 400 000 tags.
"""

FAULTS = {
    "digest": (
        "G-digest", "/{root}/Signature/SignedInfo/Reference/DigestValue",
        "摘要与报文内容不符：签名后报文被改动，或摘要值有误",
        "the digest does not fit the document: changed after signing, or DigestValue is wrong",
    ),
    "value": (
        "G-value", "/{root}/Signature/SignatureValue",
        "签名值与 SignedInfo 和证书不符",
        "the signature value does not fit SignedInfo and certificate",
    ),
    "certificate": (
        "G-certificate", "/{root}/Signature/KeyInfo/X509Data/X509Certificate",
        "证书无法读取、已损坏，或与 KeyName、签名算法不符",
        "the certificate cannot be read, is damaged, or does not belong to KeyName or algorithm",
    ),
}  # fmt: skip
"""A fault of the signature: code, place, and what to tell."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    """What was found out; `errors` are those of the schema."""

    type_: MessageType | None = None
    envelope: str | None = None
    documents: int = 0
    signature: Verdict = field(default_factory=lambda: Verdict(status="absent"))
    valid: bool = False
    errors: Sequence[Problem] = ()
    findings: Sequence[Problem] = ()


def judge(
    data: bytes,
    catalogue: Catalogue,
    authorities: Iterable[Authority],
    *,
    trust: TrustStore | None = None,
    now: datetime | None = None,
) -> dict[str, Any]:
    """The verdict on any bytes, as a JSON object (without `file`); never raises for bad input.

    `trust` decides `signature.trusted`; with `now` a certificate that is out of date is a fault.
    """
    opened = Opened(form=None, message=data)
    try:
        opened = _open(data, authorities)
        root = _parse(opened.message)
    except Invalid as error:
        return _as_json(_Judged(envelope=opened.form, findings=error.problems[:1]))
    return _as_json(_judge(opened, root, catalogue, trust, now))


def refused(code: str, zh: str, en: str) -> dict[str, Any]:
    """The verdict on a file that was not read."""
    return _as_json(_Judged(findings=[Problem(path="/", code=code, zh=zh, en=en)]))


def missing(reason: str) -> dict[str, Any]:
    """The verdict on a file that cannot be read; `reason` as the system says it."""
    return refused("X-missing", f"文件无法读取：{reason}", f"the file cannot be read: {reason}")


def oversize() -> dict[str, Any]:
    """The verdict on a file over 32 MiB."""
    return refused(
        "X-size", f"文件超过 {MESSAGE_BYTES_MAX} 字节，未读取",
        f"the file is over {MESSAGE_BYTES_MAX} bytes and was not read",
    )  # fmt: skip


def _open(data: bytes, authorities: Iterable[Authority]) -> Opened:
    """Without its envelope, whichever authority's it is."""
    opened = Opened(form=None, message=data)
    for authority in authorities:
        opened = authority.unwrap(data)
        if opened.form is not None:
            break
    return opened


def _parse(message: bytes) -> etree._Element:
    if message.count(b"<") > TAGS_MAX or message.count(b"=") > ATTRIBUTES_MAX:
        raise Invalid(
            [
                Problem(
                    path="/", code="X-size", zh="报文的标记或属性过多，未评判",
                    en="the message has too many tags or attributes to be judged",
                )
            ]
        )  # fmt: skip
    return parse_xml(message, max_bytes=MESSAGE_BYTES_MAX)


def _judge(
    opened: Opened,
    root: etree._Element,
    catalogue: Catalogue,
    trust: TrustStore | None,
    now: datetime | None,
) -> _Judged:
    name = etree.QName(root)
    verdict = verify(root, trust, now)
    type_ = catalogue.by_root(str(root.tag))
    if type_ is None or type_.is_record:
        unknown = Problem(
            path=f"/{name.localname}"[:100], code="X-root", zh="不是已知的报文类型",
            en="the root element is no message type of the catalogue",
        )  # fmt: skip
        return _Judged(envelope=opened.form, signature=verdict, findings=[unknown])
    errors = problems_of(type_, root)
    findings = [
        *_envelope(opened, type_, root),
        *_encoding(opened.message, root),
        *_signature(verdict, type_),
    ]
    document = f"{{{type_.schema.namespace}}}{type_.schema.document.name}"
    return _Judged(
        type_=type_,
        envelope=opened.form,
        documents=sum(1 for _ in root.iterchildren(document)),
        signature=verdict,
        valid=not errors,
        errors=errors,
        findings=findings,
    )


def _envelope(opened: Opened, type_: MessageType, root: etree._Element) -> Iterable[Problem]:
    """Whether the envelope says the same as the message in it."""
    if opened.form is None:
        return
    if opened.message_type != type_.schema.root:
        yield Problem(
            path=f"/{opened.form}/TransInfo/MsgType", field="MsgType", code="X-type",
            value=(opened.message_type or "")[:40], zh=f"应为 {type_.schema.root}",
            en=f"the envelope must name {type_.schema.root}",
        )  # fmt: skip
    space = f"{{{type_.schema.namespace}}}"
    sender = root.findtext(f"{space}BaseTransfer/{space}dxpId")
    if type_.schema.transfer and sender != opened.sender:
        yield Problem(
            path=f"/{opened.form}/TransInfo/SenderId", field="SenderId", code="X-sender",
            value=(opened.sender or "")[:40], severity="warning",
            zh="与报文 BaseTransfer 的 dxpId 不同", en="differs from dxpId in BaseTransfer",
        )  # fmt: skip


def _encoding(message: bytes, root: etree._Element) -> Iterable[Problem]:
    """Customs reads UTF-8. libxml2 reads more, so a message in UTF-16 is judged all the same."""
    encoding = root.getroottree().docinfo.encoding or "UTF-8"
    if b"\0" in message[:4]:
        encoding = "UTF-16"
    if encoding.upper() not in {"UTF-8", "UTF8", "US-ASCII", "ASCII"}:
        yield Problem(
            path="/", code="X-encoding", value=encoding[:40], zh="报文须用 UTF-8 编码",
            en="a message is encoded in UTF-8",
        )  # fmt: skip


def _signature(verdict: Verdict, type_: MessageType) -> Iterable[Problem]:
    """What a person should know about the signature."""
    place = f"/{type_.schema.root}/Signature"
    if verdict.status == "absent":
        if not type_.is_receipt:
            yield Problem(
                path=place, code="G-absent", zh="报文没有签名", en="the message is not signed"
            )
        return
    if verdict.status == "unsupported":
        yield Problem(
            path=place, code="G-unsupported", zh="签名算法或结构不属于任何已知算法组",
            en="the signature uses algorithms or a structure of no known set",
        )  # fmt: skip
        return
    if verdict.fault is not None:
        code, where, zh, en = FAULTS[verdict.fault]
        yield Problem(path=where.format(root=type_.schema.root), code=code, zh=zh, en=en)
    if verdict.lenient:
        yield _warning(
            place, "G-lenient",
            "按宽松方式（忽略 SignedInfo 内空白和签名后的换行）可以通过，但不符合标准",
            "fits a lenient reading (white space in SignedInfo and the line break after the "
            "signature ignored) that one gateway is known to use, not the standard",
        )  # fmt: skip
    if not verdict.key_name_fits:
        yield _warning(
            f"{place}/KeyInfo/KeyName", "G-key-name", "KeyName 与证书序列号不同",
            "KeyName is not the serial number of the certificate",
        )  # fmt: skip
    if not verdict.official:
        yield _warning(
            f"{place}/SignedInfo/CanonicalizationMethod", "G-c14n",
            "规范化方法带 WithComments，不在官方算法组内",
            "the canonicalisation is named with comments, which the official sets do not have",
        )  # fmt: skip
    if verdict.trusted is False:
        yield Problem(
            path=f"{place}/KeyInfo/X509Data/X509Certificate", code="G-untrusted",
            zh="证书不在信任库内", en="the certificate is not in the trust store",
        )  # fmt: skip


def _warning(path: str, code: str, zh: str, en: str) -> Problem:
    return Problem(path=path, code=code, zh=zh, en=en, severity="warning")


def _as_json(judged: _Judged) -> dict[str, Any]:
    signature, findings = judged.signature, judged.findings[:PROBLEMS_MAX]
    receipt = judged.type_ is not None and judged.type_.is_receipt
    signed = signature.status == "valid" or (signature.status == "absent" and receipt)
    errors = [one for one in findings if one.severity == "error"]
    return {
        "ok": judged.valid and signed and not errors,
        "type": judged.type_.name if judged.type_ else None,
        "envelope": judged.envelope,
        "documents": judged.documents,
        "signature": {
            "status": signature.status,
            "fault": signature.fault,
            "algorithm": signature.algorithm,
            "digest": signature.digest,
            "key_name": (signature.key_name or "")[:100] or None,
            "trusted": signature.trusted,
        },
        "schema": {"valid": judged.valid, "errors": [_finding(one) for one in judged.errors]},
        "findings": [_finding(one) for one in findings],
    }


def _finding(problem: Problem) -> dict[str, str | None]:
    return {
        "path": problem.path,
        "code": problem.code,
        "severity": problem.severity,
        "value": problem.value,
        "zh": problem.zh,
        "en": problem.en,
    }
