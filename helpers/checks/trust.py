"""Check who is trusted: authorities, and the names that a certificate holds."""

from pathlib import Path

from helpers.certificates import server_certificate, verify_server
from helpers.command import Completed
from helpers.pods import exec_in_pod

SERVICE = "kubernetes.default.svc"
CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"

#: how curl ends: the certificate is refused; the file with authorities is none
REFUSED, NO_AUTHORITIES = 60, 77
#: what OpenSSL says when it is the chain: self-signed, or an issuer it does not know.
#: Names are compared by curl itself, and its number for that depends on its version.
CHAIN = {"18", "19", "20", "21"}


def name_is_held(server: str, ca: Path, name: str, *, but: str) -> str:
    """Diagnose why `name` is no other name, beside `but`, that `server` proves."""
    if name == but:
        return f"{but} is the host of the URL itself: look for another name."
    verdict = verify_server(server, ca=ca, name=name)
    if verdict.code == 0:
        return ""
    held = ", ".join(server_certificate(server).names)
    return f"{verdict.code}, {verdict.message.rstrip('.')}. The names are: {held}."


def refused_twice(pod: str, *, wrong_ca: str, wrong_host: str) -> str:
    """Diagnose why curl in `pod` is not refused once for the CA, once for the name.

    `wrong_ca` is a file of authorities in the pod; `wrong_host` a name under which
    curl is led to the genuine API server.
    """
    if not wrong_ca:
        return "wrong_ca is empty: name a file of authorities that is in the pod."
    if not wrong_host:
        return "wrong_host is empty: name a host that the certificate does not hold."
    first = _ask(pod, "--cacert", wrong_ca, f"https://{SERVICE}/version")
    if first.exit_code == NO_AUTHORITIES:
        return f"curl ended with 77: {wrong_ca} is no file of authorities in this pod."
    if first.exit_code == 0:
        return f"curl trusts the server: {wrong_ca} holds the authority that signed it."
    if first.exit_code != REFUSED or first.stdout not in CHAIN:
        return f"with {wrong_ca}, {_ended(first)}, not for the issuer."
    second = _ask(
        *(pod, "--cacert", CA, "--connect-to", f"::{SERVICE}:443"),
        f"https://{wrong_host}/version",
    )
    if second.exit_code == 0:
        return f"curl trusts the server: its certificate holds the name {wrong_host}."
    if second.exit_code != REFUSED or second.stdout in CHAIN:
        return f"as {wrong_host}, {_ended(second)}, not for the name."
    return ""


def _ask(pod: str, *arguments: str) -> Completed:
    verdict = ("-o", "/dev/null", "-w", "%{ssl_verify_result}")
    return exec_in_pod(pod, "curl", "-sS", "--max-time", "10", *verdict, *arguments)


def _ended(done: Completed) -> str:
    said = done.stderr.strip().splitlines()
    return f"curl ended with {done.exit_code} ({said[0] if said else 'no message'})"
