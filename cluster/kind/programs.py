"""Find `kind`, or get it: downloaded with its sum, or built."""

import shutil
from pathlib import Path

from cluster import apiserver, binaries, errors, versions
from cluster.binaries.check import program_version
from cluster.binaries.recipe import KIND, parse
from cluster.progress import Progress


def find_kind() -> Path | None:
    """Return a kind that knows our node image, or None; get nothing.

    The one on PATH will do if it is not older than ours: an older one may not know
    how to set up a newer node. Raise IncompleteAssets for a LAB_ASSETS without one.
    """
    on_path = shutil.which("kind")
    if on_path and _new_enough(Path(on_path)):
        return Path(on_path)
    found = binaries.find(KIND)
    return found and found / "kind"


def ensure_kind(progress: Progress) -> Path:
    """Return a kind; get it if there is none. Raise what `binaries.ensure` does."""
    return find_kind() or binaries.ensure(progress, KIND) / "kind"


def prepare_own_server(progress: Progress) -> None:
    """Get what the API server of a notebook's own is made of, if it can be had.

    One lesson starts one beside the cluster, and should not wait for it then.
    """
    try:
        apiserver.programs(progress)
    except errors.LabError as error:
        progress.finish(f"lesson 08 cannot start an API server: {error.fact}")


def _new_enough(kind: Path) -> bool:
    version = program_version([kind, "version"])
    return _numbers(version) >= _numbers(versions.KIND)


def _numbers(version: str) -> tuple[int, ...]:
    return parse(version)[:2]
