"""Open the backend of this machine: read its facts, choose, and hand it over.

`cluster.choice` decides. A further backend is a class with the methods of
`cluster.backend.Backend`, a row in BACKENDS, and a file that marks its state directory.
"""

import functools
import os
import sys

from cluster import choice, errors, paths
from cluster.backend import Backend
from cluster.choice import AUTO, CONTROL_PLANE, EXISTING, KIND, LOCAL, NAMES, Choice
from cluster.progress import Progress

#: overrides the choice, as `--backend` does
VARIABLE = "LAB_BACKEND"
#: what is said where the local cluster is one command of an administrator away
HINT = "one sudo allows a local cluster here: see `python -m helpers doctor`"
#: files in a state directory, and whose cluster is in it then
MARKS = {
    "existing.json": EXISTING,
    "kind.json": KIND,
    "control-plane": CONTROL_PLANE,
    "machine.lock": LOCAL,
}


def _local() -> Backend:
    from cluster.local.backend import Local

    return Local()


def _kind() -> Backend:
    from cluster.kind.backend import Kind

    return Kind()


def _control_plane() -> Backend:
    from cluster.controlplane.backend import ControlPlane

    return ControlPlane()


def _existing() -> Backend:
    from cluster.existing.backend import Existing

    return Existing()


BACKENDS = {
    LOCAL: _local,
    KIND: _kind,
    CONTROL_PLANE: _control_plane,
    EXISTING: _existing,
}


class Here:
    """The facts of this machine, each found out when it is first asked for."""

    system = sys.platform

    def __init__(self, asked: str | None = None) -> None:
        """Take what was asked for on the command line; None looks at LAB_BACKEND."""
        self.asked = asked or os.environ.get(VARIABLE) or AUTO
        if self.asked not in NAMES:
            known = f"Known: {', '.join(NAMES)}."
            fact = f"{VARIABLE}={self.asked}: is no backend."
            raise errors.LabError(fact, known)

    @functools.cached_property
    def kept(self) -> str:
        """Return whose cluster is in the state directory, "" for none."""
        state = paths.state_dir()
        found = (name for mark, name in MARKS.items() if (state / mark).exists())
        return next(found, "")

    @functools.cached_property
    def _engine(self) -> tuple[str, str]:
        from cluster.kind import engine

        found, why = engine.detect()
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
        return self.trial.lack

    @property
    def way_to_namespaces(self) -> str:
        """Return what would allow them, or ""."""
        problem = self.trial.problem
        return problem.way_out if problem else ""


def kept() -> Backend:
    """Return the backend whose cluster is in the state directory, running or not.

    Without one it is the local backend, which says so. Nothing is looked for.
    """
    return BACKENDS[Here(AUTO).kept or LOCAL]()


def chosen() -> Choice:
    """Return which backend it is here, and why; raise LabError."""
    return choice.choose(Here())


def current(asked: str | None = None, progress: Progress | None = None) -> Backend:
    """Return the backend of this machine; raise LabError where none can be had.

    `asked` is a name of `choice.NAMES`; None looks at LAB_BACKEND. `progress` is told
    the reason where no cluster is kept yet, for good if it is not the first choice.
    """
    here = Here(asked)
    made = choice.choose(here)
    if made.backend in BACKENDS:
        if progress and not here.kept:
            tell = progress.finish if made.way_out else progress.update
            tell(f"a {made.backend} cluster, because {made.reason}")
            if "sudo " in made.way_out:
                progress.finish(HINT)
        return BACKENDS[made.backend]()
    raise choice.refusal(made)
