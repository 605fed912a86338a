"""Look at this machine and list every problem at once, each with its way out.

A topic reads its facts (effects) and judges them (pure). Nothing here changes the
machine, starts the cluster, or talks to a cluster that is not ours.
"""

from collections.abc import Iterable

from cluster import backends, errors
from cluster.doctor import cluster, programs
from cluster.doctor.findings import Finding, Topic, fatal, report

__all__ = ["Finding", "examine", "report"]


def examine(topics: Iterable[type[Topic]] | None = None) -> list[Finding]:
    """Look at everything; return the findings in a fixed order, never raise.

    `topics` None are those of the backend of this machine.
    """
    topics = _topics() if topics is None else topics
    found = [finding for topic in topics for finding in _look(topic)]
    # What several topics stumble over is told once.
    return list({(f.message if f.fatal else f): f for f in reversed(found)}.values())[
        ::-1
    ]


def _topics() -> tuple[type[Topic], ...]:
    needs: tuple[type[Topic], ...] = ()
    try:
        if known := backends.BACKENDS.get(backends.chosen().backend):
            needs = (*known().topics(), cluster.Programs)
    except errors.LabError:
        pass  # the first topic says what is wrong
    general = (cluster.Chosen, cluster.Directories)
    return (*general, *needs, programs.Shell, cluster.Cluster)


def _look(topic: type[Topic]) -> list[Finding]:
    name = topic.__name__.lower()
    try:
        return list(topic.read().findings())
    except errors.LabError as error:
        return [fatal(name, error.message, error.hint)]
    except Exception as error:
        # One look that fails must not hide what the others see.
        return [
            fatal(
                name,
                f"could not be examined: {type(error).__name__}: {error}",
                "This is a bug of these notebooks: please report it with this line.",
            )
        ]
