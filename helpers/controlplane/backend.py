"""Bring the control plane up and down: the verbs of the local cluster, without a node.

For machines that let us make no namespaces. Its API server, controllers and scheduler
are the genuine ones; there is nothing that could run a pod.
"""

import contextlib
from dataclasses import dataclass
from pathlib import Path

from helpers import errors
from helpers.controlplane import machine
from helpers.local import ground, images, pki, preflight, toolchain
from helpers.local.backend import Local
from helpers.local.files import write_private
from helpers.local.recipe import CONTROL_PLANE, RECIPE
from helpers.progress import Progress

#: by this file a state directory is known as ours
MARK = "control-plane"


@dataclass(frozen=True)
class ControlPlane(Local):
    """The control plane whose state is in the directory `state`."""

    name = "control-plane"
    logs = (
        "machine",
        "etcd",
        "kube-apiserver",
        "kube-controller-manager",
        "kube-scheduler",
    )

    @property
    def _machine(self) -> machine.Machine:
        return machine.Machine(self.state)

    def binaries(self) -> Path | None:
        """Return the directory that holds kubectl, or None before the set-up."""
        with contextlib.suppress(errors.IncompleteAssets):
            # Where a whole cluster has been set up, all of these are there.
            found = toolchain.find(RECIPE)
            if found:
                return found
        return toolchain.find(CONTROL_PLANE)

    def setup(self, progress: Progress) -> tuple[Path, None]:
        """Make what a start needs: the binaries' directory. No pod needs an image."""
        return self.binaries() or toolchain.ensure(progress, CONTROL_PLANE), None

    def images(self) -> list[images.Image]:
        """Raise NoNode: images are on nodes."""
        raise errors.NoNode("An image")

    def add_image(self, archive: Path) -> list[str]:
        """Raise NoNode: images are on nodes."""
        raise errors.NoNode("An image")

    def _start(self, progress: Progress, port: int | None) -> None:
        preflight.check(preflight.PlainAccount)
        binaries, archive = self.setup(progress)
        progress.update("making keys and certificates")
        with ground.usable(self.state):
            pki.ensure(self.state / "pki")
            write_private(self.state / MARK, "")
        self._start_machine(binaries, archive, progress, port)
