"""Check what the pod's account may do, and where a request stops and what cures it."""

import re
from collections.abc import Mapping

from helpers import errors
from helpers.exercise import exercise
from helpers.grants import fault_of_grant

#: letter of a symptom: the step at which the request stops, and what cures it (the
#: name, the CA, the token, a rule), with a clue to each
_SYMPTOMS = {"A": "1N", "B": "3C", "C": "4T", "D": "5T", "E": "5R"}
_STOPS = {
    "A": "curl has no address to connect to.",
    "B": "curl is connected, and does not accept the certificate.",
    "C": "The server does not accept the credential in the request.",
    "D": "The server took the user for `system:anonymous`, then refused.",
    "E": "The server knows the account, then refuses the request.",
}
_CURES = {
    "A": "curl has sent nothing, so neither a CA nor a token nor a rule was used.",
    "B": "curl compares the certificate with the authorities that you give it.",
    "C": "A rule allows nothing to a credential that is not accepted.",
    "D": "`system:anonymous` is the user of every request without a credential.",
    "E": "The server has accepted the token: it names the account.",
}


@exercise
def allow_configmaps(account: str) -> None:
    """Raise NotSolved unless `account` may get and list ConfigMaps, and no more."""
    fault = fault_of_grant(account, ["get", "list"], "configmaps")
    if fault:
        raise errors.NotSolved(fault)


@exercise
def name_problems(named: Mapping[str, str]) -> None:
    """Raise NotSolved at the first symptom with a wrong step, or a wrong cure."""
    for letter, right in _SYMPTOMS.items():
        answer = "".join(str(named.get(letter, "")).upper().split())
        if not answer:
            raise errors.NotSolved(f"{letter}: there is no answer yet.")
        if not re.fullmatch("[1-6][NCTR]", answer):
            raise errors.NotSolved(
                f"{letter}: {answer!r} is not a step and a cure: write a number from "
                "1 to 6 and one of the letters N, C, T and R."
            )
        if answer[0] != right[0]:
            raise errors.NotSolved(
                f"{letter}: the request does not stop at step {answer[0]}. "
                f"{_STOPS[letter]}"
            )
        if answer[1] != right[1]:
            raise errors.NotSolved(
                f"{letter}: step {answer[0]} is right, but {answer[1]} is not what to "
                f"change. {_CURES[letter]}"
            )
