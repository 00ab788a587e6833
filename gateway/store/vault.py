"""Encryption at rest and keyed hashes, from one data key.

A blob is AES-256-GCM: a fresh 96-bit nonce, then ciphertext with tag; the id of its row is
associated data, so that a blob moved to another row does not open. The id of the data key
stands beside the blob, which lets keys be changed one row at a time.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from gateway.errors import Misconfigured

NONCE_BYTES = 12
KEY_BYTES = 32
KEY_ID_CHARACTERS = 16


class Vault:
    """Seals and opens the blobs of one data key; computes keyed hashes for search."""

    def __init__(self, data_key: bytes) -> None:
        if len(data_key) != KEY_BYTES:
            raise Misconfigured(
                "K-data-key", "数据密钥必须为 32 字节。", "The data key must have 32 bytes."
            )
        self._cipher = AESGCM(_derive(data_key, b"seal"))
        self._hash_key = _derive(data_key, b"hash")
        self.key_id = hashlib.sha256(_derive(data_key, b"id")).hexdigest()[:KEY_ID_CHARACTERS]

    def seal(self, row_id: str, data: bytes) -> bytes:
        """Encrypt the blob of one row."""
        nonce = os.urandom(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, data, row_id.encode())

    def open(self, row_id: str, blob: bytes, key_id: str) -> bytes:
        """Decrypt the blob of one row; the data key must be the one that sealed it."""
        if key_id != self.key_id:
            raise Misconfigured(
                "K-data-key",
                "数据由另一数据密钥加密。",
                f"The record was sealed with data key {key_id}; this gateway has {self.key_id}.",
            )
        try:
            return self._cipher.decrypt(blob[:NONCE_BYTES], blob[NONCE_BYTES:], row_id.encode())
        except InvalidTag as error:
            raise Misconfigured(
                "K-damaged", "密文已损坏。", f"The sealed record {row_id} is damaged."
            ) from error

    def hash(self, *texts: str) -> str:
        """A keyed hash for equality and search; tells nothing without the data key."""
        joined = "\x1f".join(texts).encode()
        return hmac.new(self._hash_key, joined, hashlib.sha256).hexdigest()


def _derive(data_key: bytes, purpose: bytes) -> bytes:
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=b"gateway:" + purpose).derive(data_key)


def load_data_key(text: str | None, file: Path) -> bytes:
    """The data key from the setting (base64 of 32 bytes), else from its file.

    Embedded, a missing file is made once with mode 0600. Whoever loses the key loses the data.
    """
    if text:
        return _decode(text)
    if not file.exists():
        made = base64.b64encode(os.urandom(KEY_BYTES))
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(made + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
    return _decode(file.read_text())


def _decode(text: str) -> bytes:
    try:
        return base64.b64decode(text.strip(), validate=True)
    except ValueError as error:
        raise Misconfigured(
            "K-data-key", "数据密钥不是 Base64。", "The data key is not base64."
        ) from error
