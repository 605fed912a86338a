"""Check what keeps a pod from the API server, and whom curl trusts in it."""

from collections.abc import Mapping

from helpers.command import Completed
from helpers.pods import exec_in_pod

#: symptom, and the problem behind it with its reason
_BEHIND = {
    "curl ends with 6": ("find it", "no address came from the name"),
    "curl ends with 60": ("be sure", "the certificate was not accepted"),
    "401": ("authenticate", "a credential was shown, and it is not a valid one"),
    "403, user system:anonymous": (
        "authenticate",
        "no credential was shown, so the server had nobody else to refuse",
    ),
    "403, user system:serviceaccount:…": (
        "be authorized",
        "the server knows the account, and no rule allows what it asked",
    ),
}
PROBLEMS = list(dict.fromkeys(problem for problem, _ in _BEHIND.values()))


def problems_named(named: Mapping[str, str]) -> str:
    """Diagnose the first symptom whose problem is not named, or not rightly."""
    for symptom, (problem, reason) in _BEHIND.items():
        answer = named.get(symptom, "")
        if answer not in PROBLEMS:
            said = f"is {answer!r}" if answer else "is still empty"
            return f"{symptom}: {said}; choose one of {', '.join(PROBLEMS)}."
        if answer != problem:
            return f"{symptom}: it is not {answer!r}, for {reason}."
    return ""


SERVICE = "kubernetes.default.svc"


CA = "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt"


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
