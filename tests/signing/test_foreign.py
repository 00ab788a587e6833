"""What programs and libraries of others say about our messages."""

from __future__ import annotations

import asyncio
import base64
import subprocess
from pathlib import Path

import gmalg
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from lxml import etree
from signxml.algorithms import DigestAlgorithm, SignatureMethod
from signxml.verifier import SignatureConfiguration, XMLVerifier

from gateway.messages import Catalogue
from gateway.ports import Signer
from gateway.signing import sm2
from gateway.signing.certificate import read_certificate, read_certificate_file
from gateway.signing.element import sign
from gateway.signing.sets import DS
from gateway.signing.verify import verify
from tests.samples import KeyFiles, message, requests

RSA = ("rsa-sha1", "rsa-sha256")
SM2 = ("sm2-sm3", "sm2-w3")
SPACED = (
    '<ceb:CEB311Message xmlns:ceb="http://www.chinaport.gov.cn/ceb"'
    ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" guid="1" version="1.0">\n'
    "  <ceb:Order>\n    <ceb:note>  a &amp; b </ceb:note>\n  </ceb:Order>\n"
    "  HERE\n\n</ceb:CEB311Message>"
)
"""A message whose signature has text on both sides: that text belongs to the document."""


def _spaced(signer: Signer) -> bytes:
    data = SPACED.replace("HERE", "").encode()
    element = asyncio.run(sign(data, signer, signer.set_name))
    return SPACED.encode().replace(b"HERE", element)


def _messages(catalogue: Catalogue, signer: Signer) -> dict[str, bytes]:
    found = {one.name: message(one, signer=signer) for one in requests(catalogue)}
    return found | {"spaced": _spaced(signer)}


@pytest.mark.parametrize("name", RSA)
def test_xmlsec1_accepts_every_rsa_message(
    name: str, catalogue: Catalogue, signers: dict[str, Signer], keys: dict[str, KeyFiles],
    xmlsec1: Path, tmp_path: Path,
) -> None:  # fmt: skip
    """Every type, and a signature with line breaks around it; one changed letter is refused."""
    for kind, data in _messages(catalogue, signers[name]).items():
        file = tmp_path / f"{kind}.xml"
        command: list[str | Path] = [
            xmlsec1,
            "--verify",
            "--trusted-pem",
            keys["rsa"].certificate,
            file,
        ]
        file.write_bytes(data)
        judged = subprocess.run(command, capture_output=True, text=True, check=False)
        assert judged.returncode == 0, f"{kind}: {judged.stderr}"
        file.write_bytes(data.replace(b"</ceb:note>", b".</ceb:note>", 1))
        judged = subprocess.run(command, capture_output=True, text=True, check=False)
        assert judged.returncode != 0, f"{kind}: a change went unseen"


@pytest.mark.parametrize(
    ("name", "method", "digest"),
    [
        ("rsa-sha1", SignatureMethod.RSA_SHA1, DigestAlgorithm.SHA1),
        ("rsa-sha256", SignatureMethod.RSA_SHA256, DigestAlgorithm.SHA256),
    ],
)
def test_signxml_accepts_every_rsa_message(
    name: str, method: SignatureMethod, digest: DigestAlgorithm, catalogue: Catalogue,
    signers: dict[str, Signer], keys: dict[str, KeyFiles],
) -> None:  # fmt: skip
    """As xmlsec1 does; the signed part that signxml finds is the whole document."""
    expected = SignatureConfiguration(
        signature_methods=frozenset({method}), digest_algorithms=frozenset({digest})
    )
    for data in _messages(catalogue, signers[name]).values():
        found = XMLVerifier().verify(
            data, x509_cert=keys["rsa"].certificate.read_text(), expect_config=expected
        )
        assert not isinstance(found, list)
        assert found.signed_xml is not None
        assert found.signed_xml.tag == etree.fromstring(data).tag


def _taken_apart(data: bytes) -> tuple[bytes, bytes, bytes, bytes]:
    """SignedInfo in its canonical form, the raw value, the digest, and the document without it."""
    root = etree.fromstring(data)
    info, value, digest = (
        next(root.iter(f"{{{DS}}}{name}"))
        for name in ("SignedInfo", "SignatureValue", "DigestValue")
    )
    start, end = data.index(b"<ds:Signature "), data.index(b"</ds:Signature>")
    rest = data[:start] + data[end + len(b"</ds:Signature>") :]
    return (
        etree.tostring(info, method="c14n"),
        base64.b64decode(value.text or ""),
        base64.b64decode(digest.text or ""),
        etree.tostring(etree.fromstring(rest), method="c14n"),
    )


@pytest.mark.parametrize("name", SM2)
def test_another_sm2_library_accepts_every_sm2_message(
    name: str, catalogue: Catalogue, signers: dict[str, Signer]
) -> None:
    """Raw r and s over the SignedInfo inside the message; gmalg does its own hashing."""
    point = read_certificate(signers[name].certificate).sm2_point
    judge = gmalg.SM2(pk=point, uid=b"1234567812345678")
    for data in _messages(catalogue, signers[name]).values():
        info, value, digest, document = _taken_apart(data)
        assert len(value) == 64
        assert judge.verify(info, value[:32], value[32:])
        assert not judge.verify(info + b" ", value[:32], value[32:])
        if name == "sm2-sm3":
            state = gmalg.SM3()
            state.update(document)
            assert digest == state.value()


@pytest.mark.parametrize("name", SM2)
def test_openssl_accepts_every_sm2_message(
    name: str, catalogue: Catalogue, signers: dict[str, Signer], keys: dict[str, KeyFiles],
    openssl: Path, tmp_path: Path,
) -> None:  # fmt: skip
    """OpenSSL, with the key of the certificate, says the same; its SM3 is the digest."""
    _run(openssl, tmp_path, "x509", "-in", keys["sm2"].certificate, "-noout", "-pubkey",
         "-out", "public.pem")  # fmt: skip
    for data in _messages(catalogue, signers[name]).values():
        info, value, digest, document = _taken_apart(data)
        r, s = int.from_bytes(value[:32], "big"), int.from_bytes(value[32:], "big")
        (tmp_path / "info").write_bytes(info)
        (tmp_path / "value").write_bytes(encode_dss_signature(r, s))
        (tmp_path / "document").write_bytes(document)
        said = _run(
            openssl, tmp_path, "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin",
            "-digest", "sm3", "-pkeyopt", f"distid:{sm2.USER_ID.decode()}",
            "-in", "info", "-sigfile", "value",
        )  # fmt: skip
        assert "Signature Verified Successfully" in said
        hashed = "sm3" if name == "sm2-sm3" else "sha1"
        assert digest.hex() in _run(openssl, tmp_path, "dgst", f"-{hashed}", "document")


@pytest.mark.parametrize("algorithm", ["rsa", "sm2"])
def test_openssl_reads_and_verifies_our_self_signed_certificates(
    algorithm: str, keys: dict[str, KeyFiles], openssl: Path, tmp_path: Path
) -> None:
    """`x509 -text` and `verify` accept both; the SM2 one names the official algorithm.

    `verify -check_ss_sig` of OpenSSL 3.0 forgets the user id of SM2, so that signature is verified
    as bytes.
    """
    certificate = keys[algorithm].certificate
    text = _run(openssl, tmp_path, "x509", "-in", certificate, "-noout", "-text")
    said = _run(openssl, tmp_path, "verify", "-CAfile", certificate, certificate)
    assert said.strip().endswith("OK")
    parsed = x509.load_pem_x509_certificate(certificate.read_bytes())
    (tmp_path / "tbs").write_bytes(parsed.tbs_certificate_bytes)
    (tmp_path / "value").write_bytes(parsed.signature)
    _run(openssl, tmp_path, "x509", "-in", certificate, "-noout", "-pubkey", "-out", "public.pem")
    how = ["-digest", "sm3", "-pkeyopt", "distid:1234567812345678"]
    said = _run(
        openssl, tmp_path, "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin",
        *(how if algorithm == "sm2" else ["-digest", "sha256"]), "-in", "tbs", "-sigfile", "value",
    )  # fmt: skip
    assert "Signature Verified Successfully" in said
    if algorithm == "sm2":
        assert "SM2-with-SM3" in text
        assert "ASN1 OID: SM2" in text


TEMPLATE = """
  <{p}Signature xmlns{n}="http://www.w3.org/2000/09/xmldsig#">
    <{p}SignedInfo><!-- a comment -->
      <{p}CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>
      <{p}SignatureMethod Algorithm="http://www.w3.org/2000/09/xmldsig#rsa-sha1"/>
      <{p}Reference URI="">
        <{p}Transforms>
          <{p}Transform Algorithm="http://www.w3.org/2000/09/xmldsig#enveloped-signature"/>
        </{p}Transforms>
        <{p}DigestMethod Algorithm="http://www.w3.org/2000/09/xmldsig#sha1"/>
        <{p}DigestValue/>
      </{p}Reference>
    </{p}SignedInfo>
    <{p}SignatureValue/>
    <{p}KeyInfo><{p}KeyName>KEYNAME</{p}KeyName><{p}X509Data/></{p}KeyInfo>
  </{p}Signature>
"""
FOREIGN = {
    "prefix": '<?xml version="1.0"?>\n<c:R xmlns:c="u:c"><c:a>测</c:a>HERE</c:R>\n',
    "default namespace": '<R xmlns="u:c" xmlns:x="u:x"><a x:b="1"/>HERE<!-- c --></R>',
    "inherited language": '<c:R xmlns:c="u:c" xml:lang="zh" xml:space="preserve">HERE</c:R>',
    "processing instruction": '<?go now?><c:R xmlns:c="u:c"><?and then?>HERE</c:R><!-- end -->',
    "another encoding": '<?xml version="1.0" encoding="GB18030"?><c:R xmlns:c="u:c">测HERE</c:R>',
}


@pytest.mark.parametrize("prefix", ["ds:", ""])
@pytest.mark.parametrize("layout", FOREIGN)
def test_we_accept_what_xmlsec1_signs(
    layout: str, prefix: str, keys: dict[str, KeyFiles], xmlsec1: Path, tmp_path: Path
) -> None:
    """Pretty-printed before signing, any prefix, inherited xml attributes: as the standard says."""
    template = TEMPLATE.format(p=prefix, n=f":{prefix}".rstrip(":"))
    serial = read_certificate_file(keys["rsa"].certificate.read_bytes()).serial
    text = FOREIGN[layout].replace("HERE", template.replace("KEYNAME", serial))
    encoding = "gb18030" if "GB18030" in text else "utf-8"
    (tmp_path / "unsigned.xml").write_bytes(text.encode(encoding))
    subprocess.run(
        [xmlsec1, "--sign", "--privkey-pem", f"{keys['rsa'].key},{keys['rsa'].certificate}",
         "--output", "signed.xml", "unsigned.xml"],
        cwd=tmp_path, check=True, capture_output=True,
    )  # fmt: skip
    signed = (tmp_path / "signed.xml").read_bytes()
    verdict = verify(signed)
    assert (verdict.status, verdict.key_name_fits) == ("valid", True)
    end = signed.rindex(b"</")
    assert verify(signed[:end] + b" " + signed[end:]).fault == "digest"


def _run(openssl: Path, folder: Path, *arguments: str | Path) -> str:
    done = subprocess.run(
        [openssl, *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
