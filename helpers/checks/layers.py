"""Check whether the layer is named at which an application's request ended."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from helpers.command import current_namespace
from helpers.drills import LABEL, NAMES, current_pods, last_words


class Symptom(NamedTuple):
    """The layer at which a request ended, and what had happened until then."""

    layer: str
    meaning: str


#: what the application writes, and what it means; the first that fits
_SYMPTOMS = (
    (
        r"curl: \(6\)",
        Symptom("name", "no address was found for the name, so nobody was asked"),
    ),
    (
        r"curl: \((7|28)\)",
        Symptom("address", "there is an address, and nobody answered at it"),
    ),
    (
        r"curl: \((35|60|77)\)",
        Symptom("TLS", "curl could not check who it talks to, so it sent nothing"),
    ),
    (
        r"token: No such file|system:anonymous",
        Symptom("authentication", "there was no token to show"),
    ),
    (
        r"^401\b",
        Symptom("authentication", "the server did not believe the token"),
    ),
    (
        r"^403\b.* in the namespace \"(?!{namespace}\")",
        Symptom("namespace", "the server knew who asked, for a namespace not its own"),
    ),
    (
        r"^403\b",
        Symptom("authorization", "the server knew who asked, and no rule allows it"),
    ),
)
LAYERS = ("name", "address", "TLS", "authentication", "authorization", "namespace")


def symptom_of(line: str, namespace: str) -> Symptom | None:
    """Return what a line of the application shows; None for an answer, or no symptom.

    `namespace` is the one that the application runs in.
    """
    for pattern, symptom in _SYMPTOMS:
        if re.search(pattern.replace("{namespace}", namespace), line):
            return symptom
    return None


def layers_named(named: Mapping[str, str]) -> str:
    """Diagnose the first broken Deployment whose layer is not named, or not rightly.

    What each says is read now; one that was repaired has no layer any more.
    """
    namespace, pods = current_namespace(), current_pods(LABEL)
    for deployment in NAMES:
        if deployment not in pods:
            return f"There is no {deployment}: run the cell with `break_copies` first."
        answer = named.get(deployment, "")
        if answer not in LAYERS:
            said = f"is {answer!r}" if answer else "is still empty"
            return f"{deployment}: {said}; choose one of {', '.join(LAYERS)}."
        pod = pods.get(deployment)
        line = last_words(pod["metadata"]["name"]) if pod else ""
        symptom = symptom_of(line, namespace)
        if symptom and answer != symptom.layer:
            return f"{deployment}: it is not {answer!r}, for {symptom.meaning}."
    return ""
