"""Open the backend of this machine: find its facts out, choose, and hand it over.

How the choice is made stands in `cluster.choice`. A further backend is a class with
these verbs, a row in BACKENDS, and a file by which its state directory is known. What a
helper has to know of the cluster it asks the backend that `connect()` chose.
"""

import functools
import os
import sys
from pathlib import Path
from typing import Protocol

from cluster import choice, errors, paths
from cluster.choice import AUTO, CONTROL_PLANE, KIND, LOCAL, NAMES, OWN, Choice
from cluster.progress import Progress

#: overrides the choice, as `--backend` does
VARIABLE = "LAB_BACKEND"
#: files in a state directory, and whose cluster is in it then
MARKS = {
    "own.json": OWN,
    "kind.json": KIND,
    "control-plane": CONTROL_PLANE,
    "machine.lock": LOCAL,
}


class Backend(Protocol):
    """What runs a cluster; every method may raise a LabError.

    What has a body here is right for a cluster that needs nothing special.
    """

    #: as it shows in `repr` and in `status`
    name: str
    #: the components that `log` knows
    logs: tuple[str, ...]
    #: the directory of the cluster's state
    state: Path
    kubeconfig: Path
    context: str

    def running(self) -> bool:
        """Say whether it runs, ready or not."""

    def binaries(self) -> Path | None:
        """Return the directory that holds kubectl, or None before the set-up."""

    def setup(self, progress: Progress) -> tuple[Path, Path | None]:
        """Get what a start needs: the binaries' directory and the image archive.

        There is none where no pod can run.
        """

    def up(self, progress: Progress | None = None, *, port: int | None = None) -> None:
        """Start the cluster, or attach to it; return when it is ready."""

    def stop(self) -> bool:
        """Stop it and keep its objects; return False if it did not run."""

    def delete(self) -> bool:
        """Stop it and remove its state; return False if there was none."""

    def status(self) -> dict | None:
        """Return how it is, with the keys of `STATUS`; None if it does not run."""

    def log(self, component: str, lines: int, *, previous: bool = False) -> str:
        """Return the last lines of a component's log."""

    def images(self) -> list:
        """Return the images that pods can use."""

    def add_image(self, archive: Path) -> list[str]:
        """Import an image archive and return the names in it."""

    def image_hint(self) -> str:
        """Return the way out where an image cannot be pulled."""

    def with_image(self, text: str) -> str:
        """Return a text with the toolbox image by the name that nodes know it by.

        It is for what does not go through kubectl, as a program that runs in a pod.
        """
        return text

    def require_node(self, what: str, *, wait: bool = True) -> None:
        """Return when pods can run; raise NoNode for `what` where none will.

        Without `wait` return also while a node is starting.
        """

    def namespace_marks(self) -> dict[str, dict[str, str]]:
        """Return what tells a namespace that is made from here from other learners'.

        These are parts of its metadata: `labels` and `annotations`.
        """
        return {"labels": {}, "annotations": {}}

    def admit(self, namespace: str) -> None:
        """Make sure that the learner may work in a namespace just made."""

    def signing_key(self) -> bytes:
        """Return the key that signs ServiceAccount tokens, as PEM."""
        raise errors.NoSigningKey(self.name)


def _local() -> Backend:
    from cluster.local.backend import Local

    return Local()


def _kind() -> Backend:
    from cluster.kind.backend import Kind

    return Kind()


def _control_plane() -> Backend:
    from cluster.controlplane.backend import ControlPlane

    return ControlPlane()


def _own() -> Backend:
    from cluster.existing.backend import Own

    return Own()


BACKENDS = {LOCAL: _local, KIND: _kind, CONTROL_PLANE: _control_plane, OWN: _own}


class Here:
    """The facts of this machine, each found out when it is first asked for."""

    system = sys.platform

    def __init__(self, asked: str | None = None) -> None:
        """Take what was asked for on the command line; None looks at LAB_BACKEND."""
        self.asked = asked or os.environ.get(VARIABLE) or AUTO
        if self.asked not in NAMES:
            known = f"Known: {', '.join(NAMES)}."
            raise errors.BadSetting(VARIABLE, self.asked, "is no backend", known)

    @functools.cached_property
    def kept(self) -> str:
        """Return whose cluster is in the state directory, "" for none."""
        state = paths.state_dir()
        found = (name for mark, name in MARKS.items() if (state / mark).exists())
        return next(found, "")

    @functools.cached_property
    def _engine(self) -> tuple[str, str]:
        from cluster.kind import engine

        found, why = engine.look()
        return str(found or ""), why

    @property
    def engine(self) -> str:
        """Return the container engine that answers, or ""."""
        return self._engine[0]

    @property
    def no_engine(self) -> str:
        """Return why no container engine answers, or ""."""
        return self._engine[1]

    @functools.cached_property
    def trial(self):
        """Return how far a start of the local cluster gets, as far as the kernel."""
        from cluster.local import trial

        try:
            return trial.attempt_here()
        except OSError:
            # No directory to try it in: its own start says best what is wrong.
            return trial.Answer()

    @property
    def no_namespaces(self) -> str:
        """Return why the local cluster's namespaces cannot be made, or ""."""
        return self.trial.refused


def kept() -> Backend:
    """Return the backend whose cluster is in the state directory, running or not.

    Without one it is the local backend, which says so. Nothing is looked for.
    """
    return BACKENDS[Here(AUTO).kept or LOCAL]()


def chosen(asked: str | None = None) -> Choice:
    """Return which backend it is here, and why; raise BadSetting."""
    return choice.choose(Here(asked))


def current(asked: str | None = None, progress: Progress | None = None) -> Backend:
    """Return the backend of this machine; raise NoBackend, or what keeps it away.

    `asked` is a name of `choice.NAMES`; None looks at LAB_BACKEND. `progress` is told
    the reason where no cluster is kept yet.
    """
    here = Here(asked)
    made = choice.choose(here)
    if made.backend in BACKENDS:
        if progress and not here.kept:
            progress.update(f"a {made.backend} cluster, because {made.reason}")
        return BACKENDS[made.backend]()
    raise errors.NoBackend(made.reason)
