"""Open the backend of this machine: read its facts, choose, and hand it over.

A further backend is a class with the methods of `cluster.backend.Backend`, a row in
BACKENDS, and a file that marks its state directory.
"""

import functools
import os
import sys
from dataclasses import dataclass

from cluster import errors, paths
from cluster.backend import Backend
from cluster.errors import with_commands
from cluster.language import mark, say
from cluster.progress import Progress
from cluster.statedir import CONTROL_PLANE_MARK

#: leaves the choice to the machine
AUTO = "auto"
LOCAL, KIND, EXISTING, CONTROL_PLANE = "local", "kind", "existing", "control-plane"
#: is there where Python runs in a browser, and nowhere else
TAB = "tab"
#: the values of `--backend` and LAB_BACKEND
NAMES = (AUTO, LOCAL, KIND, CONTROL_PLANE, EXISTING)
#: no cluster can be had
NONE = "none"
LINUX, MACOS, BROWSER = "linux", "darwin", "emscripten"

#: overrides the choice, as `--backend` does
VARIABLE = "LAB_BACKEND"
#: told where a single command of an administrator allows the local cluster
HINT = mark("one sudo allows a local cluster here: see `.venv/bin/kapi doctor`")
#: files in a state directory, and whose cluster is in it then
MARKS = {
    "existing.json": EXISTING,
    "kind.json": KIND,
    CONTROL_PLANE_MARK: CONTROL_PLANE,
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


def _tab() -> Backend:
    from cluster.tab.backend import Tab

    return Tab()


BACKENDS = {
    LOCAL: _local,
    KIND: _kind,
    CONTROL_PLANE: _control_plane,
    EXISTING: _existing,
    TAB: _tab,
}


class MachineFacts:
    """The facts of this machine, each read when it is first used."""

    system = sys.platform

    def __init__(self, name: str | None = None) -> None:
        self.asked = name or os.environ.get(VARIABLE) or AUTO
        if self.asked not in NAMES:
            hint = say("Known: {names}.", names=", ".join(NAMES))
            message = say("is no backend.")
            raise errors.LabError(f"{VARIABLE}={self.asked}: {message}", hint)

    @functools.cached_property
    def kept(self) -> str:
        """Return whose cluster is in the state directory, "" for none."""
        state = paths.state_dir()
        names = (name for mark, name in MARKS.items() if (state / mark).exists())
        return next(names, "")

    @functools.cached_property
    def _engine(self) -> tuple[str, str]:
        from cluster.kind import engine

        program, reason = engine.detect()
        return str(program or ""), reason

    @property
    def engine(self) -> str:
        """Return the container engine that answers, or ""."""
        return self._engine[0]

    @property
    def engine_problem(self) -> str | None:
        """Return why no container engine answers, or None."""
        return self._engine[1] or None

    @functools.cached_property
    def trial(self):
        """Return how far a start of the local cluster gets, as far as the kernel."""
        from cluster.local import trial

        try:
            return trial.attempt_here()
        except OSError:
            # No directory to try it in: its own start says best what is wrong.
            return trial.TrialResult()

    @property
    def namespace_problem(self) -> str | None:
        """Return why the local cluster's namespaces cannot be made, or None."""
        return self.trial.clause

    @property
    def namespace_hint(self) -> str:
        """Return what would allow the namespaces, or ""."""
        problem = self.trial.problem
        return problem.hint if problem else ""


@dataclass(frozen=True)
class Choice:
    """A backend, and a clause that says why."""

    backend: str
    reason: str
    #: How to allow namespaces, or what to do without a backend; "" uses the hint of
    #: `refusal`.
    hint: str = ""


def refusal(none: Choice) -> errors.LabError:
    """Return the error for a choice of no backend."""
    return errors.LabError(
        say("No cluster can be had here: {reason}.", reason=none.reason),
        none.hint
        or say(
            "Name another backend in LAB_BACKEND or with --backend, or another "
            "directory in LAB_STATE_DIR; `.venv/bin/kapi doctor` says more."
        ),
    )


def choose(machine: MachineFacts) -> Choice:
    """Return the backend for this machine: the first row that fits. Pure.

    asked for       cluster kept here   the machine                    backend
    a backend       of another          —                              none
    a backend       none, or its own    can run it                     that one
    a backend       none                cannot                         none
    nothing         of any backend      —                              that one
    nothing         none                is a browser's tab             tab
    nothing         none                is a Mac, and an engine        kind
                                        answers
    nothing         none                is no Linux                    none
    nothing         none                allows namespaces              local
    nothing         none                forbids them, and an engine    kind
                                        on which a node can run
                                        answers: Docker or Podman
    nothing         none                forbids them                   control-plane

    A kept cluster comes first, because its objects are in it. `local` comes before
    kind: it needs no engine, and it is what the tests run on a real machine. On macOS
    the engine brings the Linux that kind needs, in a virtual machine. `existing` is a
    cluster that the learner has named; it is never guessed.
    """
    if machine.asked != AUTO:
        return _choose_named(machine)
    if machine.kept:
        return Choice(machine.kept, say("its cluster is kept in the state directory"))
    if machine.system == BROWSER:
        return Choice(TAB, say("this is a browser's tab"))
    if machine.system == MACOS and machine.engine:
        text = mark("this is macOS, and {engine} answers")
        return Choice(KIND, say(text, engine=machine.engine))
    if machine.system == MACOS:
        text = mark("on macOS it needs Docker or Podman, and {problem}")
        hint = say("Start one of them, and try again.")
        return Choice(NONE, say(text, problem=machine.engine_problem), hint)
    if machine.system != LINUX:
        return Choice(NONE, *_no_linux(machine))
    if not machine.namespace_problem:
        return Choice(LOCAL, say("namespaces can be made"))
    reason, hint = machine.namespace_problem, machine.namespace_hint
    if machine.engine:
        text = mark("{reason}, and {engine} answers")
        return Choice(KIND, say(text, reason=reason, engine=machine.engine), hint)
    text = mark("{reason}, and {problem}")
    reason = say(text, reason=reason, problem=machine.engine_problem)
    return Choice(CONTROL_PLANE, reason, hint)


def _no_linux(machine: MachineFacts) -> tuple[str, str]:
    """Return the reason and the way out of a system that is not Linux."""
    reason = say("this is {system}, not Linux", system=machine.system)
    return reason, say(
        "Use WSL 2 or a virtual machine, or run the container image, as docs/binder.md "
        "says."
    )


def _choose_named(machine: MachineFacts) -> Choice:
    name = machine.asked
    if machine.kept not in ("", name):
        text = mark("the state directory keeps a cluster of {kept}")
        return _no_backend(name, say(text, kept=machine.kept))
    if machine.kept:
        return Choice(name, say("it was asked for, and its cluster is kept"))
    if name == EXISTING:
        text = mark("no cluster has been named; `.venv/bin/kapi use` does that")
        return _no_backend(name, say(text))
    if machine.system != LINUX and (name, machine.system) != (KIND, MACOS):
        return _no_backend(name, *_no_linux(machine))
    if name == KIND and machine.engine_problem:
        return _no_backend(name, machine.engine_problem)
    # Whether it may make namespaces the local cluster says best itself.
    return Choice(name, say("it was asked for"))


def _no_backend(name: str, reason: str, hint: str = "") -> Choice:
    text = mark("{wanted} was asked for, and {reason}")
    return Choice(NONE, say(text, wanted=name, reason=reason), hint)


def kept_backend() -> Backend:
    """Return the backend of the state directory, by default the local backend."""
    return BACKENDS[MachineFacts(AUTO).kept or LOCAL]()


def machine_choice() -> Choice:
    """Return the backend for this machine, and the reason; raise LabError."""
    return choose(MachineFacts())


def current(name: str | None = None, progress: Progress | None = None) -> Backend:
    """Return the backend of this machine; raise LabError where none can be had.

    `name` is a name of NAMES; None looks at LAB_BACKEND. `progress` is told
    the reason where no cluster is kept yet, for good if it is not the first choice.
    """
    machine = MachineFacts(name)
    choice = choose(machine)
    if choice.backend in BACKENDS:
        if progress and not machine.kept:
            tell = progress.finish if choice.hint else progress.update
            text = mark("a {backend} cluster, because {reason}")
            tell(say(text, backend=choice.backend, reason=choice.reason))
            if "sudo " in choice.hint:
                progress.finish(with_commands(say(HINT)))
        return BACKENDS[choice.backend]()
    raise refusal(choice)
