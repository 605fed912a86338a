"""Read certificates, and verify a server's certificate as a TLS client does."""

import socket
import ssl
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from cluster.kubeconfig import current_entries, pem_of
from helpers import errors
from helpers.api.caller import trust
from helpers.language import say

#: seconds for a connection and a handshake
TIMEOUT = 10.0


@dataclass(frozen=True, repr=False)
class Certificate:
    """The contents of a certificate: subject, issuer, names and validity.

    `names` are the subject alternative names, DNS names and addresses alike;
    `fingerprint` is the SHA-256 of the whole, in hex.
    """

    subject: str
    issuer: str
    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    is_authority: bool
    fingerprint: str

    @classmethod
    def read(cls, parsed: x509.Certificate) -> "Certificate":
        """Return the parts of a parsed certificate that lessons use."""
        names = _extension(parsed, x509.SubjectAlternativeName) or ()
        constraints = _extension(parsed, x509.BasicConstraints)
        return cls(
            parsed.subject.rfc4514_string(),
            parsed.issuer.rfc4514_string(),
            tuple(str(name.value) for name in names),
            parsed.not_valid_before_utc,
            parsed.not_valid_after_utc,
            bool(constraints and constraints.ca),
            parsed.fingerprint(hashes.SHA256()).hex(),
        )

    def __repr__(self) -> str:
        if self.subject == self.issuer:
            signer = say("signed by itself")
        else:
            signer = say("signed by {issuer}", issuer=self.issuer)
        kind = say("authority") if self.is_authority else say("certificate")
        dates = f"{self.not_before:%Y-%m-%d}", f"{self.not_after:%Y-%m-%d}"
        valid = say("valid {begin} to {end}", begin=dates[0], end=dates[1])
        return f"{kind} {self.subject}, {signer}, {valid}"


@dataclass(frozen=True)
class Verification:
    """A client's verdict on a server; `code` 0 is trust, else OpenSSL's number.

    20 is an unknown issuer, 62 a name that is not in the certificate, 10 an expired
    certificate.
    """

    code: int
    message: str


class KubeconfigCertificates(NamedTuple):
    """The authority of a kubeconfig, and the user's certificate if there is one."""

    authority: Certificate
    client: Certificate | None


def read_certificates(pem: str | Path) -> list[Certificate]:
    """Return the certificates in PEM text or in a file, such as a pod's `ca.crt`.

    Raise CertificateError if there is none. `openssl x509 -text` shows the first.
    """
    where = str(pem) if isinstance(pem, Path) else say("the text")
    text = pem.read_text() if isinstance(pem, Path) else pem
    try:
        parsed = x509.load_pem_x509_certificates(text.encode())
    except ValueError as error:
        message = say("There is no certificate here.")
        raise errors.CertificateError(where, message) from error
    return [Certificate.read(certificate) for certificate in parsed]


def server_certificate(server: str) -> Certificate:
    """Return the certificate that a server presents, unverified.

    `server` is a URL. Raise Unreachable if nothing answers.
    `openssl s_client -connect HOST:PORT` shows the same.
    """
    try:
        pem = ssl.get_server_certificate(address_of(server), timeout=TIMEOUT)
    except OSError as error:
        raise errors.Unreachable(server, error.strerror or str(error)) from error
    return read_certificates(pem)[0]


def verify_server(
    server: str, *, ca: str | Path | None = None, name: str | None = None
) -> Verification:
    """Verify a server as a TLS client does; a refusal is a value.

    `ca` is a PEM file or text of the authorities to trust, by default this machine's;
    `name` must be in the certificate, by default the host of the URL. Raise
    Unreachable without a response. The same as `curl --cacert`.
    """
    host, port = address_of(server)
    context = trust(ca)
    try:
        with socket.create_connection((host, port), TIMEOUT) as connection:
            context.wrap_socket(connection, server_hostname=name or host).close()
    except ssl.SSLCertVerificationError as refusal:
        return Verification(refusal.verify_code, refusal.verify_message)
    except OSError as error:
        raise errors.Unreachable(server, error.strerror or str(error)) from error
    return Verification(0, "ok")


def kubeconfig_certificates(path: Path) -> KubeconfigCertificates:
    """Return the certificates that the current context of a kubeconfig uses.

    Raise KubeconfigError if it names no authority. The same as `kubectl config view
    --minify --raw` with `base64 --decode` twice; keys are not read.
    """
    cluster, user = current_entries(path)
    authority = pem_of(cluster, "certificate-authority", path)
    if authority is None:
        message = say("names no certificate authority.")
        hint = say("This machine's own list is used.")
        raise errors.KubeconfigError(path, message, hint)
    client = pem_of(user, "client-certificate", path)
    return KubeconfigCertificates(
        read_certificates(authority)[0],
        read_certificates(client)[0] if client else None,
    )


def address_of(server: str) -> tuple[str, int]:
    """Return host and port of a URL; 443 if it names none."""
    parts = urlsplit(server)
    return parts.hostname or "", parts.port or 443


def _extension(parsed: x509.Certificate, kind: type) -> Any:
    """Return the contents of an extension, None if the certificate has none."""
    try:
        return parsed.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
