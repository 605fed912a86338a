"""Choose what runs the cluster on a machine, and say why. Pure: it asks, and decides.

The machine is asked for one fact after the other, and for no more than it takes.
"""

from dataclasses import dataclass
from typing import Protocol

#: lets the machine decide
AUTO = "auto"
LOCAL, KIND, OWN, CONTROL_PLANE = "local", "kind", "own", "control-plane"
#: what `--backend` and LAB_BACKEND may name
NAMES = (AUTO, KIND, LOCAL, OWN, CONTROL_PLANE)
#: no cluster can be had
NONE = "none"


class Facts(Protocol):
    """What is known of a machine; each is found out when it is first asked for.

    A `no_` fact is the reason why something cannot be had, "" if it can.
    """

    #: a name of NAMES
    asked: str
    #: whose cluster the state directory keeps, running or not; "" for none yet
    kept: str
    #: "linux", "darwin", …
    system: str
    #: the container engine that answers here, as "docker 28.2.2"
    engine: str
    no_engine: str
    no_namespaces: str


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
    nothing         none                Docker or Podman answers       kind
    nothing         none                Linux lets us make namespaces  local
    nothing         none                Linux forbids them             control-plane
    nothing         none                is no Linux                    none

    A cluster that is kept comes first, because its objects are in it: who installs
    Docker later does not lose them. kind comes before ours, because its node is a
    whole one: cgroups, and images from the internet. "Own" is a cluster that the
    learner has named; it is never guessed.
    """
    if machine.asked != AUTO:
        return _asked(machine)
    if machine.kept:
        return Choice(machine.kept, "its cluster is kept in the state directory")
    if machine.engine:
        return Choice(KIND, f"{machine.engine} answers")
    if machine.system != "linux":
        return Choice(NONE, f"{machine.system} is no Linux, and {machine.no_engine}")
    if machine.no_namespaces:
        why = f"{machine.no_engine}, and {machine.no_namespaces}"
        return Choice(CONTROL_PLANE, why)
    return Choice(LOCAL, f"{machine.no_engine}, and namespaces can be made")


def _asked(machine: Facts) -> Choice:
    wanted = machine.asked
    if machine.kept not in ("", wanted):
        kept = f"the state directory keeps a cluster of {machine.kept}"
        return Choice(NONE, f"{wanted} was asked for, and {kept}")
    if machine.kept:
        return Choice(wanted, "it was asked for, and its cluster is kept")
    lack = ""
    if wanted == KIND and not machine.engine:
        lack = machine.no_engine
    elif wanted == OWN:
        lack = "no cluster has been named; `python -m helpers use` does that"
    elif wanted in (LOCAL, CONTROL_PLANE) and machine.system != "linux":
        lack = f"{machine.system} is no Linux"
    # Whether it may make namespaces the local cluster says best itself.
    if lack:
        return Choice(NONE, f"{wanted} was asked for, and {lack}")
    return Choice(wanted, "it was asked for")
