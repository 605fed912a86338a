"""Check what the server answers to whom, and which names its certificate holds."""

from collections.abc import Mapping
from pathlib import Path

from helpers.caller import Caller
from helpers.certificates import server_certificate, verify_server

#: how a server may refuse somebody who shows no credential, and why
_REFUSALS = {
    403: "403: the server lets strangers in as system:anonymous, and no rule of RBAC "
    "allows them this path.",
    401: "401: the server lets no strangers in for this path; its administrator "
    "limited anonymous access, or switched it off.",
}
_REASONS = {
    200: "A rule allows it.",
    401: "A wrong credential is refused before anybody asks what it is for.",
    403: "The server knows who asks, and no rule allows it.",
    404: "It is allowed, and there is no such thing.",
}


def anonymous_refusal(status: int) -> str:
    """Say which refusal of an anonymous request this is and why; "" if it is none.

    A default cluster answers 403, one with closed anonymous access 401 (KEP-4633).
    """
    return _REFUSALS.get(status, "")


def predictions_hold(
    predicted: Mapping[tuple[str, str], int | None], callers: Mapping[str, Caller]
) -> str:
    """Diagnose the first status that was not predicted rightly.

    `predicted` maps (name of a caller, path) to a status; each request is sent now.
    """
    for (name, path), status in predicted.items():
        if status is None:
            return f"There is no prediction yet for {name} on {path}."
        answer = callers[name].get(path).status
        if answer != status:
            reason = _REASONS.get(answer, "")
            return (
                f"{name} on {path}: predicted {status}, the server says {answer}. "
                f"{reason}"
            ).rstrip()
    return ""


def name_is_held(server: str, ca: Path, name: str, *, but: str) -> str:
    """Diagnose why `name`, unlike `but`, is not in the server's certificate."""
    if name == but:
        return f"{but} is the host of the URL itself: look for another name."
    verdict = verify_server(server, ca=ca, name=name)
    if verdict.code == 0:
        return ""
    held = ", ".join(server_certificate(server).names)
    return f"{verdict.code}, {verdict.message.rstrip('.')}. The names are: {held}."
