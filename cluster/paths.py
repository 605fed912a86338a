"""Say where the suite keeps things: its state, its cache, what a teacher has got."""

import os
from pathlib import Path

from cluster import errors, versions
from cluster.language import say
from cluster.permissions import refuse_changeable

#: in the state directory: what a learner has solved, which outlives the cluster
PROGRESS = "progress.jsonl"
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


def store_name(key: str) -> str:
    """Return the name of the image archive `key` as this containerd has it imported."""
    return f"{key}.{versions.CONTAINERD}.store"


def assets_dir() -> Path | None:
    """Return the directory that `LAB_ASSETS` names, or None; raise StateError.

    The idea is envtest's `KUBEBUILDER_ASSETS`, for all programs. Its owner is trusted.
    """
    directory = _from_env(_ASSETS)
    if directory:
        refuse_changeable(directory, _ASSETS, shared=True)
    return directory


def _usual(function: str) -> Path:
    # Not at the top: the node in user-mode Linux has only the standard library.
    import platformdirs

    try:
        return getattr(platformdirs, function)(errors.PROGRAM)
    except RuntimeError:
        # As in a container whose user has no entry in /etc/passwd.
        raise errors.LabError(
            say(
                "There is no home directory: HOME is not set, and /etc/passwd names "
                "none."
            ),
            say("Set HOME, or LAB_STATE_DIR and LAB_CACHE_DIR."),
        ) from None


def _from_env(name: str) -> Path | None:
    value = os.environ.get(name)
    return Path(value).expanduser().absolute() if value else None
