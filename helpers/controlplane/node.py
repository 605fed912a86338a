"""Know the node of a control plane: whether there will be one, and wait for it."""

import time
from pathlib import Path

from helpers import errors, progress
from helpers.controlplane.backend import MARK, ControlPlane
from helpers.usermode.components import NAME

#: seconds that a node may take; on a busy machine with one core it took 40
PATIENCE = 180.0


def state(directory: Path) -> str:
    """Return how the node of a control plane is, by its state directory.

    As `status` shows it: waiting, starting, running, restarting, failed. "" if it has
    none, or if the directory is another backend's.
    """
    if not (directory / MARK).exists():
        return ""
    found = ControlPlane(directory).status() or {}
    return found.get("components", {}).get(NAME, {}).get("state", "")


def coming(directory: Path) -> bool:
    """Say whether a control plane has a node, now or when it has started."""
    return state(directory) not in ("", "failed")


def require(what: str, directory: Path) -> None:
    """Return when pods can run. Raise NoNode where none will, or not in time."""
    began = time.monotonic()
    view = None
    while (found := state(directory)) != "running":
        if found in ("", "failed"):
            words = "this cluster has none"
            failed = "the one of this cluster did not start; `python -m helpers logs "
            raise errors.NoNode(what, f"{failed}{NAME}` says why" if found else words)
        if time.monotonic() - began > PATIENCE:
            raise errors.NoNode(what, "the one of this cluster is still starting")
        view = view or progress.for_here()
        view.update("a node is starting, in user-mode Linux")
        time.sleep(0.2)
    if view:
        view.finish("the node is ready")
