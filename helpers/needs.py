"""Report what a cell or a lesson needs and this cluster lacks.

A cell names its need in a tag; JupyterLab sends the tags of a cell with its code.
"""

import re
from collections.abc import Iterable
from importlib import metadata
from typing import Any

from cluster import backends, errors
from cluster.versions import parse
from helpers.language import mark, say

#: tag of a cell that needs a running pod in a lesson that goes on without it
PODS = "needs-pods"
#: tag of a cell that needs an administrator of the cluster
LAB = "needs-lab"
#: what a cell may need and a browser's tab lacks; the site has a sentence for each
TAB_LACKS = ("python", "proxy", "audit", "authorities", "bodies", "server")
#: tag of a cell that cannot run there, and why; if the first one has it, none can
NOT_IN_TAB = re.compile(f"not-in-tab: ({'|'.join(TAB_LACKS)})")
#: tag of a cell that servers older than this minor version answer in another way
MINOR = re.compile(r"needs-(1\.\d+)")

#: the backend of `connect()`, and the version that its server behaves as
_known = ("", "")


def know(backend: str, version: str) -> None:
    """Remember what `connect()` has found."""
    global _known
    _known = backend, version


def tags_of_cell(notebook: Any) -> list[str]:
    """Return the tags of the cell that runs; none outside of a kernel."""
    message: dict = getattr(notebook, "get_parent", dict)()
    return message.get("metadata", {}).get("tags", [])


def lack_of_tab(tags: Iterable[str]) -> str:
    """Return what a cell with these tags needs and a browser's tab lacks, or ""."""
    matches = filter(None, map(NOT_IN_TAB.fullmatch, tags))
    return next((match[1] for match in matches), "")


def unmet_need(tags: Iterable[str]) -> str:
    """Return why a cell with these tags cannot do here what it shows, or ""."""
    backend, version = _known
    for tag in tags:
        if tag == LAB and backend == backends.EXISTING:
            return say(
                "This cell needs an administrator's rights, which the lessons do not "
                "have on an existing cluster: go on with the next cell."
            )
        minor = MINOR.fullmatch(tag)
        if minor and version and parse(version) < parse(minor[1]):
            text = mark(
                "This cell shows what Kubernetes {wanted} and later do, and this "
                "cluster has {version}: go on with the next cell."
            )
            return say(text, wanted=minor[1], version=version)
    return ""


def effective_version(answer: dict) -> str:
    """Return the version that a server behaves as, from what it says at `/version`.

    A newer server can emulate an older one:
    https://kubernetes.io/docs/concepts/cluster-administration/compatibility-version/
    """
    release = answer["gitVersion"]
    minor = f"{answer.get('emulationMajor')}.{answer.get('emulationMinor')}"
    if "emulationMinor" in answer and parse(minor).minor != parse(release).minor:
        return f"v{minor} ({release} emulates it)"
    return release


def client_warning() -> str:
    """Return a line if Python has another Kubernetes client than the lessons, or ""."""
    from packaging.requirements import Requirement  # takes long to load

    try:
        requirements = metadata.requires(errors.PROGRAM) or []
        version = metadata.version("kubernetes")
    except metadata.PackageNotFoundError:
        return ""  # a checkout that was not installed names no package
    requirement = next(
        r for r in map(Requirement, requirements) if r.name == "kubernetes"
    )
    if requirement.specifier.contains(version, prereleases=True):
        return ""
    text = mark(
        "Python has the Kubernetes client {found}, and the lessons are written for "
        "{wanted}: `pip install '{wanted}'` gets it."
    )
    return say(text, found=version, wanted=requirement)
