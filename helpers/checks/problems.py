"""Check whether the problems of a pod that asks the API server are told apart."""

from collections.abc import Mapping

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
