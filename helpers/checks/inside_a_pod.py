"""Check what a learner knows of the way from a pod to the API server."""

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit

from helpers import errors
from helpers.command import Completed
from helpers.exercise import exercise
from helpers.pods import exec_in_pod

SERVICE = "kubernetes.default.svc"
FILES = "/var/run/secrets/kubernetes.io/serviceaccount"
CA = f"{FILES}/ca.crt"

#: what each letter of the exercise sends: curl's options for it, and the URL
_TRUST = f"--cacert {CA}"
_TOKEN = f'-H "Authorization: Bearer $(cat {FILES}/token)"'
_NONSENSE = '-H "Authorization: Bearer nonsense"'
REQUESTS = {
    "A": "https://kubernetes/version",
    "B": f"https://{SERVICE}/version",
    "C": f"{_TRUST} https://{SERVICE}/version",
    "D": f"{_TRUST} {_TOKEN} https://{SERVICE}/apis",
    "E": f"{_TRUST} {_TOKEN} https://{SERVICE}/",
    "F": f"{_TRUST} {_NONSENSE} https://{SERVICE}/apis",
}


@exercise
def reach_without_dns(pod: str, url: str) -> None:
    """Raise NotSolved unless curl in `pod` trusts `url` and finds it without DNS."""
    parts = urlsplit(str(url).strip())
    if parts.scheme != "https" or not parts.hostname:
        raise errors.NotSolved(f"{url!r} is no URL that begins with https://.")
    try:
        ipaddress.ip_address(parts.hostname)
    except ValueError:
        raise errors.NotSolved(
            f"{parts.hostname} is a name, so DNS is asked for it. The container has "
            "an address in KUBERNETES_SERVICE_HOST."
        ) from None
    if parts.path != "/version":
        raise errors.NotSolved(f"The path is {parts.path!r}, not '/version'.")
    code, status = _sent(pod, f"{_TRUST} '{parts.geturl()}'")
    if code == REFUSED:
        raise errors.NotSolved(
            f"curl ended with 60: the certificate is not good for {parts.hostname}."
        )
    if code:
        raise errors.NotSolved(
            f"curl ended with {code}: no API server answers at {parts.netloc}."
        )
    if status != 200:
        raise errors.NotSolved(f"The answer is {status}, not 200.")


@exercise
def predict_from_pod(pod: str, predicted: Mapping[str, int | None]) -> None:
    """Raise NotSolved unless each request from `pod` ends as predicted: it is sent."""
    for letter, request in REQUESTS.items():
        guess = predicted.get(letter)
        if not isinstance(guess, int):
            raise errors.NotSolved(f"{letter}: there is no number yet.")
        code, status = _sent(pod, request)
        if guess == (code or status):
            continue
        if code:
            raise errors.NotSolved(
                f"{letter}: not {guess}. There is no answer; curl itself fails. Is it "
                "the name, or the certificate?"
            )
        raise errors.NotSolved(
            f"{letter}: not {guess}. The server answers. Does it know the user, and "
            "does it allow this path?"
        )


def _sent(pod: str, request: str) -> tuple[int, int]:
    """Return the exit code of curl and the status code of the answer, or 0."""
    curl = f"curl -s -o /dev/null -w '%{{http_code}}' --max-time 10 {request}"
    done = exec_in_pod(pod, "sh", "-c", curl)
    return done.exit_code, int(done.stdout or 0)


#: how curl ends: the certificate is refused; the file with authorities is none
REFUSED, NO_AUTHORITIES = 60, 77


#: what OpenSSL says when it is the chain: self-signed, or an issuer it does not know.
#: Names are compared by curl itself, and its number for that depends on its version.
CHAIN = {"18", "19", "20", "21"}


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
