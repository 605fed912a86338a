"""Say what a cell, or the lessons, need and are not given here.

A cell names its need in a tag; JupyterLab sends the tags of a cell with its code.
"""

import re
from collections.abc import Iterable
from importlib import metadata

from cluster import backends, errors
from cluster.versions import parse
from helpers.language import mark, say

#: tag of a cell that needs an administrator of the cluster
LAB = "needs-lab"
#: tag of a cell that shows what servers before this minor version answer otherwise
MINOR = re.compile(r"needs-(1\.\d+)")

#: the backend of `connect()`, and the version that its server behaves as
_known = ("", "")


def know(backend: str, version: str) -> None:
    """Remember what `connect()` has found."""
    global _known
    _known = backend, version


def unmet_need(tags: Iterable[str]) -> str:
    """Return why a cell with these tags cannot do here what it shows, or ""."""
    backend, version = _known
    for tag in tags:
        if tag == LAB and backend == backends.EXISTING:
            return say(
                "This cell needs an administrator's rights, which the lessons do not "
                "have on an existing cluster: go on with the next cell."
            )
        wanted = MINOR.fullmatch(tag)
        if wanted and version and parse(version) < parse(wanted[1]):
            text = mark(
                "This cell shows what Kubernetes {wanted} and later do, and this "
                "cluster has {version}: go on with the next cell."
            )
            return say(text, wanted=wanted[1], version=version)
    return ""


def effective_version(found: dict) -> str:
    """Return the version that a server behaves as, from what it says at `/version`.

    A newer server can emulate an older one:
    https://kubernetes.io/docs/concepts/cluster-administration/compatibility-version/
    """
    own = found["gitVersion"]
    minor = f"{found.get('emulationMajor')}.{found.get('emulationMinor')}"
    if "emulationMinor" in found and parse(minor).minor != parse(own).minor:
        return f"v{minor} ({own} emulates it)"
    return own


def client_warning() -> str:
    """Return a line if Python has another Kubernetes client than the lessons, or ""."""
    from packaging.requirements import Requirement  # takes long to load

    try:
        asked = metadata.requires(errors.PROGRAM) or []
        found = metadata.version("kubernetes")
    except metadata.PackageNotFoundError:
        return ""  # a checkout that was not installed names no package
    wanted = next(r for r in map(Requirement, asked) if r.name == "kubernetes")
    if wanted.specifier.contains(found, prereleases=True):
        return ""
    text = mark(
        "Python has the Kubernetes client {found}, and the lessons are written for "
        "{wanted}: `pip install '{wanted}'` gets it."
    )
    return say(text, found=found, wanted=wanted)
