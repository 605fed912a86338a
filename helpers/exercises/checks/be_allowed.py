"""Check the rights of an account, and the diagnosis of symptoms."""

import re
from collections.abc import Mapping

from helpers.course.exercise import exercise, letters_of
from helpers.errors import NotSolved
from helpers.exercises.grants import fault_of_grant
from helpers.language import mark, say

#: what the lesson grants itself: to list pods, and in *Write*
_BESIDE = [(verb, "pods") for verb in ("get", "list")]
_WRITE = [
    (verb, "configmaps", "curl-writes", "config-writer")
    for verb in ("create", "patch", "delete")
]

_LOG = ("get", "pods/log", "log-reader", "log-reader")
_CONFIGMAPS = [(verb, "configmaps") for verb in ("get", "list")]

#: letter of a symptom: the step at which the request stops, and what fixes it (the
#: name, the CA, the token, a rule), with a clue to each
_SYMPTOMS = {"A": "1N", "B": "3C", "C": "4T", "D": "5T", "E": "5R"}
_STOPS = {
    "A": mark("curl has no address to connect to."),
    "B": mark("curl is connected, and does not accept the certificate."),
    "C": mark("The server does not accept the credential in the request."),
    "D": mark("The server sees the user `system:anonymous`, then refuses."),
    "E": mark("The server knows the account, then refuses the request."),
}
_FIXES = {
    "A": mark("curl has sent nothing, so no CA, no token and no rule was used."),
    "B": mark("Of the authorities that curl trusts, none signed the certificate."),
    "C": mark("No rule helps a credential that is not accepted."),
    "D": mark("`system:anonymous` is the user of every request without a credential."),
    "E": mark("The server has accepted the token: it names the account."),
}
#: for C, D and E, if the name or the CA is to change
_REACHED = mark(
    "The server responds, so the address is right, and the CA is not what stops it."
)


@exercise
def allow_configmaps(account: str) -> None:
    """Demand that `account` may get and list ConfigMaps, and no more."""
    beside = (*_BESIDE, *_WRITE, _LOG)
    if fault := fault_of_grant(account, ["get", "list"], "configmaps", beside):
        raise NotSolved(fault)


@exercise
def allow_log(account: str) -> None:
    """Demand that `account` may get the log of its pod, and no more."""
    beside = (*_BESIDE, *_WRITE, *_CONFIGMAPS)
    # The pod is called as its account is; a rule for that name is enough.
    if fault := fault_of_grant(account, ["get"], "pods/log", beside, name=account):
        raise NotSolved(fault)


@exercise
def name_problems(named: Mapping[str, str]) -> None:
    """Demand the step and the fix of each symptom."""
    for letter, right in _SYMPTOMS.items():
        answer = letters_of(named.get(letter, ""))
        if not answer:
            raise NotSolved(say("{letter}: there is no answer yet.", letter=letter))
        if not re.fullmatch("[1-6][NCTR]", answer):
            fault = mark(
                "{letter}: {answer!r} is not a step and a fix: write a number from 1 "
                "to 6 and one of the letters N, C, T and R."
            )
            raise NotSolved(say(fault, letter=letter, answer=answer))
        step, fix = answer[0], answer[1]
        if step != right[0]:
            fault = mark("{letter}: the request does not stop at step {step}.")
            clue = say(_STOPS[letter])
            raise NotSolved(say(fault, letter=letter, step=step) + " " + clue)
        if fix != right[1]:
            fault = mark(
                "{letter}: step {step} is right, but {fix} is not what to change."
            )
            fault = say(fault, letter=letter, step=step, fix=fix)
            responds = step >= "4" and fix in "NC"
            clue = say(_REACHED if responds else _FIXES[letter])
            raise NotSolved(fault + " " + clue)
