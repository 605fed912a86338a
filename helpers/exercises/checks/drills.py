"""Check the diagnosis and the repair of broken copies of an application."""

from collections.abc import Mapping

from helpers.api.pods import exec_in_pod
from helpers.api.tokens import FILES
from helpers.command import current_namespace
from helpers.course.exercise import exercise, letters_of
from helpers.errors import NotSolved
from helpers.exercises.drills import current_pod
from helpers.exercises.repairs import demand_answer
from helpers.language import mark, say

#: the letters of the page
LAYERS = {
    "A": "name",
    "B": "address",
    "C": "TLS",
    "D": "authentication",
    "E": "authorization",
    "F": "namespace",
}
#: how far the request of each copy had come
_MEANINGS = {
    "drill-1": mark("No address was found for the name, so no request was sent."),
    "drill-2": mark("curl could not check who it talks to, so it sent nothing."),
    "drill-3": mark("There was no token to send."),
    "drill-4": mark("The server did not accept the token."),
    "drill-5": mark("The token is accepted, but the request is for another namespace."),
}
#: The layer of each copy, not read from the logs: a copy that was repaired already has
#: no layer any more.
COPIES = dict(zip(_MEANINGS, "ACDDF", strict=True))


@exercise
def name_layers(named: Mapping[str, str]) -> None:
    """Demand the letter of the layer at which each copy fails."""
    for copy, right in COPIES.items():
        answer = letters_of(named.get(copy))
        if answer not in LAYERS:
            raise NotSolved(say("{copy}: write a letter from A to F.", copy=copy))
        if answer != right:
            fault = say("{copy}: it is not {answer}.", copy=copy, answer=answer)
            raise NotSolved(fault + " " + say(_MEANINGS[copy]))


@exercise
def repair_name(deployment: str) -> None:
    """Demand an application that finds the server."""
    demand_answer(deployment)


@exercise
def repair_trust(deployment: str) -> None:
    """Demand an application that checks the server's certificate."""
    demand_answer(deployment)
    _demand_namespace(deployment)


@exercise
def repair_files(deployment: str) -> None:
    """Demand an application that has its three files."""
    demand_answer(deployment)
    _demand_namespace(deployment)


def _demand_namespace(deployment: str) -> None:
    """Demand the file that an application does without if NAMESPACE is set."""
    pod = current_pod(deployment)
    path = f"{FILES}/namespace"
    found = pod and exec_in_pod(pod["metadata"]["name"], "cat", path).stdout
    if found != current_namespace():
        fault = mark(
            "It works, but {path} does not contain its namespace: give it all files."
        )
        raise NotSolved(say(fault, path=path))
