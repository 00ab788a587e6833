"""The ASN.1 structures that `cryptography` cannot read or make for SM2 keys and certificates.

Declared with its own DER coder. Sources: RFC 5280 (certificates), RFC 5958 (PKCS#8), RFC 5915
(EC private keys), RFC 8018 (PBES2), GM/T 0006 (object identifiers).
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.x509 import ObjectIdentifier

EC_PUBLIC_KEY = ObjectIdentifier("1.2.840.10045.2.1")
SM2_CURVE = ObjectIdentifier("1.2.156.10197.1.301")
SM2_WITH_SM3 = ObjectIdentifier("1.2.156.10197.1.501")

T = TypeVar("T")


@asn1.sequence
class NamedAlgorithm:
    """An algorithm without parameters, or with a curve as its parameter."""

    oid: ObjectIdentifier
    parameters: ObjectIdentifier | None


@asn1.sequence
class AnyAlgorithm:
    """An algorithm whose parameters are read once it is known."""

    oid: ObjectIdentifier
    parameters: asn1.TLV


@asn1.sequence
class PublicKeyInfo:
    """SubjectPublicKeyInfo of an EC key: `key` is the point."""

    algorithm: NamedAlgorithm
    key: asn1.BitString


@asn1.sequence
class Validity:
    """Two times, whole seconds, UTC."""

    not_before: asn1.UTCTime | asn1.GeneralizedTime
    not_after: asn1.UTCTime | asn1.GeneralizedTime


@asn1.sequence
class Extension:
    """A certificate extension; `value` is DER again."""

    oid: ObjectIdentifier
    critical: Annotated[bool, asn1.Default(value=False)]
    value: bytes


@asn1.sequence
class TbsCertificate:
    """What the issuer of a certificate signs."""

    version: Annotated[int | None, asn1.Explicit(0)]
    serial: int
    algorithm: asn1.TLV
    issuer: asn1.TLV
    validity: asn1.TLV
    subject: asn1.TLV
    public_key: asn1.TLV
    issuer_id: Annotated[asn1.BitString | None, asn1.Implicit(1)]
    subject_id: Annotated[asn1.BitString | None, asn1.Implicit(2)]
    extensions: Annotated[list[Extension] | None, asn1.Explicit(3)]


@asn1.sequence
class Certificate:
    """A certificate around its signed part."""

    tbs: asn1.TLV
    algorithm: asn1.TLV
    signature: asn1.BitString


@asn1.sequence
class PrivateKeyInfo:
    """PKCS#8 of an EC key; `key` holds an EcPrivateKey."""

    version: int
    algorithm: NamedAlgorithm
    key: bytes


@asn1.sequence
class EcPrivateKey:
    """An EC private key; the curve stands here when there is no PKCS#8 around it."""

    version: int
    scalar: bytes
    curve: Annotated[ObjectIdentifier | None, asn1.Explicit(0)]
    public: Annotated[asn1.BitString | None, asn1.Explicit(1)]


@asn1.sequence
class EncryptedPrivateKeyInfo:
    """PKCS#8 under a password."""

    algorithm: AnyAlgorithm
    data: bytes


@asn1.sequence
class Pbes2:
    """Which function makes the key from the password, and which cipher uses it."""

    derivation: AnyAlgorithm
    cipher: AnyAlgorithm


@asn1.sequence
class Pbkdf2:
    """The parameters of PBKDF2; without `function` it is HMAC with SHA-1."""

    salt: bytes
    iterations: int
    length: int | None
    function: AnyAlgorithm | None


def decode(kind: type[T], data: bytes) -> T:
    """Read DER as that structure. Raises ValueError for anything else."""
    return asn1.decode_der(kind, data)


def encode(value: Any) -> bytes:
    """The DER of a structure of this module."""
    return asn1.encode_der(value)


def tlv(der: bytes) -> asn1.TLV:
    """Finished DER as a part of another structure."""
    return asn1.decode_der(asn1.TLV, der)


def sm2_point(tbs_certificate: bytes) -> bytes | None:
    """The public point of a certificate with an SM2 key; None for another key."""
    try:
        info = decode(TbsCertificate, tbs_certificate).public_key.parse(PublicKeyInfo)
    except ValueError:
        return None
    if (info.algorithm.oid, info.algorithm.parameters) != (EC_PUBLIC_KEY, SM2_CURVE):
        return None
    point: bytes = info.key.as_bytes()
    return point


def extension(value: x509.ExtensionType, *, critical: bool) -> Extension:
    """A certificate extension in the form of this module."""
    return Extension(oid=value.oid, critical=critical, value=value.public_bytes())


def bits(data: bytes) -> asn1.BitString:
    """Whole bytes as a BIT STRING."""
    return asn1.BitString(data, 0)
