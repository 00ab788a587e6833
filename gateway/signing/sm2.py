"""SM2 signatures (GM/T 0003.2 and 0009): raw r then s, 64 bytes, SM3 over Z and the message.

The one module that touches the SM2 library (gmssl-fast, which holds the private keys).
Verification is our own computation: see docs/decisions on the SM2 library.
"""

from __future__ import annotations

from gmssl_fast import SM2

from gateway.signing import curve
from gateway.signing.sets import sm3

USER_ID = b"1234567812345678"
"""The user id under Z that the national standard sets where none is agreed."""
SIGNATURE_BYTES = 64
POINT_BYTES = 65
"""An uncompressed point: 04, x, y."""


class PrivateKey:
    """An SM2 private key; `public` is its point in 65 bytes."""

    def __init__(self, scalar: int, public: bytes) -> None:
        """Raises ValueError when the two do not fit."""
        if not 1 <= scalar < curve.ORDER - 1:
            raise ValueError("an SM2 private key is a number from 1 to n - 2")
        self.scalar = scalar
        self.public = public
        # The library would compare the two itself, and print C source lines when they differ.
        self._key = SM2(f"{scalar:064x}")
        if not verify(public, b"", self.sign(b"")):
            raise ValueError("the SM2 private key does not fit its public key")

    @classmethod
    def generate(cls) -> PrivateKey:
        """A new key from the operating system's randomness."""
        made = SM2.generate()
        return cls(int(str(made.private_key_hex), 16), bytes.fromhex(str(made.public_key_hex)))

    def sign(self, message: bytes) -> bytes:
        """Sign with the standard user id; 64 bytes."""
        return self._key.sign(message)


def message_hash(public: bytes, message: bytes, user_id: bytes = USER_ID) -> bytes:
    """SM3(Z || message): the 32 bytes that are signed."""
    parameters = (curve.A, curve.B, *curve.GENERATOR)
    z = sm3(
        (len(user_id) * 8).to_bytes(2, "big") + user_id
        + b"".join(one.to_bytes(32, "big") for one in parameters) + public[1:]
    )  # fmt: skip
    return sm3(z + message)


def is_public_key(public: bytes) -> bool:
    """Whether these bytes are an uncompressed point of the SM2 curve."""
    return len(public) == POINT_BYTES and public[0] == 4 and curve.on_curve(_point(public))


def verify(public: bytes, message: bytes, signature: bytes, user_id: bytes = USER_ID) -> bool:
    """Whether r and s fit the message and the public point. Anything malformed does not."""
    if len(signature) != SIGNATURE_BYTES or not is_public_key(public):
        return False
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if not (1 <= r < curve.ORDER and 1 <= s < curve.ORDER):
        return False
    t = (r + s) % curve.ORDER
    if t == 0:
        return False
    point = curve.combination(s, t, _point(public))
    if point is None:
        return False
    e = int.from_bytes(message_hash(public, message, user_id), "big")
    return (e + point[0]) % curve.ORDER == r


def _point(public: bytes) -> curve.Affine:
    return int.from_bytes(public[1:33], "big"), int.from_bytes(public[33:], "big")
