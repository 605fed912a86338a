"""Define the interface of a backend, the keys of its status, and its logs."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from cluster import errors
from cluster.language import mark, say
from cluster.progress import Progress

if TYPE_CHECKING:
    from cluster.findings import Topic

#: the label by which a namespace of ours is known from all others
LABEL, MANAGER = "app.kubernetes.io/managed-by", "kubernetes-api-notebooks"
#: components of the local cluster, in the order in which they start
LOCAL = (
    "machine",
    "etcd",
    "seed",
    "kube-apiserver",
    "containerd",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "coredns",
    "registry",
    "kube-proxy",
    "image-import",
)
#: components of a kind cluster: container, its services, what further containers run
KIND = (
    "node",
    "kubelet",
    "containerd",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kindnet-cni",
    "coredns",
)
#: Every key of a status, with its value for a cluster that does not run. Programs read
#: them by `status --json`, and people in cluster/docs/cluster.md. A cluster of kind and
#: an existing one leave these values where they know nothing.
STATUS: dict[str, Any] = {
    # not running, starting, ready, degraded, not answering, stopping, stopped, failed
    "phase": "not running",
    # a text: what is wrong, and often a line with the way out; None if nothing is
    "problem": None,
    # names of components and labels of tasks that are not ready, in order of start
    "awaited": [],
    # how many there are of those, ready or not
    "steps": None,
    # the component that could not start
    "failed": None,
    # seconds of the epoch: when this start began, and when the cluster was first ready
    "began": None,
    "ready_at": None,
    # URL of the API server for this machine, path of the learner's kubeconfig
    "server": None,
    "kubeconfig": None,
    # how many user ids pods can have: 1, or up to 65536
    "ids": None,
    # True if Linux enforces the limits of pods, False if they are only recorded
    "limits": None,
    # True if the system calls of pods are filtered
    "seccomp": None,
    # True if kube-proxy runs: without it only Services `kubernetes` and DNS work
    "service_proxy": None,
    # containerd's: overlayfs, or native, which copies the files of each image
    "snapshotter": None,
    # a clause: when the cluster ends by itself, and what prevents that; "" if never
    "ends": "",
    # components of a node that this cluster does not have
    "absent": [],
    # by name, each with the fields of `machine.supervisor.ComponentState`
    "components": {},
}


def waiting_text(awaited: Sequence[str], steps: int | None) -> str:
    """Return how far a start is, in one line of a terminal: a name, and how many."""
    name = say(awaited[0]) if awaited else say("the last checks")
    if len(awaited) > 1:
        name = say("{name} and {count} more", name=name, count=len(awaited) - 1)
    waiting = say("waiting for {what}", what=name)
    if not steps:
        return waiting
    done = say("{count} of {all} ready", count=steps - len(awaited), all=steps)
    return f"{done}; {waiting}"


class Backend(Protocol):
    """A backend, which runs a cluster; every method may raise a LabError."""

    #: as it shows in `repr` and in `status`
    name: str
    #: the cluster that it runs, in the words of `doctor`
    about: str
    #: the directory of the cluster's state
    state: Path
    #: bytes that a start wants free there
    disk: int = 0

    @property
    def logs(self) -> tuple[str, ...]:
        """Return the components that `log` knows."""

    @property
    def kubeconfig(self) -> Path:
        """Return where the learner's kubeconfig is."""
        return self.state / "kubeconfig"

    @property
    def context(self) -> str:
        """Return the name of the kubeconfig's context."""

    def running(self) -> bool:
        """Return whether the cluster runs, ready or not."""

    def binaries(self) -> Path | None:
        """Return the directory that holds kubectl, or None before the set-up."""

    def setup(self, progress: Progress) -> tuple[Path, Path | None]:
        """Get the directory of binaries and the image archive, None without a node."""

    def is_prepared(self) -> bool:
        """Return whether a start would find all files and make nothing."""
        return self.binaries() is not None

    def topics(self) -> "tuple[type[Topic], ...]":
        """Return the topics of `doctor`: causes of a failed or slow start."""
        return ()

    def up(self, progress: Progress | None = None, *, port: int | None = None) -> None:
        """Start the cluster, or attach to it; return when it is ready."""

    def stop(self) -> bool:
        """Stop the cluster and keep its objects; return False if no cluster ran."""

    def question(self) -> str:
        """Return the question that `delete` asks."""
        text = mark("Remove the cluster and all its objects in {place}?")
        return say(text, place=self.state)

    def delete(self) -> bool:
        """Stop the cluster and remove its state; return False if there was none."""

    def status(self) -> dict | None:
        """Return the status, with the keys of `STATUS`; None if no cluster runs."""

    def full_status(self) -> dict:
        """Return the status, also of a cluster that does not run."""
        return self.status() or {**STATUS, "problem": self.why_it_ended()}

    def ends(self) -> str:
        """Return when the cluster will end by itself, and what prevents that, or ""."""
        return ""

    def why_it_ended(self) -> str | None:
        """Return why the cluster ended without `stop`, or None if that is not known."""
        return None

    def news(self, ended: str | None) -> list[str]:
        """Return what to tell after a start; `ended` is the reason from before it."""
        lines = []
        if ended:
            text = mark(
                "The cluster had stopped, because {reason}. Its objects are kept."
            )
            lines.append(say(text, reason=say(ended)))
        if ends := self.ends():
            lines.append(say("It ends {when}.", when=ends))
        return lines

    def log(self, component: str, lines: int, *, previous: bool = False) -> str:
        """Return the last lines of a component's log."""

    def require_component(self, name: str) -> None:
        """Raise LabError unless `log` knows the component."""
        if name not in self.logs:
            names = ", ".join(self.logs)
            text = mark("There is no component {name!r}; known: {names}.")
            raise errors.LabError(say(text, name=name, names=names))

    def images(self) -> list:
        """Return the images that pods can use."""

    def add_image(self, archive: Path) -> list[str]:
        """Import an image archive and return the names in it."""

    def image_hint(self) -> str:
        """Return the way out where an image cannot be pulled."""

    def require_node(self, what: str, *, wait: bool = True) -> None:
        """Return when pods can run, without `wait` when a node starts; raise NoNode."""
        return

    def slowness(self) -> float:
        """Return how many times as long as usual things take here, at least 1."""
        return 1.0

    def namespace_labels(self) -> dict[str, str]:
        """Return the labels by which a namespace of this learner is known."""
        return {LABEL: MANAGER}

    def host(self) -> str:
        """Return this host's name if other hosts may use the cluster, else ""."""
        # A Mac has another name in another network, a container a new one each time.
        return ""

    def admit(self, namespace: str) -> None:
        """Make sure that the learner may work in a namespace just made."""
        return

    def audit_log(self) -> str:
        """Return the audit log: an event per line in JSON, "" if none is written."""

    def signing_key(self) -> bytes:
        """Return the key that signs ServiceAccount tokens, as PEM."""
        raise errors.NoSigningKey(self.name)
