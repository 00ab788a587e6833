"""The simulator's own durable store: one SQLite file, one key file, one process at a time.

What was committed survives kill -9. All calls come from one thread.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import secrets
import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.errors import Misconfigured

DATABASE = "simulator.sqlite3"
KEY = "simulator.key"
LOCK = "simulator.lock"
TABLES = Path(__file__).with_name("tables.sql")
KEY_BYTES = 32
HASH_BYTES = 16
NONCE_BYTES = 12


class Secrets:
    """The two uses of the key file: hashes of personal values, and sealed receipt messages."""

    def __init__(self, key: bytes) -> None:
        self._hashing = hashlib.blake2b(key, digest_size=KEY_BYTES, person=b"hashing").digest()
        self._sealing = AESGCM(
            hashlib.blake2b(key, digest_size=KEY_BYTES, person=b"sealing").digest()
        )

    def hashed(self, value: str) -> str:
        """Equal values give equal hashes, and nothing else can be told from them."""
        state = hashlib.blake2b(value.encode(), key=self._hashing, digest_size=HASH_BYTES)
        return state.hexdigest()

    def seal(self, data: bytes, name: str) -> bytes:
        """Encrypt the bytes of the receipt message with that id."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._sealing.encrypt(nonce, data, name.encode())

    def open(self, sealed: bytes, name: str) -> bytes:
        """The bytes of a sealed receipt message."""
        return self._sealing.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], name.encode())


class Store:
    """The open database of one data folder.

    Raises Misconfigured when another process has it, or when its file is no database.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = _take_lock(folder / LOCK)
        self.secrets = Secrets(_key(folder / KEY))
        self._connection = sqlite3.connect(
            folder / DATABASE, isolation_level=None, check_same_thread=False
        )
        try:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = FULL")
            self._connection.executescript(TABLES.read_text(encoding="utf-8"))
        except sqlite3.DatabaseError as error:
            raise _unusable(folder / DATABASE, error) from error
        self._later: dict[str, list[Sequence[Any]]] = {}

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All or nothing; durable when the block has ended."""
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            yield
            self.flush()
        except BaseException:
            self._later.clear()
            self._connection.execute("ROLLBACK")
            raise
        self._connection.execute("COMMIT")

    def later(self, statement: str, row: Sequence[Any]) -> None:
        """Collect a row for a statement that runs once, for all of them, before the commit."""
        self._later.setdefault(statement, []).append(row)

    def flush(self) -> None:
        """Run what was collected, in the order in which the statements first came."""
        for statement, rows in self._later.items():
            self._connection.executemany(statement, rows)
        self._later.clear()

    def rows(self, statement: str, values: Sequence[Any] = ()) -> list[Any]:
        """Every row of a SELECT, as tuples."""
        return self._connection.execute(statement, values).fetchall()

    def run(self, statement: str, values: Sequence[Any] = ()) -> None:
        """One statement that changes something."""
        self._connection.execute(statement, values)

    def run_many(self, statement: str, rows: Iterable[Sequence[Any]]) -> None:
        """The same statement for many rows."""
        self._connection.executemany(statement, rows)

    def close(self) -> None:
        """Leave the file as it is; a process that was killed leaves it so too."""
        self._connection.close()
        self._lock.close()


def _unusable(path: Path, error: sqlite3.DatabaseError) -> Misconfigured:
    return Misconfigured(
        "A-store", f"数据库无法打开：{path}：{error}", f"{path} cannot be opened: {error}"
    )


def _take_lock(path: Path) -> IO[bytes]:
    lock = path.open("wb")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        raise Misconfigured(
            "A-locked",
            f"数据目录已被另一个模拟器进程使用：{path.parent}",
            f"another simulator process uses {path.parent}",
        ) from None
    return lock


def _key(path: Path) -> bytes:
    """The random key of this data folder, made once, readable by its owner alone."""
    if path.is_file():
        return path.read_bytes()
    key = secrets.token_bytes(KEY_BYTES)
    # Written beside and renamed, so that a kill leaves no half key.
    half = path.with_suffix(".new")
    half.unlink(missing_ok=True)
    descriptor = os.open(half, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(descriptor)
    half.rename(path)
    return key
