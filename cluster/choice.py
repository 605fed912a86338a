"""Choose what runs the cluster on a machine, and say why. Pure: it asks, and decides.

The machine is asked for one fact after the other, and for no more than it takes.
"""

from dataclasses import dataclass
from typing import Protocol

from cluster import errors

#: lets the machine decide
AUTO = "auto"
LOCAL, KIND, EXISTING, CONTROL_PLANE = "local", "kind", "existing", "control-plane"
#: what `--backend` and LAB_BACKEND may name
NAMES = (AUTO, LOCAL, KIND, CONTROL_PLANE, EXISTING)
#: no cluster can be had
NONE = "none"
LINUX, MACOS = "linux", "darwin"


class Facts(Protocol):
    """What is known of a machine; each fact is read when it is first asked for."""

    @property
    def asked(self) -> str:
        """Return a name of NAMES."""

    @property
    def kept(self) -> str:
        """Return whose cluster the state directory keeps, running or not, or ""."""

    @property
    def system(self) -> str:
        """Return the operating system, as "linux" or "darwin"."""

    @property
    def engine(self) -> str:
        """Return the container engine that answers here, as "docker 28.2.2", or ""."""

    @property
    def no_engine(self) -> str:
        """Return why no engine answers, or ""."""

    @property
    def no_namespaces(self) -> str:
        """Return why no namespaces can be made, or ""."""

    @property
    def way_to_namespaces(self) -> str:
        """Return what would allow them, or ""."""


@dataclass(frozen=True)
class Choice:
    """A backend, and a clause that says why."""

    backend: str
    reason: str
    #: what would allow namespaces where they were first choice; what to do where there
    #: is no backend, "" for what `refusal` says anyway
    way_out: str = ""


def refusal(none: Choice) -> errors.LabError:
    """Return the error for a choice of no backend."""
    return errors.LabError(
        f"No cluster can be had here: {none.reason}.",
        none.way_out
        or "Name another backend in LAB_BACKEND or with --backend, or another "
        "directory in LAB_STATE_DIR; `python -m helpers doctor` says more.",
    )


def choose(machine: Facts) -> Choice:
    """Return the backend for this machine: the first row that fits.

    asked for       cluster kept here   the machine                    backend
    a backend       of another          —                              none
    a backend       none, or its own    can run it                     that one
    a backend       none                cannot                         none
    nothing         of any backend      —                              that one
    nothing         none                is a Mac, and an engine        kind
                                        answers
    nothing         none                is no Linux                    none
    nothing         none                allows namespaces              local
    nothing         none                forbids them, and an engine    kind
                                        on which a node can run
                                        answers: Docker or Podman
    nothing         none                forbids them                   control-plane

    A cluster that is kept comes first, because its objects are in it. `local` comes
    before kind: it needs no engine, and it is what the tests run on a real machine.
    On macOS the engine brings the Linux that kind needs, in a virtual machine.
    `existing` is a cluster that the learner has named; it is never guessed.
    """
    if machine.asked != AUTO:
        return _asked(machine)
    if machine.kept:
        return Choice(machine.kept, "its cluster is kept in the state directory")
    if machine.system == MACOS and machine.engine:
        return Choice(KIND, f"this is macOS, and {machine.engine} answers")
    if machine.system == MACOS:
        reason = f"on macOS it needs Docker or Podman, and {machine.no_engine}"
        return Choice(NONE, reason, "Start one of them, and try again.")
    if machine.system != LINUX:
        return _no_linux(machine)
    if not machine.no_namespaces:
        return Choice(LOCAL, "namespaces can be made")
    lack, way = machine.no_namespaces, machine.way_to_namespaces
    if machine.engine:
        return Choice(KIND, f"{lack}, and {machine.engine} answers", way)
    return Choice(CONTROL_PLANE, f"{lack}, and {machine.no_engine}", way)


#: what every machine with a container engine can do
IMAGE = "run the image of these notebooks, as docs/binder.md says"


def _no_linux(machine: Facts, wanted: str = "") -> Choice:
    asked = wanted and f"{wanted} was asked for, and "
    reason = f"{asked}this is {machine.system}, not Linux"
    return Choice(NONE, reason, f"Use WSL 2 or a virtual machine, or {IMAGE}.")


def _asked(machine: Facts) -> Choice:
    wanted = machine.asked
    if machine.kept not in ("", wanted):
        kept = f"the state directory keeps a cluster of {machine.kept}"
        return Choice(NONE, f"{wanted} was asked for, and {kept}")
    if machine.kept:
        return Choice(wanted, "it was asked for, and its cluster is kept")
    lack = ""
    if wanted == EXISTING:
        lack = "no cluster has been named; `python -m helpers use` does that"
    elif machine.system != LINUX and (wanted, machine.system) != (KIND, MACOS):
        return _no_linux(machine, wanted)
    elif wanted == KIND and not machine.engine:
        lack = machine.no_engine
    # Whether it may make namespaces the local cluster says best itself.
    if lack:
        return Choice(NONE, f"{wanted} was asked for, and {lack}")
    return Choice(wanted, "it was asked for")
