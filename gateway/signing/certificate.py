"""Certificates as far as signatures need them: whose key, which number, how long, issued by whom.

RSA is read by `cryptography`; it refuses the SM2 curve, so that key is read from the raw bytes.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat import asn1 as der
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from gateway.signing import asn1, sm2

RSA_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha1": hashes.SHA1(),  # noqa: S303 - the official rule names it
    "sha256": hashes.SHA256(),
}
SERIAL_BYTES = 8
CERTIFICATE_BYTES_MAX = 32_768
CERTIFICATE_USER_IDS = (sm2.USER_ID, b"")
"""What Z is made of in certificates: OpenSSL takes an empty user id unless told otherwise."""
VALID_DAYS = 3653
"""Ten years, like the cards that E-port hands out."""
BACKDATED = timedelta(hours=1)
"""A certificate made now must also be valid on a machine whose clock is behind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One X.509 certificate. `key` is rsa, sm2, or empty for a key of another kind."""

    der: bytes
    serial: str
    key: str
    not_before: datetime
    not_after: datetime
    parsed: x509.Certificate
    rsa_key: rsa.RSAPublicKey | None = None
    sm2_point: bytes = b""
    damaged: bool = False
    """Issuer and subject are the same name, yet its own key did not sign it."""

    def verifies(self, value_hash: str, message: bytes, signature: bytes) -> bool:
        """Whether the raw signature value over the message is of this certificate's key."""
        if self.rsa_key is None:
            return sm2.verify(self.sm2_point, message, signature)
        try:
            self.rsa_key.verify(signature, message, padding.PKCS1v15(), RSA_HASHES[value_hash])
        except InvalidSignature:
            return False
        return True

    def issued(self, other: Certificate) -> bool:
        """Whether this certificate's key signed the other one."""
        if other.parsed.issuer != self.parsed.subject:
            return False
        if self.rsa_key is not None:
            return _rsa_issued(self.rsa_key, other.parsed)
        return _sm2_issued(self.sm2_point, other.parsed)

    def valid_at(self, moment: datetime) -> bool:
        """Whether the moment lies in the validity window."""
        return self.not_before <= moment <= self.not_after


@lru_cache(maxsize=512)
def read_certificate(data: bytes) -> Certificate:
    """A certificate from DER. Raises ValueError for what is none."""
    if len(data) > CERTIFICATE_BYTES_MAX:
        raise ValueError(f"a certificate has at most {CERTIFICATE_BYTES_MAX} bytes")
    try:
        parsed = x509.load_der_x509_certificate(data)
        serial, tbs = parsed.serial_number, parsed.tbs_certificate_bytes
        window = parsed.not_valid_before_utc, parsed.not_valid_after_utc
        _ = parsed.issuer, parsed.subject  # read late otherwise, where nobody expects a fault
    except (ValueError, TypeError, x509.InvalidVersion, UnsupportedAlgorithm) as error:
        raise ValueError(f"not a certificate: {error}") from error
    rsa_key, point = None, asn1.sm2_point(tbs) or b""
    if not point:
        rsa_key = _rsa_key(parsed)
    elif not sm2.is_public_key(point):
        raise ValueError("the SM2 public key is no point of the curve")
    certificate = Certificate(
        der=data,
        serial=serial_text(serial),
        key="rsa" if rsa_key else "sm2" if point else "",
        not_before=window[0],
        not_after=window[1],
        parsed=parsed,
        rsa_key=rsa_key,
        sm2_point=point,
    )
    own = parsed.issuer == parsed.subject and certificate.key != ""
    return replace(certificate, damaged=own and not certificate.issued(certificate))


def read_certificate_file(data: bytes) -> Certificate:
    """A certificate from PEM (the first one in the file) or DER. Raises ValueError."""
    if b"-----BEGIN" not in data:
        return read_certificate(data)
    return read_certificate(x509.load_pem_x509_certificates(data)[0].public_bytes(Encoding.DER))


def serial_text(serial: int) -> str:
    """The serial number as keys and cards print it: the bytes of its DER integer in hex.

    Two digits a byte, so leading zeros stay: 01691f7f.
    """
    return serial.to_bytes(serial.bit_length() // 8 + 1, "big").hex()


def self_signed_rsa(key: rsa.RSAPrivateKey, code: str, name: str, now: datetime) -> bytes:
    """A self-signed certificate in DER. Raises ValueError for a name that X.509 cannot carry."""
    start, end = _window(now)
    subject = _subject(code, name)
    builder = (
        x509.CertificateBuilder(subject, subject, key.public_key(), _new_serial(), start, end)
        .add_extension(_BASIC, critical=True)
        .add_extension(_USAGE, critical=True)
    )
    return builder.sign(key, hashes.SHA256()).public_bytes(Encoding.DER)


def self_signed_sm2(key: sm2.PrivateKey, code: str, name: str, now: datetime) -> bytes:
    """The same for an SM2 key, signed with SM3 and the standard user id."""
    start, end = _window(now)
    subject = asn1.tlv(_subject(code, name).public_bytes())
    algorithm = asn1.tlv(asn1.encode(asn1.NamedAlgorithm(oid=asn1.SM2_WITH_SM3, parameters=None)))
    info = asn1.PublicKeyInfo(
        algorithm=asn1.NamedAlgorithm(oid=asn1.EC_PUBLIC_KEY, parameters=asn1.SM2_CURVE),
        key=asn1.bits(key.public),
    )
    validity = asn1.Validity(not_before=der.UTCTime(start), not_after=der.UTCTime(end))
    tbs = asn1.encode(
        asn1.TbsCertificate(
            version=2,
            serial=_new_serial(),
            algorithm=algorithm,
            issuer=subject,
            validity=asn1.tlv(asn1.encode(validity)),
            subject=subject,
            public_key=asn1.tlv(asn1.encode(info)),
            issuer_id=None,
            subject_id=None,
            extensions=[
                asn1.extension(_BASIC, critical=True),
                asn1.extension(_USAGE, critical=True),
            ],
        )
    )
    raw = key.sign(tbs)
    value = encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    return asn1.encode(
        asn1.Certificate(tbs=asn1.tlv(tbs), algorithm=algorithm, signature=asn1.bits(value))
    )


def _rsa_key(parsed: x509.Certificate) -> rsa.RSAPublicKey | None:
    try:
        key = parsed.public_key()
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key if isinstance(key, rsa.RSAPublicKey) else None


def _rsa_issued(key: rsa.RSAPublicKey, issued: x509.Certificate) -> bool:
    algorithm = _hash_of(issued)
    if algorithm is None:
        return False
    try:
        key.verify(issued.signature, issued.tbs_certificate_bytes, padding.PKCS1v15(), algorithm)
    except InvalidSignature:
        return False
    return True


def _sm2_issued(point: bytes, issued: x509.Certificate) -> bool:
    """Certificates carry r and s in DER, where XML signatures have them bare."""
    if issued.signature_algorithm_oid != asn1.SM2_WITH_SM3:
        return False
    try:
        r, s = decode_dss_signature(issued.signature)
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
    except (ValueError, OverflowError):
        return False
    tbs = issued.tbs_certificate_bytes
    return any(sm2.verify(point, tbs, raw, user_id) for user_id in CERTIFICATE_USER_IDS)


def _hash_of(parsed: x509.Certificate) -> hashes.HashAlgorithm | None:
    try:
        return parsed.signature_hash_algorithm
    except UnsupportedAlgorithm:
        return None


def _new_serial() -> int:
    return secrets.randbelow(1 << (8 * SERIAL_BYTES - 1)) + 1


def _window(now: datetime) -> tuple[datetime, datetime]:
    start = now.replace(microsecond=0) - BACKDATED
    return start, start + timedelta(days=VALID_DAYS)


def _subject(code: str, name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.SERIAL_NUMBER, code),
            x509.NameAttribute(NameOID.COMMON_NAME, name),
        ]
    )


_USAGE = x509.KeyUsage(
    digital_signature=True, content_commitment=True, key_encipherment=False,
    data_encipherment=False, key_agreement=False, key_cert_sign=False, crl_sign=False,
    encipher_only=False, decipher_only=False,
)  # fmt: skip
_BASIC = x509.BasicConstraints(ca=False, path_length=None)
