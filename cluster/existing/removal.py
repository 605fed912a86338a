"""Say what `delete` does on a cluster of one's own: to it, or only here.

A cluster that is gone, or is another one by now, is not touched. What was learned of it
goes all the same, as nobody could use it.
"""

from dataclasses import dataclass
from pathlib import Path

from cluster import errors

#: by these it is known that the cluster which was agreed to cannot be asked
LOST = (
    errors.OtherCluster,
    errors.Unreachable,
    errors.NotAdmitted,
    errors.LacksRights,
    errors.KubeconfigError,
)


@dataclass(frozen=True)
class Removal:
    """What `delete` would remove: the namespaces at a server, and the state directory.

    `lost` is a sentence if that cluster cannot be asked: then the namespaces are those
    that are known here, and none of them is removed. `selector` finds them.
    """

    server: str
    selector: str
    namespaces: tuple[str, ...]
    state: Path
    lost: str = ""

    def question(self) -> str:
        """Return what has to be agreed to."""
        if self.lost:
            return f"Remove what is here, in {self.state}, and nothing there?"
        names = ", ".join(self.namespaces) or "none just now"
        return (
            f"Remove namespaces of the lessons ({names}) from {self.server}, and what "
            "is here?"
        )

    def left(self) -> str:
        """Return what is told of namespaces that were not removed, "" if all were."""
        if not self.lost:
            return ""
        names = ", ".join(self.namespaces) or "none is known here"
        return (
            f"no namespaces were removed from {self.server} ({names}); if it comes "
            f"back: `kubectl delete namespaces --selector={self.selector}`"
        )


def known(state: Path) -> tuple[str, ...]:
    """Return the namespaces that notebooks have a kubeconfig for in `state`, sorted."""
    files = state.glob("kubeconfig.*.*")
    return tuple(sorted({file.name.split(".")[1] for file in files}))
