"""Keys and certificates: made, read, refused."""

from __future__ import annotations

import re
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.errors import Misconfigured
from gateway.signing.certificate import (
    Certificate,
    read_certificate,
    read_certificate_file,
    serial_text,
)
from gateway.signing.keyfile import read_private_key
from gateway.signing.software import generate, load_signer
from tests.samples import KeyFiles

CHINESE = "海南跨境电商有限公司"


@pytest.mark.parametrize(
    ("serial", "text"),
    [
        (0x01691F7F, "01691f7f"),  # a card with an RSA key
        (0x03000000000CDE6F, "03000000000cde6f"),  # a card with an SM2 key
        (1, "01"),
        (0x7F, "7f"),
        (0x80, "0080"),  # DER puts a zero byte before a set sign bit
    ],
)
def test_the_key_name_keeps_its_leading_zeros(serial: int, text: str) -> None:
    """KeyName has two digits for each byte of the serial number's DER integer."""
    assert serial_text(serial) == text


@pytest.mark.parametrize("algorithm", ["rsa", "sm2"])
def test_a_generated_key_fits_its_certificate(algorithm: str) -> None:
    """The certificate names code and name, holds the key's other half and signs itself."""
    now = datetime(2026, 1, 31, 12, tzinfo=UTC)
    key_pem, certificate_pem = generate(algorithm, "4601630004", CHINESE, now)
    certificate = read_certificate_file(certificate_pem)
    assert certificate.key == algorithm
    assert not certificate.damaged
    assert certificate.issued(certificate)
    assert CHINESE in certificate.parsed.subject.rfc4514_string()
    assert "4601630004" in certificate.parsed.subject.rfc4514_string()
    assert certificate.valid_at(now)
    assert certificate.valid_at(now + timedelta(days=3650))
    assert not certificate.valid_at(now - timedelta(days=1))
    assert not certificate.valid_at(now + timedelta(days=3660))
    key = read_private_key(key_pem)
    if algorithm == "rsa":
        assert isinstance(key, rsa.RSAPrivateKey)
        assert key.key_size == 2048


def test_two_keys_are_never_alike() -> None:
    """Keys and serial numbers come from the system's randomness."""
    first, second = (generate("sm2", "1", "a") for _ in range(2))
    assert first[0] != second[0]
    serials = {read_certificate_file(one[1]).serial for one in (first, second)}
    assert len(serials) == 2


def test_an_unknown_algorithm_is_refused() -> None:
    """Neither rsa nor sm2: a sentence that names both."""
    with pytest.raises(ValueError, match="rsa, sm2"):
        generate("ed25519", "1", "a")


def _sm2_key(openssl: Path, folder: Path, *how: str) -> KeyFiles:
    """A key and a certificate that OpenSSL made; `how` says in which form the key is kept."""
    commands = [
        ["genpkey", "-algorithm", "SM2", "-out", "plain.pem"],
        ["req", "-x509", "-new", "-key", "plain.pem", "-sm3", "-subj", "/CN=X", "-out", "cert.pem"],
        [*how, "-in", "plain.pem", "-out", "key.pem"],
    ]
    for command in commands:
        subprocess.run([openssl, *command], cwd=folder, check=True, capture_output=True)
    return KeyFiles(folder / "key.pem", folder / "cert.pem")


@pytest.mark.parametrize(
    ("how", "password"),
    [
        (["pkcs8", "-topk8", "-nocrypt"], None),
        (["ec"], None),
        (["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:秘密 secret"], "秘密 secret"),
        (["pkcs8", "-topk8", "-v2", "aes128", "-v2prf", "hmacWithSHA1", "-passout", "pass:x"], "x"),
        (["pkcs8", "-topk8", "-v2", "sm4-cbc", "-passout", "pass:x"], "x"),
    ],
)  # fmt: skip
async def test_sm2_keys_of_openssl_are_read(
    how: list[str], password: str | None, openssl: Path, tmp_path: Path
) -> None:
    """PKCS#8 with and without a password, and the bare EC form; the certificate counts as whole."""
    files = _sm2_key(openssl, tmp_path, *how)
    signer = load_signer("sm2-sm3", files.key, files.certificate, password)
    certificate = read_certificate(signer.certificate)
    assert not certificate.damaged
    assert certificate.verifies("sm3", b"text", await signer.sign(b"text"))


@pytest.mark.parametrize("password", [None, "wrong"])
def test_a_locked_sm2_key_needs_its_password(
    password: str | None, openssl: Path, tmp_path: Path
) -> None:
    """Without the right one: Misconfigured that names the file, never the key."""
    how = ["pkcs8", "-topk8", "-v2", "aes-256-cbc", "-passout", "pass:right"]
    files = _sm2_key(openssl, tmp_path, *how)
    with pytest.raises(Misconfigured) as caught:
        load_signer("sm2-sm3", files.key, files.certificate, password)
    assert caught.value.code == "K-key"
    assert "key.pem" in caught.value.en


@pytest.mark.parametrize(
    ("set_name", "key", "certificate", "code"),
    [
        ("rsa-sha1", "other-rsa", "rsa", "K-key"),  # halves of two keys
        ("sm2-sm3", "other-sm2", "sm2", "K-key"),
        ("sm2-sm3", "rsa", "rsa", "K-key"),  # the wrong kind for the set
        ("rsa-sha1", "sm2", "sm2", "K-key"),
        ("rsa-sha1", "sm2", "rsa", "K-key"),
        ("sm2-sm3", "rsa", "sm2", "K-key"),
        ("sm2-sm3-comments", "sm2", "sm2", "K-set"),  # judged, never written
        ("nonsense", "rsa", "rsa", "K-set"),
    ],
)
def test_what_does_not_belong_together_cannot_sign(
    set_name: str, key: str, certificate: str, code: str, keys: dict[str, KeyFiles]
) -> None:
    """Set, key and certificate are compared when they are loaded, not when a message waits."""
    with pytest.raises(Misconfigured) as caught:
        load_signer(set_name, keys[key].key, keys[certificate].certificate)
    assert caught.value.code == code


def test_files_that_are_no_keys_are_named(keys: dict[str, KeyFiles], tmp_path: Path) -> None:
    """A missing file, and files that hold something else: a sentence each."""
    nothing, text = tmp_path / "nothing.pem", tmp_path / "text.pem"
    text.write_text("-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n")
    good = keys["rsa"]
    for key, certificate, code in (
        (nothing, good.certificate, "K-file"),
        (good.key, nothing, "K-file"),
        (text, good.certificate, "K-key"),
        (good.key, text, "K-certificate"),
        (good.key, good.key, "K-certificate"),
        (good.certificate, good.certificate, "K-key"),
    ):
        with pytest.raises(Misconfigured) as caught:
            load_signer("rsa-sha1", key, certificate)
        assert caught.value.code == code


LIBRARY = re.compile("deserial|ASN|asn1|openssl|cryptography|MalformedFraming|0x|Error")


@pytest.mark.parametrize(
    ("content", "password", "zh", "en"),
    [
        ("nothing", None, "没有 PEM 格式的私钥", "holds no private key in PEM"),
        ("damaged", None, "损坏", "damaged"),
        ("locked", None, "有密码", "under a password"),
        ("locked", "wrong", "密码不符", "the password is wrong"),
        ("plain", "right", "没有密码", "the key has none"),
        ("elliptic", None, "既非 RSA 也非 SM2", "neither RSA nor SM2"),
        ("other", None, "不匹配", "does not fit the certificate"),
    ],
)
def test_what_is_wrong_with_a_key_file_is_said_in_our_words(
    content: str, password: str | None, zh: str, en: str, keys: dict[str, KeyFiles], tmp_path: Path
) -> None:
    """Both languages, the file named, no text of a library."""
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    locked = BestAvailableEncryption(b"right")
    texts = {
        "nothing": b"no key here",
        "damaged": b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        "locked": made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, locked),
        "plain": made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
        "elliptic": ec.generate_private_key(ec.SECP256R1()).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        ),
        "other": made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    }
    file = tmp_path / "key.pem"
    file.write_bytes(texts[content])
    with pytest.raises(Misconfigured) as caught:
        load_signer("rsa-sha1", file, keys["rsa"].certificate, password)
    told = caught.value
    assert told.code == "K-key"
    assert str(file) in told.zh
    assert str(file) in told.en
    assert zh in told.zh
    assert en in told.en
    assert not LIBRARY.search(told.zh + told.en)


@given(st.data())
@settings(max_examples=150)
def test_a_damaged_certificate_is_seen_or_unreadable(data: st.DataObject) -> None:
    """One changed byte of a self-signed certificate is always noticed; it never breaks anything."""
    whole = CERTIFICATES[data.draw(st.sampled_from(sorted(CERTIFICATES)))]
    place = data.draw(st.integers(0, len(whole.der) - 1))
    byte = data.draw(st.integers(0, 255).filter(lambda one: one != whole.der[place]))
    changed = whole.der[:place] + bytes([byte]) + whole.der[place + 1 :]
    try:
        read = read_certificate(changed)
    except ValueError:
        return
    renamed = read.parsed.issuer != read.parsed.subject
    assert read.damaged or renamed or read.key != whole.key


@given(st.binary(max_size=300))
def test_random_bytes_are_no_certificate(data: bytes) -> None:
    """Reading says ValueError and nothing else."""
    with pytest.raises(ValueError, match="not a certificate"):
        read_certificate(data)


CERTIFICATES: dict[str, Certificate] = {
    name: read_certificate_file(generate(name, "4601630004", CHINESE)[1]) for name in ("rsa", "sm2")
}
