"""Signers by what their key profile names, loaded once."""

from __future__ import annotations

import os
from pathlib import Path

from gateway.ports import Signer
from gateway.signing.software import load_signer

SIGNERS_MAX = 10_000
"""Loaded keys; the pool is emptied when it is full."""


class SignerPool:
    """Turns the references of key profiles into signers."""

    def __init__(self) -> None:
        self._loaded: dict[tuple[str, ...], Signer] = {}

    def signer(
        self,
        set_name: str,
        key_file: str,
        certificate_file: str,
        password_variable: str | None,
        *,
        version: int = 1,
    ) -> Signer:
        """The signer of a key profile. Raises Misconfigured when its files cannot sign.

        `version` is that of the register entry: files may be exchanged under the same names.
        """
        key = (set_name, key_file, certificate_file, password_variable or "", str(version))
        if key not in self._loaded:
            if len(self._loaded) >= SIGNERS_MAX:
                self._loaded.clear()
            password = os.environ.get(password_variable) if password_variable else None
            self._loaded[key] = load_signer(
                set_name, Path(key_file), Path(certificate_file), password
            )
        return self._loaded[key]
