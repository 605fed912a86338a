"""Check requests from a pod to the API server."""

import contextlib
import ipaddress
import re
import shlex
import socket
from collections.abc import Mapping
from urllib.parse import urlsplit

from cluster.waiting import PASSING
from helpers.api.pods import exec_in_pod
from helpers.api.tokens import FILES
from helpers.course.exercise import demand_number, exercise
from helpers.errors import NotSolved, Undecided
from helpers.language import mark, say

SERVICE = "kubernetes.default.svc"
CA = f"{FILES}/ca.crt"
#: names of every pod for itself
_ITSELF = ("localhost", "ip6-localhost", "ip6-loopback")
#: how curl ends when it does not trust the server, without a URL, and without a
#: response in time
REFUSED, NO_URL, LATE = 60, 3, 28

#: letter to options of curl, and the URL
_TRUST = f"--cacert {CA}"
_TOKEN = "-H @-"
_NONSENSE = '-H "Authorization: Bearer nonsense"'
REQUESTS = {
    "A": "https://kubernetes/version",
    "B": f"https://{SERVICE}/version",
    "C": f"{_TRUST} https://{SERVICE}/apis",
    "D": f"{_TRUST} {_TOKEN} https://{SERVICE}/apis",
    "E": f"{_TRUST} {_TOKEN} https://{SERVICE}/",
    "F": f"{_TRUST} {_NONSENSE} https://{SERVICE}/apis",
}


@exercise
def reach_without_dns(pod: str, url: str) -> None:
    """Demand a URL that curl in `pod` trusts, and finds without DNS."""
    # As curl gets it: urlsplit leaves out a line break.
    text = str(url).strip()
    if re.search(r"\s", text):
        raise NotSolved(say("{url!r} has a blank or a line break in it.", url=text))
    parts = urlsplit(text)
    if "$" in text:
        fault = say("Python does not fill in a `$`: write the address, or an f-string.")
        raise NotSolved(fault)
    if "{" in text:
        raise NotSolved(say("Put an `f` before the quote to fill in the address."))
    if parts.scheme != "https" or not parts.hostname:
        raise NotSolved(say("{url!r} has to begin with https:// and a host.", url=url))
    address = _address(parts.hostname)
    if parts.hostname in (pod, *_ITSELF) or (address and address.is_loopback):
        fault = mark("{host} is the pod itself, and no API server listens there.")
        raise NotSolved(say(fault, host=parts.hostname))
    if not address:
        fault = mark(
            "{host} is a name, so curl needs DNS for it. The container has the address "
            "in KUBERNETES_SERVICE_HOST."
        )
        raise NotSolved(say(fault, host=parts.hostname))
    if parts.path != "/version":
        raise NotSolved(say("The path is {path!r}, not '/version'.", path=parts.path))
    # The second says whether it is the machine that is slow.
    control = f"-k https://{SERVICE}/version"
    given = f"{_TRUST} {shlex.quote(parts.geturl())}"
    [(code, status), (late, _)] = _send(pod, given, control)
    if code == LATE and late:
        raise Undecided(say("a response of the API server"))
    if code == REFUSED:
        fault = mark(
            "curl exits with 60: {host} is not in the certificate, or another "
            "authority signed it."
        )
        raise NotSolved(say(fault, host=parts.hostname))
    if code == NO_URL:
        fault = mark("curl exits with 3: {url!r} is not a URL. Look at the port.")
        raise NotSolved(say(fault, url=url))
    if code:
        fault = mark("curl exits with {code}: no API server responds at {host}.")
        raise NotSolved(say(fault, code=code, host=parts.netloc))
    if status != 200:
        fault = mark("The status is {status}, not 200: is {host} the API server?")
        raise NotSolved(say(fault, status=status, host=parts.netloc))


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host)
    # curl reads other spellings of an address, too, such as a single number.
    with contextlib.suppress(OSError):
        return ipaddress.ip_address(socket.inet_aton(host))
    return None


@exercise
def predict_from_pod(pod: str, predicted: Mapping[str, int | None]) -> None:
    """Demand the result of each request from `pod`."""
    guesses: dict[str, int] = {}
    lacking = None
    for letter in REQUESTS:
        try:
            guesses[letter] = demand_number(letter, predicted)
        except NotSolved as fault:
            lacking = fault
            break
    # Those before the first that lacks are judged; without any, nothing is sent.
    sent = {letter: REQUESTS[letter] for letter in guesses}
    results = _send(pod, *sent.values()) if sent else []
    if any(code == LATE or status in PASSING for code, status in results):
        raise Undecided(say("a response of the API server"))
    for (letter, request), (code, status) in zip(sent.items(), results, strict=True):
        guess = guesses[letter]
        if guess != (code or status):
            raise NotSolved(say(_clue(request, code), letter=letter, guess=guess))
    if lacking:
        raise lacking


def _clue(request: str, code: int) -> str:
    """Return the message for a wrong guess, after curl has ended with `code`."""
    if code:
        return mark(
            "{letter}: not {guess}. There is no response; curl itself fails. Is it "
            "the name, or the certificate?"
        )
    if _TOKEN in request or _NONSENSE in request:
        return mark(
            "{letter}: not {guess}. The server responds. Does it accept the "
            "credential, and does a rule allow this path?"
        )
    return mark(
        "{letter}: not {guess}. The server responds, and the request has no "
        "credential. Which user is that, and does a rule allow it this path?"
    )


def _send(pod: str, *requests: str) -> list[tuple[int, int]]:
    """Return for each the exit code of curl and the status of the response, or 0."""
    header = f"printf 'Authorization: Bearer %s' \"$(cat {FILES}/token)\""
    # Without a ~/.curlrc, where `insecure` may be.
    curl = "curl -q -s -o /dev/null -w '%{http_code}' --max-time 10"
    # One start of a program in the pod takes longer than all of its requests.
    lines = [f'{header} | {curl} {request}; echo " $?"' for request in requests]
    done = exec_in_pod(pod, "sh", "-c", "\n".join(lines))
    words = [line.split() for line in done.stdout.splitlines()]
    return [(int(line[-1]), int("".join(line[:-1]) or 0)) for line in words]
