"""Use the cluster in this browser tab, which the page has started before Python."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from cluster import errors, paths, statedir
from cluster.backend import STATUS, Backend
from cluster.kubeconfig import embed
from cluster.language import mark, say
from cluster.progress import Progress

#: where the cluster's program listens, and where it keeps its keys
SERVER, KEYS = "https://127.0.0.1:6443", Path("/etc/kubernetes")


@dataclass(frozen=True)
class Tab(Backend):
    """The cluster whose keys are in the directory `keys`; it ends with the tab."""

    name = "tab"
    about = "the cluster in this browser tab, which ends with it"
    logs = ()
    context = "tab"

    state: Path = field(default_factory=paths.state_dir)
    keys: Path = KEYS

    def running(self) -> bool:
        """Return whether Python has connected in this tab before."""
        return self.kubeconfig.exists()

    def binaries(self) -> None:
        """Return None: kubectl is a program of the tab, and is in the PATH."""

    def setup(self, progress: Progress) -> tuple[Path, Path | None]:
        """Return where programs seem to be; the page has fetched all."""
        return Path("/usr/bin"), None

    def is_prepared(self) -> bool:
        """Return True: the page has fetched all."""
        return True

    def up(self, progress: Progress | None = None, *, port: int | None = None) -> None:
        """Write the kubeconfig of the administrator; the cluster runs already."""
        if self.running():
            if progress:
                # The reason of the choice was for the first call.
                progress.clear()
            return
        statedir.make(self.state)
        document = embed(
            self.keys,
            "admin",
            server=SERVER,
            context=self.context,
            user="kubernetes-admin",
        )
        statedir.write_private(self.kubeconfig, json.dumps(document, indent=1))

    def stop(self) -> bool:
        """Raise LabError: it ends with the tab."""
        raise _fixed_error(say("A stop"))

    def delete(self) -> bool:
        """Raise LabError: it ends with the tab."""
        raise _fixed_error(say("A removal"))

    def status(self) -> dict | None:
        """Return the status, with the keys of `STATUS`."""
        return {
            **STATUS,
            "phase": "ready",
            "server": SERVER,
            "kubeconfig": str(self.kubeconfig),
        }

    def news(self, ended: str | None) -> list[str]:
        """Return how long the objects are kept."""
        return [say("It ends with this tab, and a reload makes another.")]

    def log(self, component: str, lines: int, *, previous: bool = False) -> str:
        """Raise LabError: its log is in the console of the browser."""
        raise _fixed_error(say("A log of a component"))

    def images(self) -> list:
        """Return the one image."""
        return ["docker.io/library/toolbox:1"]

    def add_image(self, archive: Path) -> list[str]:
        """Raise LabError: a container is no Linux, so an image is of no use."""
        raise _fixed_error(say("An import of images"))

    def image_hint(self) -> str:
        """Return the way out where an image cannot be pulled."""
        return say("In a browser's tab `toolbox:1` is the only image.")

    def audit_log(self) -> str:
        """Raise LabError: the API server writes none."""
        raise _fixed_error(say("An audit log"))

    def signing_key(self) -> bytes:
        """Return the key that signs ServiceAccount tokens, as PEM."""
        return (self.keys / "sa.key").read_bytes()


def _fixed_error(what: str) -> errors.LabError:
    text = mark("{what} is not possible for the cluster in a browser's tab.")
    return errors.LabError(say(text, what=what), say("Reload the page for a new one."))
