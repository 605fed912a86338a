"""Read certificates."""

import datetime
from types import SimpleNamespace
from typing import Any

from tab.python import doors


class ExtensionNotFound(Exception):
    """A certificate has no such extension."""


class SubjectAlternativeName:
    """The extension with the names."""


class BasicConstraints:
    """The extension that says whether it is an authority."""


class _Name(str):
    def rfc4514_string(self) -> str:
        """Return the name as text."""
        return str(self)


class Certificate:
    """A certificate, as `cryptography.x509.Certificate`."""

    def __init__(self, content: Any) -> None:
        self._content = content
        self.extensions = self
        self.subject, self.issuer = _Name(content.Subject), _Name(content.Issuer)
        parse = datetime.datetime.fromisoformat
        self.not_valid_before_utc = parse(content.NotBefore)
        self.not_valid_after_utc = parse(content.NotAfter)

    def fingerprint(self, algorithm: object) -> bytes:
        """Return the SHA-256 of the whole."""
        return bytes.fromhex(self._content.Fingerprint)

    def get_extension_for_class(self, kind: type) -> SimpleNamespace:
        """Return an extension; raise ExtensionNotFound."""
        content = self._content
        if kind is SubjectAlternativeName and len(content.Names):
            names = [SimpleNamespace(value=name) for name in content.Names]
            return SimpleNamespace(value=names)
        if kind is BasicConstraints and content.HasBasic:
            return SimpleNamespace(value=SimpleNamespace(ca=content.IsAuthority))
        raise ExtensionNotFound(kind.__name__)


def load_pem_x509_certificates(data: bytes) -> list[Certificate]:
    """Return the certificates in PEM; raise ValueError if there is none."""
    try:
        found = doors.call("certificates", data.decode())
    except OSError as error:
        raise ValueError("a certificate cannot be read") from error
    if not len(found):
        raise ValueError("there is no certificate")
    return [Certificate(content) for content in found]


def load_pem_x509_certificate(data: bytes) -> Certificate:
    """Return the first certificate in PEM; raise ValueError if there is none."""
    return load_pem_x509_certificates(data)[0]
