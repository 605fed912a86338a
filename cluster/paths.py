"""Say where the suite keeps things on this machine.

Nothing here creates a directory: the module that fills one makes it, 0700. A directory
that somebody else could change is refused here, before anything in it is believed.
"""

import os
from pathlib import Path

from cluster import errors
from cluster.permissions import refuse_changeable

#: in the state directory: what a learner has solved, which outlives the cluster
PROGRESS = "progress.jsonl"
_APP = "kubernetes-api-notebooks"
_STATE, _CACHE, _ASSETS = "LAB_STATE_DIR", "LAB_CACHE_DIR", "LAB_ASSETS"


def state_dir() -> Path:
    """Return the directory of the cluster's state: keys, objects, logs.

    `LAB_STATE_DIR` overrides it. Raise LabError without a home directory, StateError
    where another account could change what is in it.
    """
    directory = _from_env(_STATE) or _usual("user_state_path")
    refuse_changeable(directory, _STATE)
    return directory


def cache_dir() -> Path:
    """Return the directory of files that a build can replace: binaries and images.

    `LAB_CACHE_DIR` overrides it, and its owner is trusted then. Raise as `state_dir`.
    """
    named = _from_env(_CACHE)
    directory = named or _usual("user_cache_path")
    refuse_changeable(directory, _CACHE, shared=bool(named))
    return directory


def assets_dir() -> Path | None:
    """Return the directory of ready binaries that `LAB_ASSETS` names, or None.

    The same idea as envtest's `KUBEBUILDER_ASSETS`, for all the binaries. Its owner is
    trusted. Raise StateError where others could change what is in it.
    """
    directory = _from_env(_ASSETS)
    if directory:
        refuse_changeable(directory, _ASSETS, shared=True)
    return directory


def _usual(function: str) -> Path:
    # Not at the top: the node in user-mode Linux has the standard library alone.
    import platformdirs

    try:
        return getattr(platformdirs, function)(_APP)
    except RuntimeError:
        # As in a container whose user has no entry in /etc/passwd.
        raise errors.LabError(
            "There is no home directory: HOME is not set, and /etc/passwd names none.",
            "Set HOME, or LAB_STATE_DIR and LAB_CACHE_DIR.",
        ) from None


def _from_env(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value).expanduser().absolute() if value else None
