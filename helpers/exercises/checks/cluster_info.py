"""Check predictions of codes: of curl, and of the server."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

from cluster.waiting import PASSING
from helpers.api.caller import Caller
from helpers.command import demand_cluster
from helpers.course.exercise import demand_number, exercise
from helpers.errors import NotSolved, Undecided
from helpers.language import mark, say

#: curl's number for a server that it does not trust
NOT_TRUSTED = 60
#: how curl ends if a server is slow, or goes meanwhile
LATE = (28, 52, 56)
_OLD = ("-H", "Authorization: Bearer old")
#: letter to options of curl, whether the authority is given, and the path
COMMANDS = {
    "A": ((), False, "/version"),
    "B": (("-k",), False, "/version"),
    "C": ((), True, "/apis"),
    "D": (_OLD, False, "/version"),
    "E": (_OLD, True, "/version"),
}
#: the lesson's callers without a credential, with a bad one, and with a token
NOBODY, UNKNOWN, ACCOUNT = "no credential", "bad credential", "ServiceAccount"
#: letter to one of these callers, and the path
QUESTIONS = {
    "A": (NOBODY, "/readyz"),
    "B": (NOBODY, "/openapi/v3"),
    "C": (UNKNOWN, "/readyz"),
    "D": (ACCOUNT, "/openapi/v3"),
    "E": (ACCOUNT, "/metrics"),
    "F": (ACCOUNT, "/apis/batch/nosuch"),
}


@exercise
def predict_curl(codes: Mapping[str, int | None], *, server: str, ca: Path) -> None:
    """Demand for each command curl's 60 or the server's status."""
    for letter, (options, trusted, path) in COMMANDS.items():
        code = demand_number(letter, codes)
        given = [*options, *(("--cacert", str(ca)) if trusted else ())]
        exit_code = _curl(server.rstrip("/") + path, *given)
        if code != exit_code:
            clue = _clue(options, exit_code)
            raise NotSolved(say(clue, letter=letter, code=code, path=path))


def _clue(options: tuple[str, ...], exit_code: int) -> str:
    """Return the message for a code other than the one found."""
    if exit_code == NOT_TRUSTED:
        return mark(
            "{letter}: not {code}. curl sends no request here. What does it lack?"
        )
    if options == _OLD:
        return mark(
            "{letter}: not {code}. The server responds. Does it accept the "
            "credential, and is the path open to this user?"
        )
    return mark(
        "{letter}: not {code}. The server responds, and the request has no "
        "credential. Which user is that, and may it read `{path}`?"
    )


@exercise
def predict_statuses(
    statuses: Mapping[str, int | None], callers: Mapping[str, Caller]
) -> None:
    """Demand the status of each response."""
    if not {NOBODY, UNKNOWN, ACCOUNT} <= callers.keys():
        raise NotSolved(say("`callers` is incomplete: run its cell again."))
    for letter, (name, path) in QUESTIONS.items():
        code = demand_number(letter, statuses)
        status = callers[name].get(path).status
        if status in PASSING:
            raise Undecided(say("a response of the API server"), f"{status}")
        if name == ACCOUNT and status == 401:
            fault = say("The token of `callers` has expired: run its cell again.")
            raise NotSolved(fault)
        if code != status:
            fault = mark(
                "{letter}: not {code}. Does the server accept the credential, does a "
                "rule allow this path to this user, and does the path exist?"
            )
            raise NotSolved(say(fault, letter=letter, code=code))


def _curl(url: str, *options: str) -> int:
    """Return the status code of a GET, or NOT_TRUSTED."""
    line = ["curl", "-sS", "-o", "/dev/null", "-w", "%{http_code}", *options, url]
    done = subprocess.run(line, capture_output=True, text=True, timeout=30)
    if done.returncode in LATE:
        raise Undecided(say("a response of the API server"), done.stderr)
    if done.returncode not in (0, NOT_TRUSTED):
        demand_cluster()
        fault = mark(
            "curl exits with {code}, so `server` or `ca` is not that of the lesson any "
            "more: run the cells `server = …` and `ca = …` again."
        )
        raise NotSolved(say(fault, code=done.returncode))
    return int(done.stdout) if done.returncode == 0 else done.returncode
