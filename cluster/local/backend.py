"""Say what the local cluster is made of: programs, image, a machine in namespaces."""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import errors, versions
from cluster.backend import LOCAL as LOGS
from cluster.language import mark, say
from cluster.machine.backend import MachineBackend
from cluster.machine.host import Launch, Machine, Program
from cluster.progress import Progress, Silent

# The rest is imported where it is used: `status` is asked often, a start is rare.
if TYPE_CHECKING:
    from cluster.findings import Topic
    from cluster.image import load as images
    from cluster.local.init import MachinePlan


def _plan(launch: Launch) -> "MachinePlan":
    from cluster.image import find as image_find
    from cluster.local.init import MachinePlan
    from cluster.local.rootfs import Sources

    archive = launch.archive and launch.archive.resolve()
    sources = Sources(
        str(launch.state),
        str(launch.binaries.resolve()),
        sys.base_prefix,
        str(archive) if archive else None,
        [*map(str, image_find.readable_stores(launch.archive))]
        if launch.archive
        else (),
    )
    return MachinePlan(
        sources,
        python=str(Path(sys.executable).resolve()),
        listener=launch.listener.fileno(),
        archive_key=archive.stem if archive else None,
    )


def _refusal(step: str, reason: str) -> errors.LabError:
    from cluster.local import trial

    return trial.refusal(step, reason)


NAMESPACES = Program(
    "cluster.local.namespaces.main",
    _plan,
    mark("making the namespaces of the cluster"),
    refused=_refusal,
)


@dataclass(frozen=True)
class Local(MachineBackend):
    """The local cluster whose state is in the directory `state`."""

    name = "local"
    about = f"Kubernetes {versions.KUBERNETES} in Linux namespaces"

    @property
    def logs(self) -> tuple[str, ...]:
        """Return the components that have a log."""
        return LOGS

    @property
    def _machine(self) -> Machine:
        return Machine(self.state, NAMESPACES)

    def binaries(self) -> Path | None:
        """Return the directory that holds kubectl, or None before the set-up."""
        from cluster import programs

        return programs.find()

    def setup(self, progress: Progress) -> tuple[Path, Path | None]:
        """Return the files of a start, found or made: programs and the archive."""
        from cluster.bundle import ready
        from cluster.image import find as image_find
        from cluster.local import store
        from cluster.local.images import IMPORTED
        from cluster.programs import ensure

        if not ready.ensure(progress):
            image_find.require_maker()
        programs = ensure(progress)
        archive = image_find.ensure(programs, progress)
        # A cluster keeps the store that it began with.
        if not (self.state / "node" / "containerd" / IMPORTED.name).exists():
            store.ensure(programs, archive, progress)
        return programs, archive

    def is_prepared(self) -> bool:
        """Return whether the programs and the image archive are there."""
        from cluster.image import find as image_find

        binaries = self.binaries()
        return bool(binaries and image_find.usable_archive(binaries))

    def topics(self) -> "tuple[type[Topic], ...]":
        """Return the topics of `doctor`."""
        from cluster.image.topics import Image
        from cluster.local.topics import Learners, Limits, Namespaces
        from cluster.machine.topics import Kernel
        from cluster.programs.topics import Build, Runtime

        return (Kernel, Namespaces, Learners, Limits, Build, Image, Runtime)

    def images(self) -> "list[images.StoredImage]":
        """Return the images that pods can use; raise NotRunning."""
        from cluster.image import load as images

        return images.list_images(*self._containerd())

    def add_image(self, archive: Path) -> list[str]:
        """Import an image archive and return the names in it.

        Raise LabError for a file that is none, NotRunning.
        """
        from cluster.image import load as images

        ctr, socket = self._containerd()
        used = self._machine.last_status().get("snapshotter", "overlayfs")
        return images.import_archive(ctr, socket, archive, snapshotter=used)

    def _containerd(self) -> tuple[Path, Path]:
        if not self._machine.running():
            raise errors.NotRunning
        from cluster import programs

        ctr = programs.ensure(Silent()) / "ctr"
        return ctr, self.state / "run" / "containerd.sock"

    def _require_machine(self, progress: Progress) -> None:
        """Raise LabError for a machine that cannot run the cluster."""
        from cluster import preflight
        from cluster.local import trial

        preflight.check()
        if self.binaries() is None:
            # Before minutes of building for nothing.
            progress.update(say("trying whether this machine can run the cluster"))
            if problem := trial.attempt(self.state).problem:
                raise problem
