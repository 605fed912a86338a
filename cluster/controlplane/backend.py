"""Say what the control plane is made of: programs, processes, perhaps a node.

For machines without namespaces. Where user-mode Linux is installed, a node starts in
the background; elsewhere nothing can run a pod.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import errors, preflight, programs, versions
from cluster.bundle import ready
from cluster.controlplane.process import control_plane
from cluster.language import mark, say
from cluster.machine.backend import MachineBackend
from cluster.machine.host import Machine
from cluster.machine.logs import last_words
from cluster.programs.recipe import CONTROL_PLANE, RECIPE
from cluster.progress import Progress
from cluster.statedir import CONTROL_PLANE_MARK
from cluster.usermode import disk, kernel
from cluster.usermode.components import INSIDE, NAME, STATE
from cluster.waiting import poll

if TYPE_CHECKING:
    from cluster.findings import Topic

LOGS = (
    "machine",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
)
#: seconds that a node may take; on a busy machine with one core it took 40
NODE_TIMEOUT = 180.0


@dataclass(frozen=True)
class ControlPlane(MachineBackend):
    """The control plane whose state is in the directory `state`."""

    name = "control-plane"
    about = f"Kubernetes {versions.KUBERNETES}"
    marker = CONTROL_PLANE_MARK

    @property
    def logs(self) -> tuple[str, ...]:
        """Return the components that have a log."""
        node = (NAME, *INSIDE) if (self.state / "logs" / f"{NAME}.log").exists() else ()
        return (*LOGS, *node)

    @property
    def _machine(self) -> Machine:
        return control_plane(self.state)

    def binaries(self) -> Path | None:
        """Return the directory that holds kubectl, or None before the set-up."""
        # Where a whole cluster has been set up, all of these are there.
        return programs.find(CONTROL_PLANE, or_any=(RECIPE,))

    def setup(self, progress: Progress) -> tuple[Path, Path | None]:
        """Make the files of a start: programs, and the disk of a node or None."""
        kernel_here, _ = kernel.find()
        if kernel_here:
            try:
                ready.ensure(progress)
                directory = programs.ensure(progress)
                return directory, disk.ensure(kernel_here, directory, progress)
            except errors.LabError as error:
                # The lessons that only ask the API server need none of it.
                text = mark("without a node: {reason}")
                progress.update(say(text, reason=error.message))
        ready.ensure(progress, CONTROL_PLANE, image=False)
        return programs.ensure(progress, CONTROL_PLANE, or_any=(RECIPE,)), None

    def is_prepared(self) -> bool:
        """Return whether a start would find all programs: the image is for a node."""
        return self.binaries() is not None

    def topics(self) -> "tuple[type[Topic], ...]":
        """Return the topics of `doctor`."""
        from cluster.local.topics import PlainLimits
        from cluster.machine.topics import Kernel
        from cluster.usermode.topics import Node

        return (Kernel, PlainLimits, Node)

    def images(self) -> list:
        """Raise NoNode: images are on nodes."""
        raise errors.NoNode(say("An image"))

    def add_image(self, archive: Path) -> list[str]:
        """Raise NoNode: images are on nodes."""
        raise errors.NoNode(say("An image"))

    def node(self) -> str:
        """Return the state of the node's component, "" without a node.

        Waiting, starting, running, restarting or failed, as `status` shows it.
        """
        status = self.status() or {}
        return status.get("components", {}).get(NAME, {}).get("state", "")

    def require_node(self, what: str, *, wait: bool = True) -> None:
        """Return when pods can run; raise NoNode where none will, or not in time.

        Without `wait` return also while a node is starting.
        """
        state = ""

        def settled() -> bool:
            nonlocal state
            state = self.node()
            return state in ("", "failed", "running") or not wait

        in_time = poll(settled, NODE_TIMEOUT, what=say("the node, in user-mode Linux"))
        if not in_time or state in ("", "failed"):
            raise errors.NoNode(what, self._why_no_node(state))

    def _why_no_node(self, state: str) -> str:
        """Return why no pod can run, by the state of the node's component."""
        if not state:
            return say("this cluster has none")
        if state != "failed":
            return say("the one of this cluster is still starting")
        log = self._log_directory(NAME) / f"{NAME}.log"
        lines = last_words(log, 2).replace("\n", "; ")
        text = mark(
            "the one of this cluster did not start ({said}; all of that: "
            "`.venv/bin/kapi logs {name}`)"
        )
        return say(text, said=lines, name=NAME)

    def _log_directory(self, component: str) -> Path:
        return self.state / (STATE if component in INSIDE else "") / "logs"

    def _require_machine(self, progress: Progress) -> None:
        preflight.check(preflight.PlainAccount)
