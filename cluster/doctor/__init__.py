"""Look at this machine and list every problem at once, each with its way out.

A topic reads its facts (effects) and judges them (pure). Nothing here changes the
machine, starts the cluster, or talks to a cluster that is not ours.
"""

from collections.abc import Iterable
from typing import Protocol

from cluster import backends, errors
from cluster.choice import CONTROL_PLANE, EXISTING, KIND, LINUX, LOCAL, NONE
from cluster.doctor import cluster, machine, programs
from cluster.doctor.findings import Finding, fatal, report

__all__ = ["Finding", "examine", "report"]


class Topic(Protocol):
    """Something to look at: a frozen dataclass of facts that can judge itself."""

    @classmethod
    def read(cls) -> "Topic":
        """Find the facts out."""

    def findings(self) -> Iterable[Finding]:
        """Judge the facts; pure."""


#: what any cluster has
_BEGIN: tuple[type[Topic], ...] = (cluster.Chosen, cluster.Directories)
_END: tuple[type[Topic], ...] = (programs.Shell, cluster.Cluster)
#: what the local cluster needs, and so whatever is not in `_OTHERS`
_LOCAL: tuple[type[Topic], ...] = (
    machine.Kernel,
    machine.Namespaces,
    machine.UserIds,
    machine.Limits,
    programs.Binaries,
    programs.Build,
    programs.Image,
    programs.Runtime,
)
#: What the others need; those who run an existing cluster know that best.
_OTHERS: dict[str, tuple[type[Topic], ...]] = {
    KIND: (machine.Kernel, programs.Engine, programs.KindPrograms, programs.Image),
    CONTROL_PLANE: (machine.Kernel, cluster.ControlPlane),
    EXISTING: (),
}


def examine(topics: Iterable[type[Topic]] | None = None) -> list[Finding]:
    """Look at everything; return the findings in a fixed order, never raise.

    `topics` None are those of the backend of this machine.
    """
    topics = _topics() if topics is None else topics
    found = [finding for topic in topics for finding in _look(topic)]
    # What several topics stumble over is told once.
    return list({(f.fact if f.fatal else f): f for f in reversed(found)}.values())[::-1]


def _topics() -> tuple[type[Topic], ...]:
    try:
        backend = backends.chosen().backend
    except errors.LabError:
        backend = LOCAL  # and the topic of the backend says what is wrong
    needs = _OTHERS.get(backend, _LOCAL)
    if backend == NONE and backends.Here.system != LINUX:
        # Without Linux and without an engine there is one thing to say.
        needs = ()
    return (*_BEGIN, *needs, *_END)


def _look(topic: type[Topic]) -> list[Finding]:
    name = topic.__name__.lower()
    try:
        return list(topic.read().findings())
    except errors.LabError as error:
        return [fatal(name, error.fact, error.way_out)]
    except Exception as error:
        # One look that fails must not hide what the others see.
        return [
            fatal(
                name,
                f"could not be examined: {type(error).__name__}: {error}",
                "This is a bug of these notebooks: please report it with this line.",
            )
        ]
