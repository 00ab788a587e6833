"""The verdict on a signature: any layout is judged, and each kind of fault has its own name."""

from __future__ import annotations

import asyncio
import base64
import re
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from gateway.errors import Invalid, Misconfigured
from gateway.messages import Catalogue
from gateway.ports import Signer
from gateway.signing.certificate import read_certificate
from gateway.signing.element import SigningFailed, in_scope, sign, signed_info
from gateway.signing.sets import C14N, C14N_WITH_COMMENTS, DS, SETS
from gateway.signing.trust import TrustStore, load_trust
from gateway.signing.verify import ATTRIBUTES_MAX, NAMESPACES_MAX, verify
from tests.samples import SETS as WRITTEN
from tests.samples import KeyFiles, key_files, message

OTHER_SET = {"rsa": "rsa-sha256", "sm2": "sm2-w3"}


def _signed(signer: Signer, data: bytes, mark: bytes = b"</ceb:R>") -> bytes:
    """Any canonical text, signed as it stands, the signature before the mark."""
    element = asyncio.run(sign(data, signer, signer.set_name))
    place = data.rindex(mark)
    return data[:place] + element + data[place:]


def _root(body: str, more: str = "") -> bytes:
    return (
        f'<ceb:R xmlns:ceb="http://www.chinaport.gov.cn/ceb"{more}'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" guid="1">{body}</ceb:R>'
    ).encode()


@pytest.mark.parametrize("name", WRITTEN)
def test_what_we_sign_is_valid(name: str, catalogue: Catalogue, signers: dict[str, Signer]) -> None:
    """Status, algorithm, digest and KeyName are told; no trust store, no word on trust."""
    verdict = verify(message(catalogue.type("CEB311"), signer=signers[name]))
    assert verdict.status == "valid"
    assert verdict.fault is None
    assert verdict.algorithm == name
    assert verdict.digest == SETS[name].digest_name
    assert verdict.key_name == signers[name].key_name
    assert verdict.certificate_der == signers[name].certificate
    assert verdict.trusted is None
    assert verdict.key_name_fits


def _other_base64(data: bytes, name: str) -> bytes:
    """The value of that element with its first byte changed."""
    found = re.search(rf"<ds:{name}>([^<]*)</ds:{name}>".encode(), data)
    assert found is not None
    raw = bytearray(base64.b64decode(found[1]))
    raw[0] ^= 1
    return data.replace(found[1], base64.b64encode(bytes(raw)), 1)


def _without(data: bytes, name: str) -> bytes:
    return re.sub(rf"<ds:{name}>.*?</ds:{name}>".encode(), b"", data)


FAULTS: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("digest", lambda data: data.replace(b">1.5<", b">1.6<", 1)),
    ("digest", lambda data: data.replace(b"<ceb:Order>", b"<ceb:Order> ", 1)),
    ("digest", lambda data: data.replace(b' version="1.0"', b' version="1.1"', 1)),
    ("digest", lambda data: data.replace(b"</ds:Signature>", b"</ds:Signature>\n\n.", 1)),
    ("digest", lambda data: _other_base64(data, "DigestValue")),
    ("digest", lambda data: data.replace(b"<ds:DigestValue>", b"<ds:DigestValue>*", 1)),
    ("value", lambda data: _other_base64(data, "SignatureValue")),
    ("value", lambda data: data.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>AAAA", 1)),
    ("value", lambda data: data.replace(b"<ds:SignatureValue>", b"<ds:SignatureValue>*", 1)),
    ("value", lambda data: _without(data, "SignatureValue")),
    ("value", lambda data: data.replace(b'<ds:Reference URI="">', b'<ds:Reference Id="a" URI="">')),
    ("certificate", lambda data: _other_base64(data, "X509Certificate")),
    ("certificate", lambda data: _without(data, "X509Data")),
    ("certificate", lambda data: _without(data, "KeyInfo")),
]


@pytest.mark.parametrize("name", WRITTEN)
@pytest.mark.parametrize(("fault", "damage"), FAULTS)
def test_each_fault_is_told_apart(
    fault: str, damage: Callable[[bytes], bytes], name: str, catalogue: Catalogue,
    signers: dict[str, Signer],
) -> None:  # fmt: skip
    """A changed document, a changed value and a damaged certificate are different things."""
    good = message(catalogue.type("CEB311"), signer=signers[name])
    bad = damage(good)
    assert bad != good
    verdict = verify(bad)
    assert (verdict.status, verdict.fault) == ("invalid", fault)
    assert not verdict.lenient


@pytest.mark.parametrize("algorithm", ["rsa", "sm2"])
def test_the_certificate_of_somebody_else_is_a_certificate_fault(
    algorithm: str, signers: dict[str, Signer], keys: dict[str, KeyFiles]
) -> None:
    """KeyName still names the right one; with its KeyName exchanged too, the value does not fit."""
    name = "rsa-sha1" if algorithm == "rsa" else "sm2-sm3"
    other = keys[f"other-{algorithm}"].signer(name)
    good = _signed(signers[name], _root("<ceb:a>1</ceb:a>"))
    swapped = good.replace(
        base64.b64encode(signers[name].certificate), base64.b64encode(other.certificate)
    )
    assert verify(swapped).fault == "certificate"
    renamed = swapped.replace(signers[name].key_name.encode(), other.key_name.encode())
    assert verify(renamed).fault == "value"


@pytest.mark.parametrize(("name", "other"), [("rsa-sha1", "sm2-sm3"), ("sm2-sm3", "rsa-sha1")])
def test_a_certificate_of_the_other_kind_is_a_certificate_fault(
    name: str, other: str, signers: dict[str, Signer]
) -> None:
    """An SM2 certificate under an RSA signature, and the reverse."""
    good = _signed(signers[name], _root("<ceb:a>1</ceb:a>"))
    swapped = good.replace(
        base64.b64encode(signers[name].certificate), base64.b64encode(signers[other].certificate)
    )
    assert verify(swapped).fault == "certificate"


def test_a_dummy_key_name_is_noted_and_no_fault(signers: dict[str, Signer]) -> None:
    """Official samples carry KeyName 0001 beside another serial number; KeyInfo is not signed."""
    signer = signers["rsa-sha1"]
    data = _signed(signer, _root("")).replace(signer.key_name.encode(), b"0001")
    verdict = verify(data)
    assert verdict.status == "valid"
    assert verdict.key_name == "0001"
    assert not verdict.key_name_fits
    upper = _signed(signer, _root("")).replace(
        signer.key_name.encode(), signer.key_name.upper().lstrip("0").encode()
    )
    assert verify(upper).key_name_fits


LAYOUTS = {
    "line breaks": _root("\n  <ceb:a>1</ceb:a>\n\t\n"),
    "text on both sides": _root("before <ceb:a>1</ceb:a> after "),
    "entities": _root("<ceb:a>&amp; &lt; &gt; &#xD; \" '</ceb:a>"),
    "more namespaces": _root("<ceb:a>1</ceb:a>", ' xmlns:dxp="u:x"'),
    "other prefix": _root("<ceb:a>1</ceb:a>").replace(b"ceb:", b"q:").replace(b":ceb=", b":q="),
    "default namespace": b'<R xmlns="http://www.chinaport.gov.cn/ceb"><a>1</a></R>',
}


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("name", ["rsa-sha1", "sm2-sm3"])
def test_any_layout_is_judged(layout: str, name: str, signers: dict[str, Signer]) -> None:
    """White space, prefixes and namespaces in scope are those of the signer, and they hold."""
    data = _signed(signers[name], LAYOUTS[layout], b"</")
    assert verify(data).status == "valid"
    declared = b'<?xml version="1.0" encoding="UTF-8"?>\n'
    comment = data.replace(b"</", b"<!-- not signed --></", 1)
    for same in (declared + data, b"\xef\xbb\xbf" + data, data + b"\n", comment):
        assert verify(same).status == "valid"


@pytest.mark.parametrize("prefix", [b"dsig:", b""])
def test_the_signature_may_have_any_prefix(prefix: bytes, signers: dict[str, Signer]) -> None:
    """A region signs without a prefix: then the namespaces in scope differ, and so do the bytes."""
    signer, chosen = signers["rsa-sha1"], SETS["rsa-sha1"]
    data = _root("<ceb:a>1</ceb:a>")
    body = signed_info(chosen, chosen.digest(data)).replace(b"ds:", prefix)
    name = b"xmlns:dsig" if prefix else b"xmlns"
    open_, close = b"<%sSignature %s=" % (prefix, name), b"</%sSignature>" % prefix
    canonical = body.replace(
        b"<%sSignedInfo>" % prefix,
        b"<%sSignedInfo" % prefix
        + (b"" if prefix else b' xmlns="%s"' % DS.encode())
        + b' xmlns:ceb="http://www.chinaport.gov.cn/ceb"'
        + (b' xmlns:dsig="%s"' % DS.encode() if prefix else b"")
        + b' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">',
    )
    value = base64.encodebytes(asyncio.run(signer.sign(canonical)))
    certificate = base64.encodebytes(signer.certificate)
    info = (
        b"<ds:KeyInfo><ds:KeyName>%s</ds:KeyName><ds:X509Data><ds:X509Certificate>%s"
        b"</ds:X509Certificate></ds:X509Data></ds:KeyInfo>"
        % (signer.key_name.encode(), certificate)
    ).replace(b"ds:", prefix)
    element = open_ + b'"%s">' % DS.encode() + body
    element += b"<%sSignatureValue>%s</%sSignatureValue>" % (prefix, value, prefix) + info + close
    assert verify(data.replace(b"</ceb:R>", element + b"</ceb:R>")).status == "valid"


def _with_comments(signer: Signer, data: bytes) -> bytes:
    """Signed under the URI with comments, as one signer of the market does."""
    chosen = SETS["sm2-sm3-comments"]
    body = signed_info(chosen, chosen.digest(data))
    value = asyncio.run(signer.sign(in_scope(body, data)))
    plain = asyncio.run(sign(data, signer, signer.set_name))
    start, end = plain.index(b"<ds:SignedInfo>"), plain.index(b"<ds:SignatureValue>")
    element = plain[:start] + body + plain[end:]
    element = re.sub(
        rb"(<ds:SignatureValue>)[^<]*", lambda one: one[1] + base64.b64encode(value), element
    )
    return data.replace(b"</ceb:R>", element + b"</ceb:R>")


def test_the_uri_with_comments_is_judged_and_noted(signers: dict[str, Signer]) -> None:
    """The official algorithms under another canonicalisation: valid, and told."""
    data = _with_comments(signers["sm2-sm3"], _root("<ceb:a>1</ceb:a>"))
    verdict = verify(data)
    assert (verdict.status, verdict.algorithm, verdict.official) == ("valid", "sm2-sm3", False)
    commented = data.replace(b"<ds:Transforms>", b"<!-- seen --><ds:Transforms>")
    assert verify(commented).fault == "value"


@pytest.mark.parametrize("algorithm", ["rsa", "sm2"])
def test_only_the_lenient_reading_accepts_a_reformatted_signature(
    algorithm: str, signers: dict[str, Signer]
) -> None:
    """A production message has a pretty-printed Signature and a line break behind it.

    One gateway accepted that; the standard does not, so it is invalid and noted.
    """
    name = "rsa-sha1" if algorithm == "rsa" else "sm2-sm3"
    data = _signed(signers[name], _root("<ceb:a>1</ceb:a>"))
    inside = data[data.index(b"<ds:SignedInfo>") : data.index(b"<ds:SignatureValue>")]
    pretty = data.replace(inside, inside.replace(b"><", b">\n    <")).replace(
        b"</ds:Signature>", b"</ds:Signature>\n"
    )
    verdict = verify(pretty)
    assert (verdict.status, verdict.lenient) == ("invalid", True)
    changed = verify(pretty.replace(b">1<", b">2<"))
    assert (changed.fault, changed.lenient) == ("digest", False)
    value = verify(_other_base64(pretty, "SignatureValue"))
    assert (value.status, value.lenient) == ("invalid", False)


UNSUPPORTED: list[Callable[[bytes], bytes]] = [
    lambda data: data.replace(b"xmldsig#rsa-sha1", b"xmldsig#dsa-sha1"),
    lambda data: data.replace(b"xmldsig#sha1", b"xmldsig#md5"),
    lambda data: data.replace(C14N.encode(), b"http://www.w3.org/2001/10/xml-exc-c14n#"),
    lambda data: data.replace(C14N.encode(), C14N_WITH_COMMENTS.encode()),
    lambda data: data.replace(b'URI=""', b'URI="#a"'),
    lambda data: data.replace(b' URI=""', b""),
    lambda data: data.replace(b"#enveloped-signature", b"#base64"),
    lambda data: data.replace(b"<ds:SignedInfo>", b"<ds:SignedInfo><ds:Reference></ds:Reference>"),
    lambda data: re.sub(rb"(<ds:Signature .*</ds:Signature>)", rb"\1\1", data),
    lambda data: re.sub(rb"<ds:SignedInfo>.*</ds:SignedInfo>", b"", data),
]


@pytest.mark.parametrize("change", UNSUPPORTED)
def test_what_no_set_has_is_unsupported(
    change: Callable[[bytes], bytes], signers: dict[str, Signer]
) -> None:
    """Other algorithms, references and structures are not judged, and not called valid."""
    verdict = verify(change(_signed(signers["rsa-sha1"], _root("<ceb:a>1</ceb:a>"))))
    assert (verdict.status, verdict.fault) == ("unsupported", None)


def test_no_signature_is_absent() -> None:
    """Also when one stands deeper: it would not be the message's own."""
    assert verify(_root("")).status == "absent"
    nested = _root(f'<ceb:a><ds:Signature xmlns:ds="{DS}"></ds:Signature></ceb:a>')
    assert verify(nested).status == "absent"


def test_bytes_that_are_no_xml_are_refused() -> None:
    """Invalid, as for every XML from outside; a DTD too."""
    for data in (b"", b"<a>", b"\0\1", b"<!DOCTYPE a><a/>"):
        with pytest.raises(Invalid):
            verify(data)


def test_the_tree_is_the_same_afterwards(signers: dict[str, Signer]) -> None:
    """Judging takes the signature out and puts it back, with the text around it."""
    data = _signed(signers["rsa-sha1"], _root("a<ceb:b>1</ceb:b>\n  c"), b"c</ceb:R>")
    for one in (data, data.replace(b">1<", b">2<"), data.replace(b"><ds:Ref", b"> <ds:Ref")):
        root = etree.fromstring(one)
        before = etree.tostring(root)
        verify(root)
        assert etree.tostring(root) == before


def test_time_to_canonicalise_is_bounded(signers: dict[str, Signer]) -> None:
    """Namespaces in scope and attributes of one element beyond the limits are not judged."""
    spaces = "".join(f' xmlns:n{one:03}="u:{one}"' for one in range(NAMESPACES_MAX - 3))
    data = _signed(signers["rsa-sha1"], _root("<ceb:a>1</ceb:a>", spaces))
    assert verify(data).status == "valid"
    assert (
        verify(data.replace(b"<ceb:a>", b'<ceb:a xmlns:y="u:y" xmlns:z="u:z">')).status
        == "unsupported"
    )
    attributes = "".join(f' a{one:03}="1"' for one in range(ATTRIBUTES_MAX))
    data = _signed(signers["rsa-sha1"], _root(f"<ceb:a{attributes}>1</ceb:a>"))
    assert verify(data).status == "valid"
    assert verify(data.replace(b"<ceb:a ", b'<ceb:a z="1" ')).status == "unsupported"


def test_a_namespace_without_canonical_form_is_a_digest_fault(signers: dict[str, Signer]) -> None:
    """C14N refuses relative namespace addresses; that is a verdict and no error."""
    data = _signed(signers["rsa-sha1"], _root("<ceb:a>1</ceb:a>"))
    assert verify(data.replace(b"<ceb:a>", b'<ceb:a xmlns:z="relative">')).fault == "digest"


def test_a_validity_window_counts_when_a_moment_is_given(signers: dict[str, Signer]) -> None:
    """Out of date is a certificate fault; without a moment nobody asks."""
    data = _signed(signers["sm2-sm3"], _root(""))
    now = datetime.now(UTC)
    assert verify(data, now=now).status == "valid"
    late = verify(data, now=now + timedelta(days=4000))
    assert (late.status, late.fault) == ("invalid", "certificate")
    assert verify(data).status == "valid"


@pytest.mark.parametrize("algorithm", ["rsa", "sm2"])
def test_a_registered_certificate_is_trusted(
    algorithm: str, signers: dict[str, Signer], keys: dict[str, KeyFiles], tmp_path: Path
) -> None:
    """Self-signed and registered: trusted; somebody else's: not; trust is no part of validity."""
    name = "rsa-sha1" if algorithm == "rsa" else "sm2-sm3"
    data = _signed(signers[name], _root(""))
    (tmp_path / "a.pem").write_bytes(keys[algorithm].certificate.read_bytes())
    (tmp_path / "b.pem").write_bytes(keys[f"other-{algorithm}"].certificate.read_bytes())
    assert verify(data, load_trust(tmp_path)).trusted is True
    assert verify(data, load_trust(tmp_path / "a.pem")).trusted is True
    other = verify(data, load_trust(tmp_path / "b.pem"))
    assert (other.status, other.trusted) == ("valid", False)
    assert verify(data, TrustStore([])).trusted is False
    assert verify(_root(""), load_trust(tmp_path)).trusted is None


def test_a_trust_store_without_certificates_is_refused(tmp_path: Path) -> None:
    """An empty folder, a missing path and a file of something else are mistakes of the set-up."""
    (tmp_path / "empty").mkdir()
    (tmp_path / "a.pem").write_text("nothing")
    for path in (tmp_path / "empty", tmp_path / "a.pem", tmp_path / "missing.pem"):
        with pytest.raises(Misconfigured):
            load_trust(path)


class Careless:
    """A key that signs something else than it was given."""

    def __init__(self, signer: Signer, value: Callable[[bytes], bytes]) -> None:
        self.set_name, self.key_name = signer.set_name, signer.key_name
        self.certificate = signer.certificate
        self._signer, self._value = signer, value

    async def sign(self, signed_info: bytes) -> bytes:
        """What the real key makes, changed."""
        return self._value(await self._signer.sign(signed_info + b" "))


@pytest.mark.parametrize("name", WRITTEN)
async def test_a_wrong_value_never_leaves(name: str, signers: dict[str, Signer]) -> None:
    """A value that the certificate does not confirm is an error; nothing comes back."""
    for value in (bytes, lambda _: b"", lambda one: one[:-1]):
        careless: Signer = Careless(signers[name], value)
        with pytest.raises(SigningFailed) as caught:
            await sign(_root(""), careless, name)
        assert caught.value.code == "K-value"
    wanted = OTHER_SET[read_certificate(signers[name].certificate).key]
    if wanted != name:
        with pytest.raises(SigningFailed) as caught:
            await sign(_root(""), signers[name], wanted)
        assert caught.value.code == "K-set"


@given(st.data())
@settings(max_examples=60)
def test_no_changed_byte_of_the_signed_part_goes_unseen(data: st.DataObject) -> None:
    """Whatever byte of document or SignedInfo changes: not valid, and no error but Invalid."""
    place = data.draw(st.integers(0, SIGNED.index(b"<ds:SignatureValue>") - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != SIGNED[place]))
    changed = SIGNED[:place] + bytes([byte]) + SIGNED[place + 1 :]
    try:
        verdict = verify(changed)
    except Invalid:
        return
    assert verdict.status != "valid"


def _sample() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        signer = key_files(Path(folder), "sm2").signer("sm2-sm3")
    return _signed(signer, _root("<ceb:a>1</ceb:a><ceb:b>测试</ceb:b>"))


SIGNED = _sample()
