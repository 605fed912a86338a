"""Check a quiz of the chapter: statements that are true, or that are often believed."""

from collections.abc import Mapping

#: a word for each statement of the page, whether it is true, and why
_STATEMENTS = {
    "env": (
        False,
        "a variable is a copy from the start of the container; a file of a volume "
        "follows",
    ),
    "short name": (
        False,
        "a short name is completed with the pod's own namespace, so it is found in "
        "`default` alone",
    ),
    "insecure": (
        False,
        "`-k` takes any certificate, so whoever answers gets the token",
    ),
    "proxy": (
        True,
        "the proxy shows its own credential and asks nobody for theirs",
    ),
    "forbidden": (
        False,
        "403 says that the server knows who asks; a wrong token is 401",
    ),
    "restart": (
        False,
        "the server looks at its rules at each request",
    ),
    "keep": (
        False,
        "a token ends, and the kubelet puts the next one into the file",
    ),
    "none": (
        True,
        "what it does not hold it cannot lose: `automountServiceAccountToken: false`",
    ),
    "library": (
        True,
        "it reads the files, checks the certificate, and knows kinds, pages and errors",
    ),
}


def statements_judged(judged: Mapping[str, bool | None]) -> str:
    """Diagnose the first statement that is not judged, or not rightly."""
    for word, (is_true, reason) in _STATEMENTS.items():
        answer = judged.get(word)
        if not isinstance(answer, bool):
            return f"{word}: {answer!r}; write True or False."
        if answer != is_true:
            return f"{word}: it is {'true' if is_true else 'false'}, for {reason}."
    return ""
