"""Find `kind` and `kubectl`, or get them: downloaded with their sums, or built."""

import contextlib
import shutil
from pathlib import Path

from cluster import errors, ownserver, versions
from cluster.binaries import selfreport, toolchain
from cluster.binaries.recipe import KIND, KUBECTL, RECIPE
from cluster.binaries.steps import parse
from cluster.progress import Progress


def find_kind() -> Path | None:
    """Return a kind that knows our node image, or None; get nothing.

    The one on PATH will do if it is not older than ours: an older one may not know
    how to set up a newer node. Raise IncompleteAssets for a LAB_ASSETS without one.
    """
    on_path = shutil.which("kind")
    if on_path and _new_enough(Path(on_path)):
        return Path(on_path)
    found = toolchain.find(KIND)
    return found and found / "kind"


def ensure_kind(progress: Progress) -> Path:
    """Return a kind; get it if there is none. Raise what `toolchain.ensure` does."""
    return find_kind() or toolchain.ensure(progress, KIND) / "kind"


def find_kubectl() -> Path | None:
    """Return a directory with our kubectl, or None; get nothing."""
    # Where the local cluster has been set up, it is there already.
    for recipe in (RECIPE, KUBECTL):
        with contextlib.suppress(errors.IncompleteAssets):
            found = toolchain.find(recipe)
            if found:
                return found
    return None


def ensure_kubectl(progress: Progress) -> Path:
    """Return a directory with our kubectl; get it if there is none."""
    return find_kubectl() or toolchain.ensure(progress, KUBECTL)


def prepare_own_server(progress: Progress) -> None:
    """Get what the API server of a notebook's own is made of, if it can be had.

    One lesson starts one beside the cluster, and should not wait for it then.
    """
    try:
        ownserver.programs(progress)
    except errors.LabError as error:
        progress.finish(f"lesson 08 cannot start an API server: {error.fact}")


def _new_enough(kind: Path) -> bool:
    version = selfreport.version([kind, "version"])
    return _numbers(version) >= _numbers(versions.KIND)


def _numbers(version: str) -> tuple[int, ...]:
    return parse(version.removeprefix("v"))[:2] if version else ()
