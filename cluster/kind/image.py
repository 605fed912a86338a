"""Make the image of the lessons in a container of the engine, where there is no Linux.

The recipe is that of `cluster.image`: a Debian container runs it, and writes the
archive to its standard output. It sees this package, and the kubectl for pods, which is
downloaded here: by the sums, the mirror and the proxy of this machine.
"""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, processes, versions
from cluster.image.cache import architecture
from cluster.kind.engine import Engine
from cluster.machine import logs
from cluster.programs import download, releases
from cluster.progress import Progress

#: last lines of the container's output that an error shows
_TAIL = 20
#: what the container runs; its arguments are those of `cluster.image`
SCRIPT = """
exec 3>&1 >&2
apt-get update -q
apt-get install -qy --no-install-recommends mmdebstrap python3-pip
PYTHONPATH=/suite python3 -m cluster.image "$@" >&3
"""

_NAME = f"kubernetes-api-notebooks-{os.getpid()}"


@dataclass(frozen=True)
class Container:
    """Makes archives by `engine`, and shows how far it is."""

    engine: Engine
    progress: Progress

    def make(self, work: Path, log: Path, client: tuple[str, ...]) -> Path:
        """Return an archive in the empty directory `work`.

        Raise BuildFailed, LabError without a kubectl for pods.
        """
        kubectl, archive = self._kubectl(work), work / "archive.tar"

        def show(_: int) -> None:
            last = logs.tail(log, 1).strip() or "starting"
            self.progress.update(f"toolbox image, in a container: {last}")

        command = self.command(kubectl, client)
        try:
            code = processes.run(command, log=log, output=archive, watch=show)
        finally:
            # A client that is interrupted leaves its container.
            remove = [self.engine.program, "rm", "--force", _NAME]
            subprocess.run(remove, capture_output=True)
        if code:
            what, tail = f"the toolbox image ({self.engine} run)", logs.tail(log, _TAIL)
            raise errors.BuildFailed(what, code, tail, log)
        return archive

    def command(self, kubectl: Path, client: tuple[str, ...]) -> list[str]:
        """Return the command that writes the archive to its standard output."""
        return [
            *(self.engine.program, "run", "--rm", "--pull=missing", f"--name={_NAME}"),
            # An engine may be set to another machine's.
            f"--platform=linux/{architecture()}",
            f"--volume={processes.PACKAGES}/cluster:/suite/cluster:ro",
            f"--volume={kubectl}:/kubectl:ro",
            *(versions.DEBIAN, "sh", "-ec", SCRIPT, "sh", architecture(), *client),
        ]

    def _kubectl(self, work: Path) -> Path:
        release = releases.PUBLISHED["kubectl"].at(
            architecture(), releases.mirror(), releases.LINUX
        )
        fetched, failed = download.fetch([release], work, self.progress)
        if release in failed:
            raise errors.LabError(
                f"kubectl for the pods could not be downloaded: {failed[release]}.",
                "Check the network, or name a mirror in LAB_MIRROR.",
            )
        kubectl = fetched[release]
        kubectl.chmod(0o755)
        return kubectl
