"""Certificates are read as they are, and judged as every TLS client judges them."""

import ipaddress
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes

from cluster.tests.authority import DAY, Authority
from helpers import errors
from helpers.api import certificates
from helpers.api.caller import Caller, trust


@pytest.fixture(scope="module")
def authority():
    """Return the authority that signs in these tests."""
    return Authority("ours")


@pytest.fixture
def serve(tmp_path):
    """Return a function that serves TLS on 127.0.0.1 and returns the URL."""
    sockets = []

    def start(pem: str) -> str:
        path = tmp_path / "server.pem"
        path.write_text(pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        listener = socket.create_server(("127.0.0.1", 0))
        sockets.append(listener)

        def accept():
            while True:
                try:
                    plain, _ = listener.accept()
                except OSError:
                    return
                try:
                    with context.wrap_socket(plain, server_side=True) as connection:
                        connection.recv(1)
                except OSError:
                    plain.close()

        threading.Thread(target=accept, daemon=True).start()
        return f"https://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for listener in sockets:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


LOOPBACK = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
NAMED = x509.DNSName("api.example")


def test_a_presented_certificate_is_read_without_trust(authority, serve):
    """The subject, the issuer, and the names in their order."""
    read = certificates.server_certificate(
        serve(authority.issue("server", NAMED, LOOPBACK))
    )
    assert (read.subject, read.issuer) == ("CN=server", "CN=ours")
    assert read.names == ("api.example", "127.0.0.1")
    assert read.not_after - read.not_before == 6 * DAY
    assert not read.is_authority
    begins, ends = (f"{date:%Y-%m-%d}" for date in (read.not_before, read.not_after))
    assert repr(read) == (
        f"certificate CN=server, signed by CN=ours, valid {begins} to {ends}"
    )


def test_an_authority_is_known_as_one(authority, tmp_path):
    """From text or from a file, with the fingerprint that openssl computes."""
    path = tmp_path / "ca.crt"
    path.write_text(authority.pem)
    [from_text] = certificates.read_certificates(authority.pem)
    assert [from_text] == certificates.read_certificates(path)
    assert from_text.is_authority and from_text.names == ()
    assert (
        from_text.fingerprint
        == authority.certificate.fingerprint(hashes.SHA256()).hex()
    )
    assert repr(from_text).startswith("authority CN=ours, signed by itself, valid ")


def test_a_server_is_trusted_for_its_names(authority, serve):
    """The host of the URL or a name that is given; both stand in the certificate."""
    url = serve(authority.issue("server", NAMED, LOOPBACK))
    good = certificates.Verification(0, "ok")
    assert certificates.verify_server(url, ca=authority.pem) == good
    named = certificates.verify_server(url, ca=authority.pem, name="api.example")
    assert named == good


@pytest.mark.parametrize(
    ("code", "trusted", "name"),
    [(20, "other", None), (62, "ours", "wrong.example"), (64, "ours", "127.0.0.9")],
)
def test_each_fault_has_its_number(authority, serve, code, trusted, name):
    """Unknown issuer, wrong name, wrong address."""
    url = serve(authority.issue("server", NAMED, LOOPBACK))
    ca = authority.pem if trusted == "ours" else Authority("other").pem
    verdict = certificates.verify_server(url, ca=ca, name=name)
    assert verdict.code == code
    assert verdict.message


@pytest.mark.parametrize(
    ("code", "begins", "ends"), [(9, DAY / 24, DAY), (10, -DAY, -DAY / 24)]
)
def test_where_the_dates_are_wrong_the_clock_is_named(
    authority, serve, code, begins, ends
):
    """An hour too early and an hour too late: one of two clocks is off."""
    url = serve(authority.issue("server", LOOPBACK, begins=begins, ends=ends))
    assert certificates.verify_server(url, ca=authority.pem).code == code
    with pytest.raises(errors.NotTrusted) as refused:
        Caller(url, ca=authority.pem).get("/")
    assert refused.value.code == code and "this machine's clock" in str(refused.value)


def test_the_same_issuer_name_with_another_key_is_not_trusted(authority, serve):
    """The signature decides; a name can be written by anybody."""
    url = serve(authority.issue("server", LOOPBACK))
    verdict = certificates.verify_server(url, ca=Authority("ours").pem)
    assert verdict.code not in (0, 62)


@pytest.mark.parametrize(
    "ask", [certificates.server_certificate, certificates.verify_server]
)
def test_nobody_there_is_said_in_one_line(ask):
    """The port is bound and nobody listens, so the answer is sure."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        url = f"https://127.0.0.1:{bound.getsockname()[1]}"
        with pytest.raises(errors.Unreachable) as refused:
            ask(url)
    assert (refused.value.server, refused.value.reason) == (url, "Connection refused")


@pytest.mark.parametrize("read", [certificates.read_certificates, trust])
def test_what_is_no_certificate_is_named(read, tmp_path):
    """The file is named, and how a certificate begins."""
    path = tmp_path / "ca.crt"
    path.write_text("no certificate\n")
    for given, where in ((path, str(path)), ("no certificate", "the text")):
        with pytest.raises(errors.CertificateError) as refused:
            read(given)
        assert refused.value.where == where
