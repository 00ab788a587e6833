"""Software keys: PEM files on this machine, for tests, the demo and places that allow them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from gateway.errors import Misconfigured
from gateway.ports import Signer
from gateway.signing import sm2
from gateway.signing.certificate import (
    RSA_HASHES,
    Certificate,
    read_certificate_file,
    self_signed_rsa,
    self_signed_sm2,
)
from gateway.signing.keyfile import KeyFault, pem, read_private_key, write_sm2_key
from gateway.signing.sets import SETS, WRITTEN

RSA_BITS = 2048
ALGORITHMS = ("rsa", "sm2")


@dataclass(frozen=True, slots=True, kw_only=True)
class SoftwareSigner:
    """A Signer in this process.

    No thread: a value takes under a millisecond, and the SM2 library keeps the interpreter lock.
    """

    set_name: str
    parsed: Certificate
    value: Callable[[bytes], bytes]

    @property
    def key_name(self) -> str:
        """The certificate's serial number in lower-case hex with its leading zeros."""
        return self.parsed.serial

    @property
    def certificate(self) -> bytes:
        """The certificate in DER."""
        return self.parsed.der

    async def sign(self, signed_info: bytes) -> bytes:
        """The raw signature value over the canonical SignedInfo."""
        return self.value(signed_info)


def load_signer(
    set_name: str, key_path: Path, cert_path: Path, password: str | None = None
) -> Signer:
    """A signer from two PEM files. Raises Misconfigured when they cannot sign this set."""
    if set_name not in WRITTEN:
        raise _wrong("K-set", f"没有签名算法组 {set_name}", f"no signature set is named {set_name}")
    key_pem, cert_data = _content(key_path), _content(cert_path)
    try:
        certificate = read_certificate_file(cert_data)
    except ValueError as error:
        raise _wrong(
            "K-certificate",
            f"文件中没有可读取的证书（PEM 或 DER）：{cert_path}",
            f"{cert_path} holds no certificate that can be read (PEM or DER)",
        ) from error
    try:
        key = read_private_key(key_pem, password.encode() if password is not None else None)
        return SoftwareSigner(
            set_name=set_name, parsed=certificate, value=_value(set_name, key, certificate)
        )
    except KeyFault as error:
        raise _wrong(
            "K-key", f"私钥无法使用：{key_path}：{error.zh}", f"{key_path}: {error.en}"
        ) from error


def generate(
    algorithm: str, code: str, name: str, now: datetime | None = None
) -> tuple[bytes, bytes]:
    """A new key and a self-signed certificate for ten years, both in PEM.

    `algorithm` is rsa (2048 bits) or sm2. Raises ValueError for another one, and for a name that a
    certificate cannot carry.
    """
    moment = now or datetime.now(UTC)
    if algorithm == "sm2":
        key = sm2.PrivateKey.generate()
        certificate = self_signed_sm2(key, code, name, moment)
        return write_sm2_key(key.scalar, key.public), pem("CERTIFICATE", certificate)
    if algorithm != "rsa":
        raise ValueError(f"the algorithm is one of {', '.join(ALGORITHMS)}")
    made = rsa.generate_private_key(public_exponent=65537, key_size=RSA_BITS)
    key_pem = made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return key_pem, pem("CERTIFICATE", self_signed_rsa(made, code, name, moment))


def _value(
    set_name: str, key: rsa.RSAPrivateKey | int, certificate: Certificate
) -> Callable[[bytes], bytes]:
    """What makes a raw signature value. Raises KeyFault when key and certificate do not fit."""
    chosen = SETS[set_name]
    kind = chosen.key.upper()
    if certificate.key != chosen.key:
        raise KeyFault(
            f"{set_name} 须用 {kind} 密钥的证书",
            f"{set_name} needs a certificate with an {kind} key",
        )
    if isinstance(key, int) != (chosen.key == "sm2"):
        raise KeyFault(f"{set_name} 须用 {kind} 私钥", f"{set_name} needs an {kind} private key")
    unfit = KeyFault("私钥与证书不匹配", "the private key does not fit the certificate")
    if isinstance(key, int):
        try:
            return sm2.PrivateKey(key, certificate.sm2_point).sign
        except ValueError as error:
            raise unfit from error
    if key.public_key() != certificate.rsa_key:
        raise unfit
    algorithm = RSA_HASHES[chosen.value_hash]
    return lambda signed_info: key.sign(signed_info, padding.PKCS1v15(), algorithm)


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise _wrong(
            "K-file", f"文件无法读取：{path}", f"{path}: {error.strerror or error}"
        ) from error


def _wrong(code: str, zh: str, en: str) -> Misconfigured:
    return Misconfigured(code, zh, en)
