"""Which certificates are trusted: those registered, and those that a registered one issued."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.errors import Misconfigured
from gateway.signing.certificate import Certificate, read_certificate_file

SUFFIXES = {".pem", ".crt", ".cer", ".der"}


class TrustStore:
    """Certificates of enterprises (self-signed ones too) and of the authorities that issue them."""

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        self._certificates = tuple(certificates)
        self._registered = {one.der for one in self._certificates}

    def trusts(self, certificate: Certificate) -> bool:
        """Whether the certificate is registered or was signed by a registered one."""
        return certificate.der in self._registered or any(
            one.issued(certificate) for one in self._certificates
        )


def load_trust(path: Path) -> TrustStore:
    """One certificate file, or every .pem, .crt, .cer and .der of a folder.

    Raises Misconfigured for an empty folder and for a file that holds no certificate.
    """
    files = [path]
    if path.is_dir():
        files = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES)
    if not files:
        raise Misconfigured("K-trust", f"没有证书：{path}", f"{path} holds no certificate")
    found = []
    for file in files:
        try:
            found.append(read_certificate_file(file.read_bytes()))
        except (OSError, ValueError) as error:
            raise Misconfigured("K-trust", f"证书无法读取：{file}", f"{file}: {error}") from error
    return TrustStore(found)
