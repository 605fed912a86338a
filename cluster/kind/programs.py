"""Find or get `kind` and images, and run it: output in a log, no orphans."""

import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from cluster import errors, processes, programs, statedir, versions
from cluster.image import toolbox
from cluster.image.find import architecture
from cluster.kind.engine import Engine
from cluster.language import mark, say
from cluster.programs import releases
from cluster.programs.check import program_version
from cluster.programs.recipe import KIND
from cluster.progress import Progress

#: last lines of output that an error shows
_TAIL = 6
#: the setting for another node image than that of our kind, or for its archive
NODE_IMAGE = "LAB_KIND_NODE_IMAGE"
_OTHER = mark(
    "Name another image in LAB_KIND_NODE_IMAGE, or an archive that `docker save` wrote."
)
_TAGGED = mark(
    "Save one image by name and tag; an image pulled by its digest has no tag."
)
#: makes the image of the lessons where the host is not Linux
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


def find_kind() -> Path | None:
    """Return a kind that knows our node image, or None; get nothing.

    The one on PATH will do if it is not older than ours: an older one may not know
    how to set up a newer node. Raise IncompleteAssets for a LAB_ASSETS without one.
    """
    on_path = shutil.which("kind")
    if on_path and _is_new_enough(Path(on_path)):
        return Path(on_path)
    directory = programs.find(KIND)
    return directory and directory / "kind"


def ensure_kind(progress: Progress) -> Path:
    """Return a kind; get it if there is none. Raise what `programs.ensure` does."""
    return find_kind() or programs.ensure(progress, KIND) / "kind"


def node_image() -> str | Path:
    """Return the name of the node image, or its archive; raise LabError."""
    value = os.environ.get(NODE_IMAGE)
    if not value:
        return versions.KIND_NODE
    path = Path(value).expanduser()
    if path.is_file():
        return path.absolute()
    # No name of an image begins like these.
    if value.startswith(("/", ".", "~")):
        message = say("there is no such file.")
        raise errors.LabError(f"{NODE_IMAGE}={value}: {message}", say(_OTHER))
    return value


def _is_new_enough(kind: Path) -> bool:
    version = program_version([kind, "version"])
    return (
        versions.parse(version).release[:2] >= versions.parse(versions.KIND).release[:2]
    )


def _kubectl_for_pods(work: Path, progress: Progress) -> Path:
    """Download kubectl for Linux: by this machine's sums, mirror and proxy."""
    from cluster.programs import download  # takes long to load

    release = releases.PUBLISHED["kubectl"].at(
        architecture(), releases.mirror(), releases.LINUX
    )
    fetched, failed = download.fetch([release], work, progress)
    if release in failed:
        text = mark("kubectl for the pods could not be downloaded: {reason}.")
        raise errors.LabError(
            say(text, reason=failed[release]),
            say("Check the network, or name a mirror in LAB_MIRROR."),
        )
    return fetched[release]


@dataclass(frozen=True)
class Commands:
    """Runs programs for the cluster in `state`, with the containers of `engine`."""

    state: Path
    engine: Engine

    def kind(self, arguments: list[str], progress: Progress) -> None:
        """Run kind, and show its present step; raise KindFailed."""
        command = [str(ensure_kind(progress)), *arguments]
        what = f"kind {' '.join(arguments[:2])}"
        began = self.log.stat().st_size if self.log.exists() else 0
        self.run(command, what, lambda: progress.update(f"{what}: {self._step(began)}"))

    def node_image(self, progress: Progress) -> str:
        """Load or pull the node image; return its name, or raise LabError."""
        image = node_image()
        if isinstance(image, str):
            if not self.engine.has_image(image):
                self._get(["pull", "--quiet", image], image, progress)
            return image
        output = self._get(["load", f"--input={image}"], str(image), progress)
        # Untagged images are loaded as well, and told otherwise.
        names = re.findall(r"^Loaded image: (.+)$", output, re.MULTILINE)
        if len(names) != 1:
            several = mark("{image} holds {count} named images.")
            text = several if names else mark("{image} holds no named image.")
            message = say(text, image=image, count=len(names))
            raise errors.StartFailed(message, say(_TAGGED))
        return names[0]

    def _get(self, arguments: list[str], image: str, progress: Progress) -> str:
        what = f"{self.engine.program} {arguments[0]}"
        command = [self.engine.program, *arguments]
        try:
            return self.run(command, what, lambda: progress.update(f"{what}: {image}"))
        except errors.KindFailed as error:
            *_, last = (say("it says nothing"), *error.tail.splitlines())
            failed = say("{what} failed: {last}", what=f"{what} {image}", last=last)
            raise errors.StartFailed(failed, say(_OTHER)) from None

    def make_image(
        self, work: Path, client: tuple[str, ...], progress: Progress
    ) -> Path:
        """Return an archive of the image of the lessons, made in a container.

        `client` is the pins of the Python client. Raise LabError.
        """
        context, archive = work / "context", work / "archive.tar"
        context.mkdir()
        kubectl = _kubectl_for_pods(work, progress).rename(context / "kubectl")
        kubectl.chmod(0o755)
        (context / "Dockerfile").write_text(DOCKERFILE)
        (context / "requirements.txt").write_text(client[0])
        (context / "constraints.txt").write_text("\n".join(client[1:]))
        # An engine may be set to another machine's.
        platform = f"--platform=linux/{architecture()}"
        name = versions.TOOLBOX_IMAGE
        for words in (
            ["build", platform, f"--tag={name}", str(context)],
            ["save", f"--output={archive}", name],
        ):
            what = f"{self.engine.program} {words[0]}"
            line = say("{what}: the toolbox image", what=what)
            show = partial(progress.update, line)
            self.run([self.engine.program, *words], what, show)
        return archive

    def run(self, command: list[str], what: str, show: Callable[[], None]) -> str:
        """Return the output of a program; raise KindFailed with its last lines."""
        with statedir.state_errors(self.state):
            self.log.touch(mode=0o600)
        began = self.log.stat().st_size
        output = self.state / "kind.out"
        code = processes.run(
            command,
            log=self.log,
            output=output,
            watch=lambda _: show(),
            env=self.engine.environment(),
        )
        printed = output.read_text(errors="replace")
        output.unlink(missing_ok=True)
        with self.log.open("a") as log:
            log.write(printed)
        if code:
            ending = self.log.read_bytes()[began:].decode(errors="replace")
            raise errors.KindFailed(what, code, essence(ending), self.log)
        return printed

    def _step(self, began: int) -> str:
        """Return the present step of kind: the last in its log since `began`."""
        lines = self.log.read_bytes()[began:].decode(errors="replace").splitlines()
        steps = [line for line in lines if line.lstrip().startswith("•")]
        return steps[-1].strip(" •.…") if steps else say("starting")

    @property
    def log(self) -> Path:
        """Return the file with the output of all commands since the last `up`."""
        return self.state / "kind.log"


def essence(output: str) -> str:
    """Return kind's own sentence, and the end of what it quotes; pure."""
    lines = [line for line in output.splitlines() if line.strip()]
    first = next((n for n, line in enumerate(lines) if line.startswith("ERROR:")), None)
    if first is None:
        return "\n".join(lines[-_TAIL:])
    return "\n".join([lines[first], *lines[first + 1 :][-_TAIL:]])
