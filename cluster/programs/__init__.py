"""Find the programs of a cluster, or make them; the same byte for byte everywhere.

Where they are looked for, in this order:

1. the directory that LAB_ASSETS names: it must hold all of them, or it is an error
2. the cache: `bin/KEY` in the directory of LAB_CACHE_DIR, where KEY stands for the
   version of Kubernetes, the machine, and everything that goes into a build
3. the archive of this version, in which the pods' image is as well (bundle/ready.py)
4. the projects' official releases, into that cache; not if LAB_NO_DOWNLOADS is set
5. a build from source with Go, into that cache; not if LAB_NO_BUILD is set

A runc of the distribution does in all of these. Cheap to import: what downloads and
builds is loaded when something is missing.
"""

import contextlib
import os
import shutil
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import errors, paths
from cluster.language import say
from cluster.permissions import make_private, refuse_changeable
from cluster.programs import check
from cluster.programs.recipe import (
    API_SERVER,
    CONTROL_PLANE,
    KUBECTL,
    RECIPE,
    Recipe,
    Step,
)
from cluster.progress import Progress, for_here
from cluster.statedir import hold

if TYPE_CHECKING:
    from cluster.programs.build import WorkDir


def find(recipe: Recipe = RECIPE, *, or_any: Iterable[Recipe] = ()) -> Path | None:
    """Return a directory with all programs of `recipe`, or None; make nothing.

    The first of `or_any` that is there, recipes with these programs and more, is taken
    before it. Raise IncompleteAssets for a directory in LAB_ASSETS that lacks a program
    of `recipe`.
    """
    for larger in or_any:
        with contextlib.suppress(errors.IncompleteAssets):
            if directory := _find(larger):
                return directory
    return _find(recipe)


def ensure(
    progress: Progress, recipe: Recipe = RECIPE, *, or_any: Iterable[Recipe] = ()
) -> Path:
    """Return a directory as `find` does; make the missing programs of `recipe`.

    One process makes them, others wait for it. Raise IncompleteAssets, StateError for
    an unusable cache, MissingTool, BuildFailed, and LabError for a wrong setting or if
    builds are off. However it ends, the cache holds whole programs only.
    """
    directory = find(recipe, or_any=or_any)
    if directory:
        return directory
    with workshop(progress) as work:
        # The programs may have been made while we waited.
        return _find(recipe) or _make(recipe, work, progress)


@contextmanager
def workshop(progress: Progress) -> Iterator["WorkDir"]:
    """Hold the lock on what the cache gets; raise StateError for an unusable cache."""
    from cluster.programs.build import WorkDir

    work = WorkDir(paths.cache_dir() / "build")

    def wait() -> None:
        progress.update(say("another process gets the programs; waiting"))

    with _state_errors(work), hold(work.root / "lock", wait):
        yield work


def keep(stage: Path) -> Path:
    """Put programs of RECIPE from `stage` into the cache; return where they are."""
    entry = _entry(RECIPE)
    _install(stage, entry)
    return entry


def find_kubectl() -> Path | None:
    """Return a directory with our kubectl, or None; raise what `find` does."""
    # Where the local cluster has been set up, it is there already.
    return find(KUBECTL, or_any=(RECIPE,))


def ensure_kubectl(progress: Progress) -> Path:
    """Return a directory with our kubectl; raise what `ensure` does."""
    return ensure(progress, KUBECTL, or_any=(RECIPE,))


def ensure_api_server(view: Progress | None = None) -> Path:
    """Return a directory with the two programs of an API server; get missing ones."""
    if sys.platform != "linux":
        raise errors.MissingTool(
            "kube-apiserver",
            say("run one for this notebook"),
            say(
                "It runs on Linux alone. Go on with another lesson, or run the "
                "container image, as docs/binder.md says."
            ),
        )
    larger = (RECIPE, CONTROL_PLANE)
    return ensure(view or for_here(), API_SERVER, or_any=larger)


def problems(directory: Path, recipe: Recipe = RECIPE) -> dict[str, str]:
    """Return the reason why `directory` cannot be used, by name of a program."""
    return {
        name: reason
        for step in recipe.steps
        if not check.system_has(step)
        for name, reason in _problems(directory, step).items()
    }


def _problems(directory: Path, step: Step) -> dict[str, str]:
    reasons = {name: check.problem(directory / name) for name in step.programs}
    return {name: reason for name, reason in reasons.items() if reason}


def _find(recipe: Recipe) -> Path | None:
    return _from_assets(recipe) or _from_cache(recipe)


def _from_assets(recipe: Recipe) -> Path | None:
    directory = paths.assets_dir()
    if directory is None:
        return None
    wrong = problems(directory, recipe)
    if wrong or not directory.is_dir():
        raise errors.IncompleteAssets(directory, wrong if directory.is_dir() else {})
    return directory


def _from_cache(recipe: Recipe) -> Path | None:
    directory = _entry(recipe)
    if not directory.is_dir():
        return None
    # A cache is shared by its owner's leave: what `cache_dir` has seen was its root.
    refuse_changeable(directory, "LAB_CACHE_DIR", shared=True)
    return None if problems(directory, recipe) else directory


def _entry(recipe: Recipe) -> Path:
    return paths.cache_dir() / "bin" / recipe.key()


def _make(recipe: Recipe, work: "WorkDir", progress: Progress) -> Path:
    from cluster.programs import build, download

    entry = _entry(recipe)

    def missing() -> list[Step]:
        # Also what the distribution has: a download costs little, and that program may
        # be removed later. A build leaves it out.
        return [step for step in recipe.steps if _problems(entry, step)]

    try:
        # Each makes programs of the steps in a new directory, whole steps only.
        if downloaded := download.download(recipe, missing(), work, progress):
            _install(downloaded, entry)
        if not entry.is_dir() or problems(entry, recipe):
            for built in build.build(recipe, missing(), work, progress):
                _install(built, entry)
    finally:
        work.clear()
    work.forget()
    return entry


def _install(stage: Path, entry: Path) -> None:
    make_private(entry.parent)
    entry.mkdir(exist_ok=True)
    # The umask must not bar a machine that root starts: it reads as another account.
    entry.chmod(0o755)
    # Programs come after what they need in a directory beside them, links at last.
    for program in sorted(stage.iterdir(), key=lambda p: (p.is_symlink(), p.is_file())):
        if program.is_dir():
            program.chmod(0o755)
            shutil.rmtree(entry / program.name, ignore_errors=True)
        elif not program.is_symlink():
            program.chmod(0o755)
            # A crash of the machine must not leave the names of empty files.
            with program.open("rb") as file:
                os.fsync(file.fileno())
        program.replace(entry / program.name)


@contextmanager
def _state_errors(work: "WorkDir") -> Iterator[None]:
    try:
        make_private(work.root)
        yield
    except OSError as error:
        raise errors.StateError(
            Path(error.filename or work.root),
            say(
                "programs cannot be made here: {reason}.",
                reason=error.strerror or error,
            ),
            say("Fix that, or name another directory in LAB_CACHE_DIR."),
        ) from error
