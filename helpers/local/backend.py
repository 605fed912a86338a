"""Bring the local cluster up and down as a whole: binaries, image, keys, machine.

This is what `helpers.cluster` and the command line call; one object, one directory.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import filelock

from helpers import errors, paths
from helpers.local import images, layout, machine, pki, toolchain
from helpers.progress import Progress, Silent

#: components with a log, in the order in which they start
LOGS = (
    "machine",
    "etcd",
    "kube-apiserver",
    "containerd",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "coredns",
    "relay",
    "kube-proxy",
    "image-import",
)


@dataclass(frozen=True)
class Local:
    """The local cluster whose state is in the directory `state`."""

    name = "local"
    context = layout.CONTEXT

    state: Path = field(default_factory=paths.state_dir)

    @property
    def kubeconfig(self) -> Path:
        """Return where the learner's kubeconfig is."""
        return self.state / "kubeconfig"

    @property
    def _machine(self) -> machine.Machine:
        return machine.Machine(self.state)

    def binaries(self) -> Path | None:
        """Return the directory that holds kubectl, or None before the set-up."""
        return toolchain.find()

    def setup(self, progress: Progress) -> tuple[Path, Path]:
        """Make what a start needs: the binaries' directory and the image archive."""
        binaries = toolchain.ensure(progress)
        return binaries, images.ensure(binaries, progress)

    def up(self, progress: Progress | None = None, *, port: int | None = None) -> None:
        """Start the cluster, or attach to it; return when it is ready.

        `port` None keeps the port of the last start where it is free. Two callers at
        once get one cluster. Raise a subclass of LabError; nothing is left running.
        """
        progress = progress or Silent()
        self._make_state()
        with self._starting(progress):
            if self._machine.running():
                self._machine.await_ready(progress)
                if port and port != machine.port_of(self.state):
                    raise errors.StartFailed(
                        f"The cluster runs already, on port "
                        f"{machine.port_of(self.state)}.",
                        "Stop it first with `python -m helpers stop`.",
                    )
            else:
                self._start(progress, port)

    def stop(self) -> bool:
        """Stop the cluster and keep its objects; return False if it did not run."""
        return self._machine.stop()

    def delete(self) -> bool:
        """Stop the cluster and remove its state; return False if there was none."""
        existed = (self.state / "pki").exists()
        self._machine.stop()
        if self.state.exists():
            machine.remove_tree(self.state)
        return existed

    def status(self) -> dict | None:
        """Return what the cluster says of itself, or None if it does not run.

        The keys are those of `Machine.status()`, and `server` and `kubeconfig`.
        """
        found = self._machine.status()
        if found is None:
            return None
        server = f"https://127.0.0.1:{machine.port_of(self.state)}"
        return {**found, "server": server, "kubeconfig": str(self.kubeconfig)}

    def log(self, component: str) -> Path:
        """Return the path of a component's log; raise UnknownComponent."""
        if component not in LOGS:
            raise errors.UnknownComponent(component, list(LOGS))
        return self.state / "logs" / f"{component}.log"

    def images(self) -> list[images.Image]:
        """Return the images that pods can use; raise NotRunning."""
        return images.list_images(*self._containerd())

    def add_image(self, archive: Path) -> list[str]:
        """Import an image archive and return the names in it.

        Raise ImageError for a file that is none, NotRunning.
        """
        return images.import_archive(*self._containerd(), archive)

    def _containerd(self) -> tuple[Path, Path]:
        if not self._machine.running():
            raise errors.NotRunning
        return toolchain.ensure(Silent()) / "ctr", self.state / "run" / "containerd.sock"

    def _start(self, progress: Progress, port: int | None) -> None:
        binaries, archive = self.setup(progress)
        progress.update("making keys and certificates")
        pki.ensure(self.state / "pki")
        pki.write_component_kubeconfigs(self.state / "pki")
        wanted = machine.port_of(self.state) if port is None else port
        try:
            bound = self._machine.start(binaries, archive, wanted, progress)
        except errors.PortTaken:
            if port is not None:
                raise
            # Last time's port was only a habit.
            bound = self._machine.start(binaries, archive, 0, progress)
        document = pki.kubeconfig(
            self.state / "pki",
            "admin",
            server=f"https://127.0.0.1:{bound}",
            user="kubernetes-admin",
        )
        pki.write_private(self.kubeconfig, json.dumps(document, indent=2))

    def _make_state(self) -> None:
        try:
            self.state.mkdir(mode=0o700, parents=True, exist_ok=True)
            (self.state / "up.lock").touch(mode=0o600)
        except OSError as error:
            raise errors.StateError(
                self.state,
                f"cannot be used: {error.strerror}.",
                "Make it writable, or name another directory in LAB_STATE_DIR.",
            ) from error

    def _starting(self, progress: Progress) -> filelock.BaseFileLock:
        lock = filelock.FileLock(self.state / "up.lock", mode=0o600)
        while True:
            try:
                return lock.acquire(timeout=0.2)
            except filelock.Timeout:
                progress.update("another process is starting the cluster; waiting")
