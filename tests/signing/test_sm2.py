from __future__ import annotations

import subprocess
from pathlib import Path

import gmalg
import pytest
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.signing import curve, sm2
from gateway.signing.keyfile import write_sm2_key

KEY = sm2.PrivateKey.generate()
OTHER = sm2.PrivateKey.generate()


@given(st.binary(max_size=200))
@settings(max_examples=15)
def test_another_library_accepts_what_we_sign(message: bytes) -> None:
    """gmalg, pure Python and not related to the library that signs, verifies our raw r and s."""
    signature = KEY.sign(message)
    judge = gmalg.SM2(pk=KEY.public, uid=sm2.USER_ID)
    assert len(signature) == 64
    assert judge.verify(message, signature[:32], signature[32:])


@given(st.binary(max_size=200))
@settings(max_examples=15)
def test_we_accept_what_another_library_signs_and_nothing_else(message: bytes) -> None:
    """Our verification agrees with gmalg, and tells another message and another key apart."""
    maker = gmalg.SM2(KEY.scalar.to_bytes(32, "big"), sm2.USER_ID, pk=KEY.public)
    r, s = (part.rjust(32, b"\0") for part in maker.sign(message))  # gmalg drops zero bytes
    assert sm2.verify(KEY.public, message, r + s)
    assert not sm2.verify(KEY.public, message + b"1", r + s)
    assert not sm2.verify(OTHER.public, message, r + s)
    assert not sm2.verify(KEY.public, message, s + r)


@given(st.integers(0, 2**256 - 1), st.integers(0, 2**256 - 1))
@settings(max_examples=30)
def test_the_sum_of_two_products_is_the_product_of_the_sum(first: int, second: int) -> None:
    """s·G + t·G = (s + t)·G for any scalars: the arithmetic under every verification."""
    direct = curve.combination((first + second) % curve.ORDER, 0, curve.GENERATOR)
    assert curve.combination(first, second, curve.GENERATOR) == direct
    assert direct is None or curve.on_curve(direct)


def test_products_that_vanish_are_the_point_at_infinity() -> None:
    """n·G, 0·G and G + (n - 1)·G are no affine points."""
    for s, t in ((curve.ORDER, 0), (0, 0), (1, curve.ORDER - 1)):
        assert curve.combination(s, t, curve.GENERATOR) is None


@pytest.mark.parametrize(
    "signature",
    [
        b"",
        b"\0" * 64,
        b"\xff" * 64,
        b"\0" * 32 + b"\1" * 32,
        b"\1" * 63,
        b"\1" * 65,
        (1).to_bytes(32, "big") + (curve.ORDER - 1).to_bytes(32, "big"),  # r + s = n
    ],
)
def test_a_malformed_signature_is_just_wrong(
    signature: bytes, capfd: pytest.CaptureFixture[str]
) -> None:
    """No error and no word on stderr, whatever stands where r and s should be."""
    assert not sm2.verify(KEY.public, b"message", signature)
    assert capfd.readouterr() == ("", "")


NO_POINTS = {
    "nothing": b"",
    "zero": b"\4" + b"\0" * 64,
    "cut": KEY.public[:-1],
    "compressed": b"\2" + KEY.public[1:],
    "off the curve": KEY.public[:-1] + bytes([KEY.public[-1] ^ 1]),
    "beyond the field": b"\4" + b"\xff" * 64,
}


@pytest.mark.parametrize("name", NO_POINTS)
def test_bytes_that_are_no_point_verify_nothing(name: str) -> None:
    """A public key off the curve, cut or compressed is refused."""
    assert not sm2.is_public_key(NO_POINTS[name])
    assert not sm2.verify(NO_POINTS[name], b"message", KEY.sign(b"message"))


def test_a_private_key_must_fit_its_public_key(capfd: pytest.CaptureFixture[str]) -> None:
    """Halves of two keys are refused when loaded, quietly."""
    with pytest.raises(ValueError, match="does not fit"):
        sm2.PrivateKey(KEY.scalar, OTHER.public)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("scalar", [0, -1, curve.ORDER - 1, curve.ORDER])
def test_a_private_key_lies_in_its_range(scalar: int) -> None:
    """Numbers outside 1 to n - 2 are no private keys."""
    with pytest.raises(ValueError, match="number from 1"):
        sm2.PrivateKey(scalar, KEY.public)


def test_openssl_accepts_what_we_sign(tmp_path: Path, openssl: Path) -> None:
    """OpenSSL verifies our value with the public key that it derives from our key file."""
    message, raw = b"SignedInfo", KEY.sign(b"SignedInfo")
    (tmp_path / "key.pem").write_bytes(write_sm2_key(KEY.scalar, KEY.public))
    (tmp_path / "message").write_bytes(message)
    (tmp_path / "signature").write_bytes(
        encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))
    )
    made = subprocess.run(
        [openssl, "pkey", "-in", "key.pem", "-pubout", "-out", "public.pem"],
        cwd=tmp_path,
        check=False,
    )
    assert made.returncode == 0
    judged = subprocess.run(
        [openssl, "pkeyutl", "-verify", "-pubin", "-inkey", "public.pem", "-rawin",
         "-digest", "sm3", "-pkeyopt", f"distid:{sm2.USER_ID.decode()}",
         "-in", "message", "-sigfile", "signature"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Signature Verified Successfully" in judged.stdout, judged.stderr
