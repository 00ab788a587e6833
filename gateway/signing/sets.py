"""Signature sets: which algorithms stand together in a CEB message, as data.

Sources: the official rule of edition 2022-05 (chapter 6), the edition of 2018 for RSA with
SHA-256, and messages of production gateways for the SM2 set with w3.org names.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from cryptography.hazmat.primitives import hashes

DS = "http://www.w3.org/2000/09/xmldsig#"
MORE = "http://www.w3.org/2001/04/xmldsig-more#"
XMLENC = "http://www.w3.org/2001/04/xmlenc#"
CHINAPORT = "http://www.chinaport.gov.cn/2022/04/xmldsig#"
C14N = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
C14N_WITH_COMMENTS = f"{C14N}#WithComments"
ENVELOPED = f"{DS}enveloped-signature"


def sm3(data: bytes) -> bytes:
    """SM3 of the data, 32 bytes."""
    state = hashes.Hash(hashes.SM3())
    state.update(data)
    return state.finalize()


_DIGESTS = {
    "sha1": lambda data: hashlib.sha1(data, usedforsecurity=False).digest(),
    "sha256": lambda data: hashlib.sha256(data).digest(),
    "sm3": sm3,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SignatureSet:
    """One combination of algorithms, each named by its URI.

    `key` is rsa or sm2. `digest_name` is the hash over the document; `value_hash` the one under
    the signature (SM2 puts SM3 over Z and the message). `written` is False for a set that is
    recognised in what others send and never used for our own messages.
    """

    algorithm: str
    key: str
    signature_method: str
    digest_method: str
    digest_name: str
    value_hash: str
    c14n: str = C14N
    written: bool = True

    def digest(self, data: bytes) -> bytes:
        """The hash of the document's canonical bytes."""
        return _DIGESTS[self.digest_name](data)


_P22 = SignatureSet(
    algorithm="sm2-sm3", key="sm2", digest_name="sm3", value_hash="sm3",
    signature_method=f"{CHINAPORT}sm2-sm3", digest_method=f"{CHINAPORT}sm3",
)  # fmt: skip

SETS: Mapping[str, SignatureSet] = MappingProxyType({
    "rsa-sha1": SignatureSet(
        algorithm="rsa-sha1", key="rsa", digest_name="sha1", value_hash="sha1",
        signature_method=f"{DS}rsa-sha1", digest_method=f"{DS}sha1",
    ),
    "rsa-sha256": SignatureSet(
        algorithm="rsa-sha256", key="rsa", digest_name="sha256", value_hash="sha256",
        signature_method=f"{MORE}rsa-sha256", digest_method=f"{XMLENC}sha256",
    ),
    "sm2-sm3": _P22,
    "sm2-w3": SignatureSet(
        algorithm="sm2-w3", key="sm2", digest_name="sha1", value_hash="sm3",
        signature_method=f"{DS}sm2-sm3", digest_method=f"{DS}sha1",
    ),
    "sm2-sm3-comments": SignatureSet(
        algorithm="sm2-sm3", key="sm2", digest_name="sm3", value_hash="sm3",
        signature_method=_P22.signature_method, digest_method=_P22.digest_method,
        c14n=C14N_WITH_COMMENTS, written=False,
    ),
})  # fmt: skip
"""By name. The last one carries the official algorithms under another canonicalisation URI."""

WRITTEN = tuple(name for name, one in SETS.items() if one.written)


def find_set(c14n: str, signature_method: str, digest_method: str) -> SignatureSet | None:
    """The set that these three URIs name together, or None."""
    wanted = (c14n, signature_method, digest_method)
    return next(
        (
            one
            for one in SETS.values()
            if (one.c14n, one.signature_method, one.digest_method) == wanted
        ),
        None,
    )
