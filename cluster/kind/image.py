"""Build the image of the lessons in a container, where the host is not Linux.

What is in the image is as `cluster.image.toolbox` describes it; kubectl for the pods is
downloaded here: by the sums, the mirror and the proxy of this machine.
"""

from dataclasses import dataclass
from pathlib import Path

from cluster import errors, versions
from cluster.image import toolbox
from cluster.image.find import architecture
from cluster.kind.programs import Commands
from cluster.programs import download, releases
from cluster.progress import Progress

DOCKERFILE = f"""\
FROM {versions.DEBIAN}
RUN apt-get update -q && apt-get install -qy --no-install-recommends \
 {" ".join(toolbox.PACKAGES)} ca-certificates python3-pip
COPY requirements.txt constraints.txt /tmp/
RUN pip install --break-system-packages --no-cache-dir \
 --requirement=/tmp/requirements.txt --constraint=/tmp/constraints.txt
RUN for name in {" ".join(toolbox.BUSYBOX)}; do \
 command -v "$name" || ln -s busybox "/usr/bin/$name"; done
COPY --chown=0:0 kubectl /usr/local/bin/
ENV LANG=C.UTF-8
ENTRYPOINT ["{toolbox.INIT}", "--"]
CMD ["sleep", "infinity"]
"""


@dataclass(frozen=True)
class Container:
    """Builds archives in a container of `commands`, and shows the progress."""

    commands: Commands
    progress: Progress

    def make(self, work: Path, _: Path, client: tuple[str, ...]) -> Path:
        """Return an archive in the empty directory `work`.

        Raise KindFailed, LabError without a kubectl for pods.
        """
        context, archive = work / "context", work / "archive.tar"
        context.mkdir()
        self._kubectl(work).rename(context / "kubectl")
        (context / "Dockerfile").write_text(DOCKERFILE)
        (context / "requirements.txt").write_text(client[0])
        (context / "constraints.txt").write_text("\n".join(client[1:]))
        # An engine may be set to another machine's.
        platform = f"--platform=linux/{architecture()}"
        name = versions.TOOLBOX_IMAGE
        self._run("build", platform, f"--tag={name}", str(context))
        self._run("save", f"--output={archive}", name)
        return archive

    def _run(self, *arguments: str) -> None:
        program = self.commands.engine.program
        what = f"{program} {arguments[0]}"
        line = f"{what}: the image of the lessons"
        command = [program, *arguments]
        self.commands.run(command, what, lambda: self.progress.update(line))

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
