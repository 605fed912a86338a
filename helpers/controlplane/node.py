"""Know the node of a control plane: whether there will be one, and wait for it."""

import time

from helpers import backends, choice, errors, progress
from helpers.usermode.components import NAME

#: seconds that a node may take; on a busy machine with one core it took 40
PATIENCE = 180.0


def state() -> str:
    """Return how the node of the running control plane is, "" if it has none.

    As `status` shows it: waiting, starting, running, restarting, failed. Any other
    backend's is "running": what it starts has a node from the beginning.
    """
    backend = backends.kept()
    if backend.name != choice.CONTROL_PLANE:
        return "running"
    found = backend.status() or {}
    return found.get("components", {}).get(NAME, {}).get("state", "")


def coming() -> bool:
    """Say whether pods can run, now or when the node has started."""
    return state() not in ("", "failed")


def require(what: str) -> None:
    """Return when pods can run. Raise NoNode where none will, or not in time."""
    began = time.monotonic()
    view = None
    while (found := state()) != "running":
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
