"""Makes ds:Signature: exactly the bytes that the field reads, verified before they leave.

The private algorithm names are unknown to general XML signature libraries, so SignedInfo is
written by hand, in canonical form (signing rule of edition 2022-05, chapter 6).
"""

from __future__ import annotations

import base64
import re

from gateway.errors import GatewayError
from gateway.ports import Signer
from gateway.signing.certificate import read_certificate
from gateway.signing.sets import DS, ENVELOPED, SETS, SignatureSet

START_TAG = re.compile(rb"<[^<>]*>")
DECLARATION = re.compile(rb'\s(xmlns(?::[^\s=]+)?)="([^"]*)"')
XML_DECLARATION = b"<?xml"


class SigningFailed(GatewayError):
    """The key gave a value that its own certificate does not confirm; nothing was sent."""


async def sign(data: bytes, signer: Signer, set_name: str) -> bytes:
    """The element `<ds:Signature …>` for a message, to be put in as it stands.

    `data` is the canonical message without a signature: no XML declaration, no byte order mark.
    Raises SigningFailed when the value does not fit the signer's certificate.
    """
    chosen = SETS[set_name]
    if not chosen.written or signer.set_name != set_name:
        raise SigningFailed(
            "K-set", f"密钥不用于算法组 {set_name}", f"the key does not sign the set {set_name}"
        )
    body = signed_info(chosen, chosen.digest(data))
    canonical = in_scope(body, data)
    value = await signer.sign(canonical)
    certificate = read_certificate(signer.certificate)
    if certificate.key != chosen.key or not certificate.verifies(
        chosen.value_hash, canonical, value
    ):
        raise SigningFailed(
            "K-value", "签名值与证书不符，报文未发出",
            "the signature value does not fit the certificate; the message was not sent",
        )  # fmt: skip
    return (
        f'<ds:Signature xmlns:ds="{DS}">'.encode()
        + body
        + b"<ds:SignatureValue>"
        + base64.b64encode(value)
        + b"</ds:SignatureValue><ds:KeyInfo><ds:KeyName>"
        + signer.key_name.encode()
        + b"</ds:KeyName><ds:X509Data><ds:X509Certificate>"
        + base64.b64encode(signer.certificate)
        + b"</ds:X509Certificate></ds:X509Data></ds:KeyInfo></ds:Signature>"
    )


def signed_info(chosen: SignatureSet, digest: bytes) -> bytes:
    """SignedInfo as it stands in the message: end tags everywhere, no white space."""

    def method(name: str, uri: str) -> str:
        return f'<ds:{name} Algorithm="{uri}"></ds:{name}>'

    return (
        "<ds:SignedInfo>"
        + method("CanonicalizationMethod", chosen.c14n)
        + method("SignatureMethod", chosen.signature_method)
        + '<ds:Reference URI=""><ds:Transforms>'
        + method("Transform", ENVELOPED)
        + "</ds:Transforms>"
        + method("DigestMethod", chosen.digest_method)
        + f"<ds:DigestValue>{base64.b64encode(digest).decode()}</ds:DigestValue>"
        + "</ds:Reference></ds:SignedInfo>"
    ).encode()


def in_scope(body: bytes, data: bytes) -> bytes:
    """The canonical bytes of SignedInfo inside that message: what is signed.

    Inclusive C14N copies every namespace in scope: those of the root and ds, in order of prefix.
    """
    root = START_TAG.search(data)
    found = dict(DECLARATION.findall(root[0])) if root else {}
    found[b"xmlns:ds"] = DS.encode()
    declared = b"".join(b' %s="%s"' % (name, found[name]) for name in sorted(found))
    return body.replace(b"<ds:SignedInfo>", b"<ds:SignedInfo" + declared + b">", 1)
