"""Check what a learner predicts: who refuses a request, and with which code."""

import functools
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from helpers.caller import Caller
from helpers.errors import NotSolved
from helpers.exercise import exercise

#: curl's number for a server that it does not trust
NOT_TRUSTED = 60
_OLD = ("-H", "Authorization: Bearer old")
#: letter to options of curl, whether the authority is given, and the path
COMMANDS = {
    "A": ((), False, "/version"),
    "B": (("-k",), False, "/version"),
    "C": ((), True, "/apis"),
    "D": (_OLD, False, "/version"),
    "E": (_OLD, True, "/version"),
}
#: letter to the name of a caller, and the path
QUESTIONS = {
    "A": ("no credential", "/readyz"),
    "B": ("no credential", "/openapi/v3"),
    "C": ("bad credential", "/readyz"),
    "D": ("ServiceAccount", "/openapi/v3"),
    "E": ("ServiceAccount", "/metrics"),
    "F": ("ServiceAccount", "/apis/batch/nosuch"),
}
_REASONS = {
    NOT_TRUSTED: "curl does not trust the certificate, and sends nothing.",
    200: "A rule allows it, to everybody or to this caller.",
    401: "A wrong credential is refused before anybody asks what it is for.",
    403: "The server knows who asks, and no rule allows it.",
    404: "It is allowed, and there is no such thing.",
}


@exercise
def predict_curl(codes: Mapping[str, int | None], *, server: str, ca: Path) -> None:
    """Demand for each command curl's 60 or the server's status; all are run now."""
    for letter, (options, trusted, path) in COMMANDS.items():
        given = [*options, *(("--cacert", str(ca)) if trusted else ())]
        _demand(codes, letter, functools.partial(_curl, server + path, *given))


@exercise
def predict_statuses(
    statuses: Mapping[str, int | None], callers: Mapping[str, Caller]
) -> None:
    """Demand the status of each answer; the requests are sent now."""
    for letter, (name, path) in QUESTIONS.items():
        _demand(statuses, letter, functools.partial(_get, callers, name, path))


def _get(callers: Mapping[str, Caller], name: str, path: str) -> int:
    return callers[name].get(path).status


def _demand(
    given: Mapping[str, int | None], letter: str, measure: Callable[[], int]
) -> None:
    code = given.get(letter)
    if code is None:
        raise NotSolved(f"{letter}: there is no prediction yet.")
    if not isinstance(code, int):
        raise NotSolved(f"{letter}: {code!r} is not a number: write it without quotes.")
    found = measure()
    if code != found:
        reason = _REASONS.get(found, "")
        raise NotSolved(f"{letter}: you say {code}, it is {found}. {reason}".rstrip())


def _curl(url: str, *options: str) -> int:
    """Return the status code of a GET, or NOT_TRUSTED."""
    line = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *options, url]
    done = subprocess.run(line, capture_output=True, text=True, timeout=30)
    return int(done.stdout) if done.returncode == 0 else done.returncode
