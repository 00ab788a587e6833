"""Verdicts on messages that are messages: of every type, in every set and wrapping."""

from __future__ import annotations

import base64
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from lxml import etree

from gateway.adapters.authorities.customs import DXP, Customs
from gateway.check import judge
from gateway.errors import PROBLEMS_MAX
from gateway.messages import Catalogue, MessageType, parse_xml
from gateway.model import Envelope
from gateway.ports import Signer
from gateway.signing.trust import TrustStore
from tests.samples import SETS, TRANSFER, content, message, receipts, requests

CUSTOMS = Customs()
VERDICT_KEYS = ["ok", "type", "envelope", "documents", "signature", "schema", "findings"]
SIGNATURE_KEYS = ["status", "fault", "algorithm", "digest", "key_name", "trusted"]
FINDING_KEYS = {"path", "code", "severity", "value", "zh", "en"}


def _judge(data: bytes, catalogue: Catalogue, trust: TrustStore | None = None) -> dict[str, Any]:
    verdict = judge(data, catalogue, [CUSTOMS], trust=trust)
    assert list(verdict) == VERDICT_KEYS
    assert list(verdict["signature"]) == SIGNATURE_KEYS
    assert type(verdict["schema"]["valid"]) is bool
    for one in [*verdict["schema"]["errors"], *verdict["findings"]]:
        assert set(one) == FINDING_KEYS
    assert len(verdict["findings"]) <= PROBLEMS_MAX
    assert len(verdict["schema"]["errors"]) <= PROBLEMS_MAX
    json.dumps(verdict)
    return verdict


def _codes(verdict: dict[str, Any]) -> list[str]:
    return [one["code"] for one in verdict["findings"]]


def _envelope(type_: MessageType, **given: Any) -> Envelope:
    values: dict[str, Any] = {
        "message_id": "0191D9A0-0000-7000-8000-000000000001",
        "message_type": type_.schema.root,
        "sender": TRANSFER.dxpId,
        "receivers": ("DXPEDCCEB0000002",),
        "created": datetime(2026, 1, 31, 4, tzinfo=UTC),
    }
    return Envelope(**values | given)


def _node(wrapped: bytes) -> bytes:
    """As a third-party node hands it on."""
    start = wrapped.index(b"<dxp:DxpMsg")
    return (
        (
            f'<DxpMsgSv xmlns="{DXP}"><SvNo Ver="1.0">'
            "<MsgId>00000002202601311200000000000001</MsgId>"
            "<SubMsgId>1</SubMsgId><SendTime>2026-01-31T12:00:00</SendTime><EndNode>46000002</EndNode>"
            "<StaNode>00000002</StaNode></SvNo>"
        ).encode()
        + wrapped[start:]
        + b"</DxpMsgSv>"
    )


@pytest.mark.parametrize("name", SETS)
def test_a_signed_request_of_every_type_is_ok(
    name: str, catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """Bare, in DxpMsg and in DxpMsgSv; with a byte order mark and an XML declaration."""
    for type_ in requests(catalogue):
        data = message(type_, signer=signers[name])
        wrapped = CUSTOMS.wrap(data, _envelope(type_))
        declared = b'\xef\xbb\xbf<?xml version="1.0" encoding="UTF-8"?>\n' + data + b"\n"
        for form, one in ((None, data), (None, declared), ("DxpMsg", wrapped),
                          ("DxpMsgSv", _node(wrapped))):  # fmt: skip
            verdict = _judge(one, catalogue)
            assert verdict["ok"], verdict
            assert verdict["type"] == type_.name
            assert verdict["envelope"] == form
            assert verdict["documents"] == (1 if type_.schema.documents_max == 1 else 2)
            assert verdict["signature"] == {
                "status": "valid", "fault": None, "algorithm": name,
                "digest": {"rsa-sha256": "sha256", "sm2-sm3": "sm3"}.get(name, "sha1"),
                "key_name": signers[name].key_name, "trusted": None,
            }  # fmt: skip
            assert verdict["schema"] == {"valid": True, "errors": []}
            assert verdict["findings"] == []


def test_a_receipt_needs_no_signature(catalogue: Catalogue) -> None:
    """Receipts travel unsigned; a request without signature is not good."""
    for type_ in receipts(catalogue):
        verdict = _judge(message(type_), catalogue)
        assert verdict["ok"], verdict
        assert verdict["signature"]["status"] == "absent"
    for type_ in requests(catalogue):
        verdict = _judge(message(type_), catalogue)
        assert not verdict["ok"]
        assert (verdict["schema"]["valid"], _codes(verdict)) == (True, ["G-absent"])


def _pretty(data: bytes) -> bytes:
    root = etree.fromstring(data)
    etree.indent(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def test_a_message_reformatted_after_signing_is_a_digest_fault(
    catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """Its schema is still valid; white space inside the document counts for the digest."""
    data = message(catalogue.type("CEB311"), signer=signers["sm2-sm3"])
    verdict = _judge(_pretty(data), catalogue)
    assert verdict["schema"]["valid"]
    assert verdict["signature"]["status"] == "invalid"
    assert verdict["signature"]["fault"] == "digest"
    assert _codes(verdict) == ["G-digest"]


def test_a_reformatted_signature_alone_is_noted_as_lenient(
    catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """Invalid by the standard, with a warning that one gateway accepts it."""
    data = message(catalogue.type("CEB311"), signer=signers["rsa-sha1"])
    start, end = data.index(b"<ds:SignedInfo>"), data.index(b"<ds:SignatureValue>")
    spaced = data[:start] + data[start:end].replace(b"><", b">\n<") + data[end:]
    verdict = _judge(spaced, catalogue)
    assert not verdict["ok"]
    assert verdict["signature"]["fault"] == "value"
    assert _codes(verdict) == ["G-value", "G-lenient"]
    assert [one["severity"] for one in verdict["findings"]] == ["error", "warning"]


@pytest.mark.parametrize("prefix", [b"q:", b""])
def test_the_prefix_does_not_matter_to_the_schema(
    prefix: bytes, catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """Any prefix or none: the type is found by namespace and name; only the digest differs."""
    data = message(catalogue.type("CEB621"), signer=signers["rsa-sha1"])
    other = data.replace(b"<ceb:", b"<" + prefix).replace(b"</ceb:", b"</" + prefix)
    other = other.replace(b"xmlns:ceb", b"xmlns:q" if prefix else b"xmlns")
    verdict = _judge(other, catalogue)
    assert (verdict["type"], verdict["schema"]["valid"]) == ("CEB621", True)
    assert verdict["signature"]["fault"] == "digest"


def test_a_wrong_value_is_told_with_its_path(
    catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """Document and row counted from 1, the value shown, in two languages."""
    data = message(catalogue.type("CEB311"), signer=signers["rsa-sha1"])
    place = data.rindex(b"<ceb:qty>")
    verdict = _judge(data[:place] + b"<ceb:qty>1x" + data[data.index(b"<", place + 9) :], catalogue)
    assert not verdict["ok"]
    [error] = verdict["schema"]["errors"]
    assert error["path"] == "/CEB311Message/Order[2]/OrderList[2]/qty"
    assert (error["code"], error["severity"], error["value"]) == ("S-type", "error", "1x")
    assert error["zh"] != error["en"]


def test_personal_data_is_masked(catalogue: Catalogue) -> None:
    """A wrong buyer name or id is told without being repeated."""
    type_ = catalogue.type("CEB311")
    data = message(type_).decode()
    for field in (one for one in type_.schema.head_fields if one.personal):
        secret = "王小明" * 500
        old = content(type_).head[field.name].replace("&", "&amp;")
        bad = data.replace(f"<ceb:{field.name}>{old}<", f"<ceb:{field.name}>{secret}<")
        assert bad != data
        verdict = _judge(bad.encode(), catalogue)
        assert verdict["schema"]["errors"], field.name
        assert "小" not in json.dumps(verdict, ensure_ascii=False), field.name


def test_at_most_25_errors_are_listed(catalogue: Catalogue) -> None:
    """The first ones, in the order of the document."""
    data = message(catalogue.type("CEB311"), 100).replace(b"<ceb:guid>", b"<ceb:guid>x")
    errors = _judge(data, catalogue)["schema"]["errors"]
    assert len(errors) == PROBLEMS_MAX
    assert errors[0]["path"] == "/CEB311Message/Order[1]/OrderHead/guid"
    assert errors[24]["path"] == "/CEB311Message/Order[25]/OrderHead/guid"


def test_an_unknown_root_is_one_finding(catalogue: Catalogue) -> None:
    """Another namespace, another name, or a record of our own that is never sent."""
    root = parse_xml(message(catalogue.type("CEB311")), max_bytes=10**6)
    for data in (
        b"<a/>",
        b'<CEB311Message xmlns="urn:other"/>',
        etree.tostring(root[0]),
        b'<Goods xmlns="urn:single-window-gateway:records"/>',
        f'<DxpRep xmlns="{DXP}"/>'.encode(),
    ):
        verdict = _judge(data, catalogue)
        assert not verdict["ok"]
        assert (verdict["type"], verdict["schema"]["valid"]) == (None, False)
        assert _codes(verdict) == ["X-root"]


def test_the_envelope_must_fit_its_message(
    catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """Another MsgType is an error, another sender a warning."""
    type_ = catalogue.type("CEB311")
    data = message(type_, signer=signers["rsa-sha1"])
    other = _judge(CUSTOMS.wrap(data, _envelope(type_, message_type="CEB411Message")), catalogue)
    assert (other["ok"], _codes(other)) == (False, ["X-type"])
    sender = _judge(CUSTOMS.wrap(data, _envelope(type_, sender="DXPENT0000099999")), catalogue)
    assert (sender["ok"], _codes(sender)) == (True, ["X-sender"])


@pytest.mark.parametrize(
    ("content_", "code"),
    [(b"<a/>", "X-root"), (b"<a>", "X-malformed"), (b"", "X-envelope"), (b"\0\1", "X-malformed")],
)
def test_an_envelope_may_hold_anything(content_: bytes, code: str, catalogue: Catalogue) -> None:
    """What is no message inside is told, and the envelope too where it could be opened."""
    verdict = _judge(CUSTOMS.wrap(content_, _envelope(catalogue.type("CEB311"))), catalogue)
    assert _codes(verdict) == [code]
    assert verdict["envelope"] == (None if code == "X-envelope" else "DxpMsg")


def test_base64_may_be_broken_into_lines(catalogue: Catalogue, signers: dict[str, Signer]) -> None:
    """Data with white space is read; Data that is no Base64 is one finding."""
    type_ = catalogue.type("CEB311")
    data = message(type_, signer=signers["sm2-sm3"])
    wrapped = CUSTOMS.wrap(data, _envelope(type_))
    lines = wrapped.replace(base64.b64encode(data), b"\r\n\t " + base64.encodebytes(data))
    assert _judge(lines, catalogue)["ok"]
    broken = wrapped.replace(b"<dxp:Data>", b"<dxp:Data>*")
    assert _codes(_judge(broken, catalogue)) == ["X-base64"]


def test_a_dummy_key_name_is_a_warning(catalogue: Catalogue, signers: dict[str, Signer]) -> None:
    """Official samples have one; the message stays good."""
    data = message(catalogue.type("CEB411"), signer=signers["sm2-sm3"])
    verdict = _judge(data.replace(signers["sm2-sm3"].key_name.encode(), b"0001"), catalogue)
    assert (verdict["ok"], _codes(verdict)) == (True, ["G-key-name"])
    assert verdict["signature"]["key_name"] == "0001"


def test_an_unsupported_signature_is_told(catalogue: Catalogue, signers: dict[str, Signer]) -> None:
    """Algorithms of no set: not judged, not good."""
    data = message(catalogue.type("CEB411"), signer=signers["rsa-sha1"])
    verdict = _judge(data.replace(b"xmldsig#rsa-sha1", b"xmldsig#hmac-sha1"), catalogue)
    assert (verdict["ok"], _codes(verdict)) == (False, ["G-unsupported"])
    assert verdict["signature"]["status"] == "unsupported"


def test_a_certificate_outside_the_trust_store_is_an_error(
    catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """With a trust store, `trusted` is a boolean and decides."""
    data = message(catalogue.type("CEB411"), signer=signers["rsa-sha1"])
    verdict = _judge(data, catalogue, TrustStore([]))
    assert (verdict["ok"], verdict["signature"]["trusted"]) == (False, False)
    assert _codes(verdict) == ["G-untrusted"]


def test_another_encoding_is_an_error(catalogue: Catalogue, signers: dict[str, Signer]) -> None:
    """UTF-16 and GB18030 are read and judged; customs takes UTF-8 only."""
    text = message(catalogue.type("CEB411"), signer=signers["rsa-sha1"]).decode()
    for data in (
        text.encode("utf-16"),
        ('<?xml version="1.0" encoding="GB18030"?>' + text).encode("gb18030"),
    ):
        verdict = _judge(data, catalogue)
        assert (verdict["type"], verdict["schema"]["valid"]) == ("CEB411", True)
        assert verdict["signature"]["status"] == "valid"
        assert (verdict["ok"], _codes(verdict)) == (False, ["X-encoding"])


def test_every_finding_is_documented(root: Path) -> None:
    """Each code that the check can give stands in its page, and no other does."""
    sources = ("gateway/check.py", "gateway/adapters/authorities/customs.py",
               "gateway/messages/read.py")  # fmt: skip
    texts = [(root / one).read_text("utf-8") for one in sources]
    given = {code for text in texts for code in re.findall(r'"([GX]-[a-z0-9-]+)"', text)}
    page = (root / "docs" / "signing.md").read_text("utf-8")
    assert given == set(re.findall(r"^\| `([GX]-[a-z0-9-]+)`", page, re.MULTILINE))
