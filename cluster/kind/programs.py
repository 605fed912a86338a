"""Find `kind` or get it, and run it: output in a log, progress shown, no orphans."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, processes, programs, statedir, versions
from cluster.controlplane import apiserver
from cluster.kind.engine import Engine
from cluster.machine import logs
from cluster.programs.check import program_version
from cluster.programs.recipe import KIND, parse
from cluster.progress import Progress

#: last lines of output that an error shows
_TAIL = 6


def find_kind() -> Path | None:
    """Return a kind that knows our node image, or None; get nothing.

    The one on PATH will do if it is not older than ours: an older one may not know
    how to set up a newer node. Raise IncompleteAssets for a LAB_ASSETS without one.
    """
    on_path = shutil.which("kind")
    if on_path and _new_enough(Path(on_path)):
        return Path(on_path)
    found = programs.find(KIND)
    return found and found / "kind"


def ensure_kind(progress: Progress) -> Path:
    """Return a kind; get it if there is none. Raise what `binaries.ensure` does."""
    return find_kind() or programs.ensure(progress, KIND) / "kind"


def prepare_own_server(progress: Progress) -> None:
    """Get what the API server of a notebook's own is made of, if it can be had.

    One lesson starts one beside the cluster, and should not wait for it then.
    """
    try:
        apiserver.find_programs(progress)
    except errors.LabError as error:
        progress.finish(f"lesson 23 cannot start an API server: {error.fact}")


def _new_enough(kind: Path) -> bool:
    version = program_version([kind, "version"])
    return _numbers(version) >= _numbers(versions.KIND)


def _numbers(version: str) -> tuple[int, ...]:
    return parse(version)[:2]


@dataclass(frozen=True)
class Commands:
    """Runs programs for the cluster in `state`, with the containers of `engine`."""

    state: Path
    engine: Engine

    def kind(self, arguments: list[str], progress: Progress) -> None:
        """Run kind, and show which step it is at; raise KindFailed."""
        command = [str(ensure_kind(progress)), *arguments]
        what = f"kind {' '.join(arguments[:2])}"
        self.run(command, what, lambda: progress.update(f"{what}: {self._step()}"))

    def pull(self, image: str, progress: Progress) -> None:
        """Have the engine pull an image; raise KindFailed."""
        command = [self.engine.program, "pull", "--quiet", image]
        what = f"{self.engine.program} pull"
        self.run(command, what, lambda: progress.update(f"{what}: {image}"))

    def run(self, command: list[str], what: str, show: Callable[[], None]) -> None:
        """Run a program; raise KindFailed with its last lines."""
        with statedir.usable(self.state):
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
        output.unlink(missing_ok=True)
        if code:
            said = self.log.read_bytes()[began:].decode(errors="replace")
            raise errors.KindFailed(what, code, essence(said), self.log)

    def _step(self) -> str:
        """Return the step that kind is at: the last one that its log names."""
        for line in reversed(logs.tail(self.log, 20).splitlines()):
            if line.lstrip().startswith("•"):
                return line.strip(" •.…")
        return "starting"

    @property
    def log(self) -> Path:
        """Return the file with the output of all commands since the last `up`."""
        return self.state / "kind.log"


def essence(output: str) -> str:
    """Return what an error shows of a program's output; pure.

    kind's own sentence, and the end of what it quotes: kubeadm says a lot.
    """
    lines = output.strip().splitlines()
    own = next((n for n, line in enumerate(lines) if line.startswith("ERROR:")), None)
    if own is None:
        return "\n".join(lines[-_TAIL:])
    quoted = [line for line in lines[own + 1 :] if line.strip()]
    return "\n".join([lines[own], *quoted[-_TAIL:]])
