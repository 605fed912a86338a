"""Look at this machine and list every problem at once, each with its way out.

A topic reads its facts (effects) and judges them (pure). Nothing here changes the
machine, starts the cluster, or talks to a cluster that is not ours.
"""

from collections.abc import Iterable
from typing import Protocol

from cluster import backends, errors
from cluster.choice import CONTROL_PLANE, EXISTING, KIND, LINUX
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


#: what runs this, on what, and how a cluster is run there
_BEGIN = (machine.Python, machine.Kernel, cluster.Chosen)
#: what the notebooks find around them, on any backend
_AROUND = (programs.Shell, machine.Client, machine.Proxies, machine.Kubeconfigs)
#: in the order in which a person wants to know
TOPICS: tuple[type[Topic], ...] = (
    *_BEGIN,
    machine.Namespaces,
    machine.UserIds,
    machine.Limits,
    cluster.Directories,
    programs.Binaries,
    programs.Build,
    programs.Image,
    programs.Runtime,
    *_AROUND,
    cluster.Port,
    cluster.Cluster,
)
#: where kind makes the cluster, the node is the engine's business
KIND_TOPICS: tuple[type[Topic], ...] = (
    *_BEGIN,
    programs.Engine,
    cluster.Directories,
    programs.KindPrograms,
    programs.Image,
    *_AROUND,
    cluster.Cluster,
)
#: without a node there are no namespaces, images and tools of containers to look at
CONTROL_PLANE_TOPICS: tuple[type[Topic], ...] = (
    *_BEGIN,
    cluster.Directories,
    cluster.ControlPlane,
    *_AROUND,
    cluster.Port,
    cluster.Cluster,
)
#: what the cluster itself needs, those know who run it
EXISTING_TOPICS: tuple[type[Topic], ...] = (
    machine.Python,
    cluster.Chosen,
    cluster.Directories,
    *_AROUND,
    cluster.Cluster,
)
#: without Linux and without an engine there is one thing to say
FOREIGN_TOPICS: tuple[type[Topic], ...] = (*_BEGIN, cluster.Directories, *_AROUND)


def examine(topics: Iterable[type[Topic]] | None = None) -> list[Finding]:
    """Look at everything; return the findings in a fixed order, never raise.

    `topics` None are those of the backend of this machine.
    """
    topics = _topics() if topics is None else topics
    found = [finding for topic in topics for finding in _look(topic)]
    # What several topics stumble over is told once.
    return list({(f.fact if f.fatal else f): f for f in reversed(found)}.values())[::-1]


_TOPICS = {
    KIND: KIND_TOPICS,
    CONTROL_PLANE: CONTROL_PLANE_TOPICS,
    EXISTING: EXISTING_TOPICS,
}


def _topics() -> tuple[type[Topic], ...]:
    try:
        backend = backends.chosen().backend
    except errors.LabError:
        return TOPICS  # and the topic of the backend says what is wrong
    here = TOPICS if backends.Here.system == LINUX else FOREIGN_TOPICS
    return _TOPICS.get(backend, here)


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
