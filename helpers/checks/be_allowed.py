"""Check what the pod's account is allowed, and which problem is behind a symptom."""

from collections.abc import Mapping

from helpers import errors
from helpers.exercise import exercise
from helpers.grants import fault_of_grant

#: symptom, and the letter of the problem behind it with its reason
_BEHIND = {
    "curl 6": ("A", "no address came from the name"),
    "curl 60": ("B", "the certificate was not accepted"),
    "401": ("C", "a credential was sent, and it is not a valid one"),
    "403 system:anonymous": (
        "C",
        "no credential was sent, so the server does not know who asks",
    ),
    "403 system:serviceaccount:…": (
        "D",
        "the server knows the account, and no rule allows what it asked",
    ),
}


@exercise
def allow_configmaps(account: str) -> None:
    """Raise NotSolved unless `account` may get and list ConfigMaps, and no more."""
    fault = fault_of_grant(account, ["get", "list"], "configmaps")
    if fault:
        raise errors.NotSolved(fault)


@exercise
def name_problems(named: Mapping[str, str]) -> None:
    """Raise NotSolved at the first symptom whose problem is not named rightly."""
    for symptom, (problem, reason) in _BEHIND.items():
        answer = named.get(symptom, "").strip().upper()
        if answer not in ("A", "B", "C", "D"):
            said = f"is {answer!r}" if answer else "is still empty"
            raise errors.NotSolved(f"{symptom}: it {said}; write A, B, C or D.")
        if answer != problem:
            raise errors.NotSolved(f"{symptom}: it is not {answer}, because {reason}.")
