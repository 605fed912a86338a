"""Check which names a certificate holds, and whom curl trusts in a pod."""

from pathlib import Path

from helpers.certificates import address_of, server_certificate, verify_server
from helpers.command import Completed
from helpers.errors import NotSolved
from helpers.exercise import exercise
from helpers.pods import exec_in_pod

SERVICE = "kubernetes.default.svc"
CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"
#: how curl ends: the certificate is refused; the file with authorities is none
REFUSED, NO_AUTHORITIES = 60, 77
#: what OpenSSL says when it is the chain: self-signed, or an issuer it does not know.
#: Names are compared by curl itself, and its number for that depends on its version.
CHAIN = {"18", "19", "20", "21"}


@exercise
def find_name(name: str, *, server: str, ca: Path) -> None:
    """Demand a name in the server's certificate that is not the host of its URL."""
    host, _ = address_of(server)
    if not name:
        raise NotSolved("There is no answer yet: set `name`.")
    if name == host:
        raise NotSolved(f"{host} is the host of the URL itself: find another name.")
    verdict = verify_server(server, ca=ca, name=name)
    if verdict.code:
        held = ", ".join(server_certificate(server).names)
        said = verdict.message.rstrip(".")
        raise NotSolved(f"{verdict.code}, {said}. The names are: {held}.")


@exercise
def be_refused_twice(pod: str, *, wrong_ca: str, wrong_host: str) -> None:
    """Demand that curl in `pod` is refused once for the CA and once for the name.

    `wrong_ca` is a file of authorities in the pod; `wrong_host` a name under which
    curl is led to the genuine API server.
    """
    if not wrong_ca:
        raise NotSolved("wrong_ca is empty: name a file of authorities in the pod.")
    if not wrong_host:
        raise NotSolved("wrong_host is empty: name a host that is not in the list.")
    first = _ask(pod, "--cacert", wrong_ca, f"https://{SERVICE}/version")
    if first.exit_code == NO_AUTHORITIES:
        raise NotSolved(f"77: {wrong_ca} is no file of authorities in this pod.")
    if first.exit_code == 0:
        raise NotSolved(f"curl trusts the server: {wrong_ca} contains its authority.")
    if first.exit_code != REFUSED or first.stdout not in CHAIN:
        raise NotSolved(f"With {wrong_ca}, {_ended(first)}, not for the issuer.")
    second = _ask(
        *(pod, "--cacert", CA, "--connect-to", f"::{SERVICE}:443"),
        f"https://{wrong_host}/version",
    )
    if second.exit_code == 0:
        raise NotSolved(f"curl trusts the server: {wrong_host} is in its certificate.")
    if second.exit_code != REFUSED or second.stdout in CHAIN:
        raise NotSolved(f"As {wrong_host}, {_ended(second)}, not for the name.")


def _ask(pod: str, *arguments: str) -> Completed:
    verdict = ("-o", "/dev/null", "-w", "%{ssl_verify_result}")
    return exec_in_pod(pod, "curl", "-sS", "--max-time", "10", *verdict, *arguments)


def _ended(done: Completed) -> str:
    said = done.stderr.strip().splitlines()
    return f"curl ended with {done.exit_code} ({said[0] if said else 'no message'})"
