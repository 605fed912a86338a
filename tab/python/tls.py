"""TLS by the cluster's program, which is Go's: what a client needs of `ssl`.

Pyodide's module has only the names. A context here verifies with the authorities that
it was given, and with no others: a tab has no list of its own. A refusal has OpenSSL's
number and words.
"""

import base64
import json
import socket
import ssl
from typing import Any, NoReturn

from tab.python import doors, sockets

#: OpenSSL's words for its numbers
MESSAGES = {
    9: "certificate is not yet valid",
    10: "certificate has expired",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    26: "unsuitable certificate purpose",
    62: "Hostname mismatch, certificate is not valid for '{name}'.",
    64: "IP address mismatch, certificate is not valid for '{name}'.",
}
#: OpenSSL's numbers for text that has no certificate, and no key
NO_CERTIFICATE, NO_KEY = 136, 9


def verification_error(code: int, name: str) -> ssl.SSLCertVerificationError:
    """Return the error for a number of OpenSSL's, in Python's words."""
    message = MESSAGES[code].format(name=name)
    text = f"[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: {message}"
    error = ssl.SSLCertVerificationError(1, text)
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    error.verify_code, error.verify_message = code, message
    return error


class TLSSocket(sockets.Socket):
    """A socket after the handshake, as `ssl.SSLSocket`."""

    server_side = False

    def __init__(
        self, plain: sockets.Socket, session: Any, context: "Context", name: str
    ) -> None:
        super().__init__(plain.family, plain.type, plain.proto)
        self._stream, self._timeout = session.Stream, plain.gettimeout()
        self._peer = plain.getpeername()
        self._chain = [base64.b64decode(text) for text in session.Certificates]
        self._version, self._cipher = session.Version, session.Cipher
        self.context, self.server_hostname = context, name
        # By this, httpcore knows that the handshake is done.
        self._sslobj = self

    def getpeercert(self, binary_form: bool = False) -> bytes | dict:
        """Return the server's certificate in DER; its fields are not read here."""
        return self._chain[0] if binary_form else {}

    def get_unverified_chain(self) -> list[bytes]:
        """Return all certificates that the server sent, in DER."""
        return list(self._chain)

    def version(self) -> str:
        """Return the version of TLS."""
        return self._version.replace(" ", "v")

    def cipher(self) -> tuple[str, str, int]:
        """Return the name of the cipher, the version, and the bits of its key."""
        return self._cipher, self.version(), 256 if "AES_256" in self._cipher else 128

    def selected_alpn_protocol(self) -> None:
        """Return None: no protocol is agreed on, and it is HTTP/1.1."""

    def do_handshake(self) -> None:
        """Do nothing: `wrap_socket` has done it."""

    def pending(self) -> int:
        """Return 0: what has arrived is in the stream."""
        return 0


class Context(ssl.SSLContext):
    """The trust of a client, and its own certificate, as `ssl.SSLContext`."""

    _authorities = _certificate = _key = ""
    #: Pyodide's own property raises; Go never looks at the common name.
    hostname_checks_common_name = False

    def load_verify_locations(
        self, cafile: Any = None, capath: Any = None, cadata: Any = None
    ) -> None:
        """Trust the authorities of a file, or of PEM text or DER bytes."""
        if cafile:
            with open(cafile) as file:
                cadata = file.read()
        if not isinstance(cadata, str):
            cadata = ssl.DER_cert_to_PEM_cert(cadata)
        if "-----BEGIN CERTIFICATE-----" not in cadata:
            text = "[X509: NO_CERTIFICATE_OR_CRL_FOUND] no certificate or crl found"
            raise ssl.SSLError(NO_CERTIFICATE, text)
        self._authorities += f"{cadata}\n"

    def load_default_certs(self, purpose: object = None) -> None:
        """Do nothing: a tab has no list of authorities."""

    def set_default_verify_paths(self) -> None:
        """Do nothing: a tab has no list of authorities."""

    def load_cert_chain(
        self, certfile: Any, keyfile: Any = None, password: object = None
    ) -> None:
        """Show the certificate of a file, with the key of another or the same."""
        with open(certfile) as file:
            self._certificate = file.read()
        with open(keyfile or certfile) as file:
            self._key = file.read()
        if "PRIVATE KEY-----" not in self._key:
            raise ssl.SSLError(NO_KEY, "[SSL] PEM lib")

    def get_ca_certs(self, binary_form: bool = False) -> list:
        """Return the authorities in DER."""
        end = "-----END CERTIFICATE-----"
        parts = self._authorities.split(end)[:-1]
        return [ssl.PEM_cert_to_DER_cert(f"{part.strip()}\n{end}") for part in parts]

    def wrap_socket(self, sock: Any, *args: Any, **options: Any) -> Any:
        """Begin TLS on a connected socket, which becomes the one that is returned."""
        name = options.get("server_hostname") or ""
        if args or options.get("server_side"):
            raise NotImplementedError("here is no server of TLS")
        if self.check_hostname and not name:
            raise ValueError("check_hostname requires server_hostname")
        name = name.decode() if isinstance(name, bytes) else name
        trust = {
            "Name": name,
            "Authorities": self._authorities,
            "Insecure": self.verify_mode == ssl.CERT_NONE,
            "AnyName": not self.check_hostname,
            "Certificate": self._certificate,
            "Key": self._key,
        }
        limit = sock.gettimeout() or 0
        try:
            session = doors.ask("secure", sock.detach(), json.dumps(trust), limit)
        except doors.CertificateRefused as error:
            raise verification_error(error.code, name) from None
        return TLSSocket(sock, session, self, name)

    def wrap_bio(self, *_: object, **__: object) -> NoReturn:
        """Raise NotImplementedError: TLS is on sockets only."""
        raise NotImplementedError("TLS is on sockets only")


def get_server_certificate(
    addr: tuple[str, int],
    ssl_version: int = ssl.PROTOCOL_TLS_CLIENT,
    ca_certs: Any = None,
    timeout: float | None = None,
) -> str:
    """Return a server's certificate as PEM; verify it if `ca_certs` is given."""
    context = Context(ssl_version)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED if ca_certs else ssl.CERT_NONE
    if ca_certs:
        context.load_verify_locations(ca_certs)
    with socket.create_connection(addr, timeout) as plain:
        with context.wrap_socket(plain, server_hostname=addr[0]) as secure:
            return ssl.DER_cert_to_PEM_cert(secure.getpeercert(True))


def install() -> None:
    """Replace Python's own with them."""
    module: Any = ssl
    module.SSLContext, module.SSLSocket = Context, TLSSocket
    module.get_server_certificate = get_server_certificate
    # The version that libraries of today want; Pyodide's stand-in names an older one.
    module.OPENSSL_VERSION = "OpenSSL 3.0.0 (in its place: crypto/tls of Go)"
    module.OPENSSL_VERSION_INFO = (3, 0, 0, 0, 0)
    module.OPENSSL_VERSION_NUMBER = 0x30000000
    # Without it, urllib3 compares names itself, with fields that are not read here.
    module.HAS_NEVER_CHECK_COMMON_NAME = True
