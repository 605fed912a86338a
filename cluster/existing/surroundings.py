"""Prepare what the genuine kubectl sees around it, so that it does what it is told."""

import os
from collections.abc import Mapping
from pathlib import Path

#: the second line of the program that checks writes, by which it is known
MARK = "# kubernetes-api-notebooks: checks writes, then becomes kubectl"
#: kubectl's own preferences, off: they can give a command other flags than its words
NO_PREFERENCES = {"KUBERC": "off", "KUBECTL_KUBERC": "false"}


def of(kubectl: str, environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which `kubectl` is the genuine one.

    A credential plugin may be called `kubectl`, or call it: with the program that
    checks writes in PATH each would start the next, without end.
    """
    parts = environment.get("PATH", os.defpath).split(os.pathsep)
    genuine = str(Path(kubectl).parent)
    kept = [part for part in parts if not checks(Path(part) / "kubectl")]
    path = os.pathsep.join(kept if genuine in kept else [*kept, genuine])
    return {**environment, **NO_PREFERENCES, "PATH": path}


def checks(program: Path) -> bool:
    """Say whether a program is the one that checks writes."""
    try:
        with open(program, "rb") as file:
            return MARK.encode() in file.read(200)
    except OSError:
        return False
