"""Check what a learner finds wrong with broken copies of an application, and mends."""

from collections.abc import Mapping

from helpers import errors
from helpers.exercise import exercise
from helpers.repairs import demand_answer

#: the letters of the page
LAYERS = {
    "A": "name",
    "B": "address",
    "C": "TLS",
    "D": "authentication",
    "E": "authorization",
    "F": "namespace",
}
#: The layer of each copy, and how far its request had come. It is not read from the
#: logs: a copy that was repaired already has no layer any more.
COPIES = {
    "drill-1": ("A", "No address was found for the name, so no request was sent."),
    "drill-2": ("C", "curl could not check who it talks to, so it sent nothing."),
    "drill-3": ("D", "There was no token to send."),
    "drill-4": ("D", "The server did not accept the token."),
    "drill-5": (
        "F",
        "The token is accepted, and the namespace is another.",
    ),
}


@exercise
def name_layers(named: Mapping[str, str]) -> None:
    """Demand the letter of the layer at which each copy fails."""
    for copy, (right, meaning) in COPIES.items():
        answer = named.get(copy)
        if answer not in LAYERS:
            raise errors.NotSolved(f"{copy}: write a letter from A to F.")
        if answer != right:
            raise errors.NotSolved(
                f"{copy}: it is not {answer} ({LAYERS[answer]}). {meaning}"
            )


@exercise
def repair_name(deployment: str) -> None:
    """Demand an application that finds the server, and gave up nothing for it."""
    demand_answer(deployment)


@exercise
def repair_trust(deployment: str) -> None:
    """Demand an application that checks the server's certificate."""
    demand_answer(deployment)


@exercise
def repair_files(deployment: str) -> None:
    """Demand an application that has its three files."""
    demand_answer(deployment)
