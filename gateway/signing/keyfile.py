"""Private keys in PEM: RSA as `cryptography` reads it, SM2 in the three forms that OpenSSL writes.

SM2: PKCS#8 (`PRIVATE KEY`), PKCS#8 under a password (`ENCRYPTED PRIVATE KEY`) and the bare EC form
(`EC PRIVATE KEY`, or `SM2 PRIVATE KEY`). `cryptography` refuses the curve, so these are read here.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES, SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC
from cryptography.hazmat.primitives.kdf.pbkdf2 import PBKDF2HMAC
from cryptography.hazmat.primitives.padding import PKCS7
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.signing import asn1

BLOCK = re.compile(
    rb"-----BEGIN ((?:ENCRYPTED |EC |SM2 )?PRIVATE KEY)-----\s(.*?)-----END \1-----", re.DOTALL
)
SCALAR_BYTES = 32
ITERATIONS_MAX = 10_000_000
_PRFS: dict[str, Callable[[], hashes.HashAlgorithm]] = {
    "1.2.840.113549.2.7": hashes.SHA1,
    "1.2.840.113549.2.9": hashes.SHA256,
    "1.2.156.10197.1.401.2": hashes.SM3,
}
_CIPHERS: dict[str, tuple[type[AES | SM4], int]] = {
    "2.16.840.1.101.3.4.1.2": (AES, 16),
    "2.16.840.1.101.3.4.1.42": (AES, 32),
    "1.2.156.10197.1.104.2": (SM4, 16),
}


class KeyFault(ValueError):
    """What is wrong with a key file, in both languages and in our own words."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


def read_private_key(pem: bytes, password: bytes | None = None) -> rsa.RSAPrivateKey | int:
    """An RSA key, or the scalar of an SM2 key. Raises KeyFault."""
    scalar = _sm2_scalar(pem, password)
    if scalar is not None:
        return scalar
    try:
        key = load_pem_private_key(pem, password)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise _fault(pem, password) from error
    if not isinstance(key, rsa.RSAPrivateKey):
        raise KeyFault("私钥既非 RSA 也非 SM2", "the private key is neither RSA nor SM2")
    return key


def _fault(pem: bytes, password: bytes | None) -> KeyFault:
    """Why a file could not be read as a private key; libraries only say that it could not."""
    if b"PRIVATE KEY-----" not in pem:
        return KeyFault("文件中没有 PEM 格式的私钥", "the file holds no private key in PEM")
    locked = b"ENCRYPTED" in pem
    if locked and password is None:
        return KeyFault(
            "私钥有密码，须指明存放密码的环境变量，且该变量已设置",
            "the key is under a password; name the environment variable that holds it, and set it",
        )
    if locked:
        return KeyFault(
            "密码不符，或私钥的加密方式不支持",
            "the password is wrong, or the key is encrypted in a way that is not supported",
        )
    if password is not None:
        return KeyFault("私钥没有密码，却给了密码", "a password is given, but the key has none")
    return KeyFault("私钥内容损坏或格式不支持", "the key is damaged or in a form not supported")


def write_sm2_key(scalar: int, public: bytes) -> bytes:
    """PKCS#8 in PEM, as OpenSSL reads it."""
    inner = asn1.EcPrivateKey(
        version=1,
        scalar=scalar.to_bytes(SCALAR_BYTES, "big"),
        curve=asn1.SM2_CURVE,
        public=asn1.bits(public),
    )
    return pem(
        "PRIVATE KEY",
        asn1.encode(
            asn1.PrivateKeyInfo(
                version=0,
                algorithm=asn1.NamedAlgorithm(oid=asn1.EC_PUBLIC_KEY, parameters=asn1.SM2_CURVE),
                key=asn1.encode(inner),
            )
        ),
    )


def pem(label: str, data: bytes) -> bytes:
    """DER between PEM lines of 64 characters."""
    text = base64.b64encode(data).decode()
    lines = [text[start : start + 64] for start in range(0, len(text), 64)]
    return "\n".join([f"-----BEGIN {label}-----", *lines, f"-----END {label}-----", ""]).encode()


def _sm2_scalar(data: bytes, password: bytes | None) -> int | None:
    """The scalar when the first key of the file is an SM2 key; None for any other content."""
    found = BLOCK.search(data)
    if found is None:
        return None
    label = found[1].decode()
    try:
        content = base64.b64decode(b"".join(found[2].split()), validate=True)
    except binascii.Error:
        return None
    if label.startswith("ENCRYPTED"):
        if password is None:
            return None  # `cryptography` says that a password is needed, for either kind
        opened = _decrypt(content, password)
        if opened is None:
            return None
        content = opened
    return _bare(content) if label.startswith(("EC ", "SM2 ")) else _pkcs8(content)


def _pkcs8(content: bytes) -> int | None:
    try:
        info = asn1.decode(asn1.PrivateKeyInfo, content)
        if info.algorithm.parameters != asn1.SM2_CURVE:
            return None
        key = asn1.decode(asn1.EcPrivateKey, info.key)
    except ValueError:
        return None
    return int.from_bytes(key.scalar, "big")


def _bare(content: bytes) -> int | None:
    try:
        key = asn1.decode(asn1.EcPrivateKey, content)
    except ValueError:
        return None
    return int.from_bytes(key.scalar, "big") if key.curve == asn1.SM2_CURVE else None


def _decrypt(content: bytes, password: bytes) -> bytes | None:
    """PBES2 with PBKDF2 opened; None for another scheme or a wrong password."""
    try:
        outer = asn1.decode(asn1.EncryptedPrivateKeyInfo, content)
        scheme = outer.algorithm.parameters.parse(asn1.Pbes2)
        derivation = scheme.derivation.parameters.parse(asn1.Pbkdf2)
        vector = scheme.cipher.parameters.parse(bytes)
    except ValueError:
        return None
    function = derivation.function
    prf = _PRFS.get(function.oid.dotted_string if function else "1.2.840.113549.2.7")
    cipher = _CIPHERS.get(scheme.cipher.oid.dotted_string)
    if prf is None or cipher is None or not 0 < derivation.iterations <= ITERATIONS_MAX:
        return None
    key = PBKDF2HMAC(prf(), cipher[1], derivation.salt, derivation.iterations).derive(password)
    try:
        opener = Cipher(cipher[0](key), CBC(vector)).decryptor()
        padded = opener.update(outer.data) + opener.finalize()
        unpadder = PKCS7(128).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except ValueError:
        return None
