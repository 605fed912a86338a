"""Choose what runs the cluster on a machine, and say why. Pure: it asks, and decides.

The machine is asked for one fact after the other, and for no more than it takes.
"""

from dataclasses import dataclass
from typing import Protocol

#: lets the machine decide
AUTO = "auto"
LOCAL, KIND, EXISTING, CONTROL_PLANE = "local", "kind", "existing", "control-plane"
#: what `--backend` and LAB_BACKEND may name
NAMES = (AUTO, LOCAL, KIND, CONTROL_PLANE, EXISTING)
#: no cluster can be had
NONE = "none"
LINUX = "linux"


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


@dataclass(frozen=True)
class Choice:
    """A backend, and a clause that says why."""

    backend: str
    reason: str


def choose(machine: Facts) -> Choice:
    """Return the backend for this machine: the first row that fits.

    asked for       cluster kept here   the machine                    backend
    a backend       of another          —                              none
    a backend       none, or its own    can run it                     that one
    a backend       none                cannot                         none
    nothing         of any backend      —                              that one
    nothing         none                is not Linux                   none
    nothing         none                allows namespaces              local
    nothing         none                forbids them, and an engine    kind
                                        on which a node can run
                                        answers: Docker or Podman
    nothing         none                forbids them                   control-plane

    A cluster that is kept comes first, because its objects are in it. `local` comes
    before kind: it needs no engine, and it is what the tests run on a real machine.
    kind needs Linux as well, because our programs and the image are made there.
    `existing` is a cluster that the learner has named; it is never guessed.
    """
    if machine.asked != AUTO:
        return _asked(machine)
    if machine.kept:
        return Choice(machine.kept, "its cluster is kept in the state directory")
    if machine.system != LINUX:
        return Choice(NONE, _no_linux(machine))
    if not machine.no_namespaces:
        return Choice(LOCAL, "namespaces can be made")
    if machine.engine:
        return Choice(KIND, f"{machine.no_namespaces}, and {machine.engine} answers")
    return Choice(CONTROL_PLANE, f"{machine.no_namespaces}, and {machine.no_engine}")


def _no_linux(machine: Facts) -> str:
    return (
        f"{machine.system} is not Linux, on which the programs and the image are made; "
        "a Linux virtual machine, .devcontainer/ or Binder will do"
    )


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
    elif machine.system != LINUX:
        lack = _no_linux(machine)
    elif wanted == KIND and not machine.engine:
        lack = machine.no_engine
    # Whether it may make namespaces the local cluster says best itself.
    if lack:
        return Choice(NONE, f"{wanted} was asked for, and {lack}")
    return Choice(wanted, "it was asked for")
