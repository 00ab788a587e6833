"""Judges the signature of a message in any layout, and says which part of it does not fit.

Strict, as W3C XML signatures are defined. One gateway is known to take the values apart more
freely (white space inside SignedInfo and the line break after the signature do not count there);
a message that fits only so is invalid here, with `lenient` set.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime

from lxml import etree

from gateway.messages import parse_xml
from gateway.signing.certificate import Certificate, read_certificate
from gateway.signing.sets import C14N, C14N_WITH_COMMENTS, DS, ENVELOPED, SignatureSet, find_set
from gateway.signing.trust import TrustStore

MESSAGE_BYTES_MAX = 33_554_432
SIGNATURE = f"{{{DS}}}Signature"
XML_NAMESPACE = "{http://www.w3.org/XML/1998/namespace}"
NAMESPACES_MAX = 32
ATTRIBUTES_MAX = 256
"""In scope of one element, and of one element: the time of C14N grows with their square."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a signature is worth.

    `status` is valid, invalid, absent or unsupported; `fault` says for an invalid one what does
    not fit: digest (the document was changed), value (the signature value) or certificate (it
    cannot be read, is damaged, is out of date, or belongs to another key than KeyName says).
    `trusted` is None when there is no trust store. `certificate_der` is what the message carries.
    """

    status: str
    fault: str | None = None
    algorithm: str | None = None
    digest: str | None = None
    key_name: str | None = None
    certificate_der: bytes | None = None
    trusted: bool | None = None
    lenient: bool = False
    """Invalid by the standard, but the known lenient reading accepts it."""
    key_name_fits: bool = True
    """Whether KeyName is the serial number of the certificate."""
    official: bool = True
    """False for a set that is judged and never written."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Parts:
    """A signature taken apart; the decoded values are None when they are no Base64."""

    element: etree._Element
    info: etree._Element
    chosen: SignatureSet
    digest: bytes | None
    value: bytes | None
    key_name: str | None
    certificate: bytes | None


def verify(
    message: etree._Element | bytes, trust: TrustStore | None = None, now: datetime | None = None
) -> Verdict:
    """Judge the signature of a message, given as its root or as bytes.

    With `now`, a certificate outside its validity window is a certificate fault. Raises Invalid
    for bytes that are no XML. The tree ends as it was; no other thread may use it meanwhile.
    """
    root = (
        parse_xml(message, max_bytes=MESSAGE_BYTES_MAX) if isinstance(message, bytes) else message
    )
    found = root.findall(SIGNATURE)
    if not found:
        return Verdict(status="absent")
    parts = _take_apart(found[0]) if len(found) == 1 else None
    if parts is None or not _within_bounds(root):
        return Verdict(status="unsupported", key_name=_text(found[0], "KeyInfo/KeyName"))
    return _judge(parts, trust, now)


def _within_bounds(root: etree._Element) -> bool:
    """Whether canonicalisation takes bounded time; real messages have three namespaces."""
    few = root.xpath(f"count(//@*) <= {ATTRIBUTES_MAX}")  # half the time of the exact question
    if not few and root.xpath(f"boolean(//*[@*[{ATTRIBUTES_MAX + 1}]])"):
        return False
    in_scope = 0
    for event, _ in etree.iterwalk(root, events=("start-ns", "end-ns")):
        in_scope += 1 if event == "start-ns" else -1
        if in_scope > NAMESPACES_MAX:
            return False
    return True


def _judge(parts: _Parts, trust: TrustStore | None, now: datetime | None) -> Verdict:
    certificate = _certificate(parts.certificate)
    verdict = Verdict(
        status="invalid",
        algorithm=parts.chosen.algorithm,
        digest=parts.chosen.digest_name,
        key_name=parts.key_name,
        certificate_der=parts.certificate,
        trusted=None if trust is None else certificate is not None and trust.trusts(certificate),
        key_name_fits=certificate is None or _is_serial(parts.key_name, certificate.serial),
        official=parts.chosen.written,
    )
    fitting = certificate is not None and _fits_set(certificate, parts.chosen, now)
    value_fits = fitting and _value_fits(parts, certificate, strict=True)
    digest_fits = parts.digest is not None and _document_digest(parts, strict=True) == parts.digest
    if digest_fits and value_fits:
        return replace(verdict, status="valid")
    if not digest_fits:
        fault = "digest"
    elif not fitting or not verdict.key_name_fits:
        fault = "certificate"
    else:
        fault = "value"
    lenient = (
        fitting
        and (digest_fits or _document_digest(parts, strict=False) == parts.digest)
        and (value_fits or _value_fits(parts, certificate, strict=False))
    )
    return replace(verdict, fault=fault, lenient=lenient)


def _fits_set(certificate: Certificate, chosen: SignatureSet, now: datetime | None) -> bool:
    """Whether the certificate is whole, in date, and of the kind of key that the set needs."""
    if certificate.key != chosen.key or certificate.damaged:
        return False
    return now is None or certificate.valid_at(now)


def _value_fits(parts: _Parts, certificate: Certificate | None, *, strict: bool) -> bool:
    if certificate is None or parts.value is None:
        return False
    signed = _signed_info(parts, strict=strict)
    return signed is not None and certificate.verifies(parts.chosen.value_hash, signed, parts.value)


def _signed_info(parts: _Parts, *, strict: bool) -> bytes | None:
    """The canonical bytes of SignedInfo in its place, with every namespace in scope."""
    # lxml canonicalises an inner element under a copied parent, and libxml2 then takes a default
    # namespace for lost (xmlns="" appears). Written out and read again it is a document of its own.
    info = etree.fromstring(etree.tostring(parts.info, with_tail=False))
    for ancestor in parts.info.iterancestors():
        for name, value in ancestor.items():
            if name.startswith(XML_NAMESPACE) and name not in info.attrib:
                info.set(name, value)  # C14N 1.0 inherits xml:lang and its like
    if not strict:
        for node in info.iter():
            node.text = _without_blanks(node.text)
            node.tail = _without_blanks(node.tail)
    return _c14n(info, with_comments=parts.chosen.c14n == C14N_WITH_COMMENTS)


def _without_blanks(text: str | None) -> str | None:
    return text if text is not None and text.strip() else None


def _document_digest(parts: _Parts, *, strict: bool) -> bytes | None:
    """The hash over the document without its Signature; the text around it stays."""
    with _without(parts.element, keep_tail=strict) as tree:
        canonical = _c14n(tree, with_comments=False)
    return None if canonical is None else parts.chosen.digest(canonical)


@contextmanager
def _without(element: etree._Element, *, keep_tail: bool) -> Iterator[etree._ElementTree]:
    """The document while the element is out of it.

    libxml2 takes the text after an element away together with the element, so that text is handed
    to what stands before.
    """
    root, before, tail = element.getparent(), element.getprevious(), element.tail
    if root is None:
        raise ValueError("the element has no parent")
    place = root.index(element)
    earlier = root.text if before is None else before.tail
    root.remove(element)
    kept = tail is not None and (keep_tail or tail.strip() != "")
    joined = (earlier or "") + (tail or "") if kept else earlier
    try:
        _set_text(root, before, joined)
        yield root.getroottree()
    finally:
        _set_text(root, before, earlier)
        root.insert(place, element)
        element.tail = tail


def _set_text(root: etree._Element, before: etree._Element | None, text: str | None) -> None:
    if before is None:
        root.text = text
    else:
        before.tail = text


def _c14n(node: etree._Element | etree._ElementTree, *, with_comments: bool) -> bytes | None:
    """C14N 1.0; None for what has no canonical form (a namespace with a relative address)."""
    try:
        return etree.tostring(node, method="c14n", with_comments=with_comments)
    except etree.C14NError:
        return None


def _take_apart(element: etree._Element) -> _Parts | None:
    """The parts of a Signature; None when it uses what no CEB signature set has."""
    info = element.find(f"{{{DS}}}SignedInfo")
    if info is None or len(info.findall(f"{{{DS}}}Reference")) != 1:
        return None
    reference = info.find(f"{{{DS}}}Reference")
    if reference is None or reference.get("URI") != "":
        return None
    transforms = [
        one.get("Algorithm") for one in reference.findall(f"{{{DS}}}Transforms/{{{DS}}}Transform")
    ]
    # Plain canonicalisation is what follows anyway, so naming it changes nothing.
    if transforms not in ([ENVELOPED], [ENVELOPED, C14N]):
        return None
    chosen = find_set(
        _algorithm(info, "CanonicalizationMethod"),
        _algorithm(info, "SignatureMethod"),
        _algorithm(reference, "DigestMethod"),
    )
    if chosen is None:
        return None
    return _Parts(
        element=element,
        info=info,
        chosen=chosen,
        digest=_base64(_text(reference, "DigestValue")),
        value=_base64(_text(element, "SignatureValue")),
        key_name=_text(element, "KeyInfo/KeyName"),
        certificate=_base64(_text(element, "KeyInfo/X509Data/X509Certificate")),
    )


def _algorithm(parent: etree._Element, name: str) -> str:
    node = parent.find(f"{{{DS}}}{name}")
    return "" if node is None else node.get("Algorithm", "")


def _text(parent: etree._Element, path: str) -> str | None:
    """The text below a path of ds names, comments left out; None when nothing stands there."""
    node = parent.find("/".join(f"{{{DS}}}{step}" for step in path.split("/")))
    if node is None:
        return None
    return "".join(str(part) for part in node.xpath("text()")).strip()


def _base64(text: str | None) -> bytes | None:
    if text is None:
        return None
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return None


def _certificate(data: bytes | None) -> Certificate | None:
    try:
        return None if data is None else read_certificate(data)
    except ValueError:
        return None


def _is_serial(key_name: str | None, serial: str) -> bool:
    return key_name is not None and key_name.lower().lstrip("0") == serial.lstrip("0")
