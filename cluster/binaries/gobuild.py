"""Run Go for one step: fetch its sources, compile, link, name the programs."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, processes
from cluster.binaries import effort
from cluster.binaries.build_view import View
from cluster.binaries.steps import Step
from cluster.progress import Progress

_DISK_FULL = re.compile(r"no space left on device|disk quota exceeded", re.I)
_KILLED = re.compile(r"signal: killed|cannot allocate memory|out of memory", re.I)
_NOT_FETCHED = re.compile(
    r"dial tcp|no such host|proxyconnect|i/o timeout|TLS handshake|x509: "
    r"|connection (refused|reset)|module lookup disabled|: [45]\d\d [A-Z]"
)


@dataclass(frozen=True)
class GoBuild:
    """The build of one step with the Go program `go`, run in the lock's `source`.

    `arguments` are for `go list` and `go build` alike; `stage` is on the disk of the
    cache and vanishes after a failure; `label` opens every line of progress.
    """

    step: Step
    source: Path
    go: Path
    env: Mapping[str, str]
    arguments: list[str]
    stage: Path
    log: Path
    room: effort.Room
    label: str
    progress: Progress

    def run(self, target: Path) -> None:
        """Put the programs into `target`.

        Raise NotEnough, DownloadFailed or BuildFailed.
        """
        packages = list(self.step.programs.values())
        # Reading the imports fetches all sources that they lead to, and no others.
        needed = self._go("list", *self.arguments, "-deps", *packages)
        output = self.stage / "output"
        output.mkdir()
        self._go(
            "build",
            *self.arguments,
            # Name what is compiled.
            "-v",
            f"-ldflags={self._link_flags()}",
            f"-o={output}/",
            *packages,
            total=len(needed.split()),
        )
        for name, package in self.step.programs.items():
            (output / default_name(package)).rename(target / name)
        output.rmdir()

    def _link_flags(self) -> str:
        release = {}
        if self.step.variables:
            # -e: without a network the date may be missing, which is no failure.
            found = self._go("list", "-m", "-e", "-json", self.step.upstream)
            release = json.loads(found)
        values = {
            "time": release.get("Time", "1970-01-01T00:00:00Z"),
            "commit": release.get("Origin", {}).get("Hash", ""),
        }
        variables = [
            f"-X={name}={value.format_map(values)}"
            for name, value in self.step.variables.items()
        ]
        # No symbol table, no debug information.
        return " ".join(["-s", "-w", *variables])

    def _go(self, *arguments: str, total: int = 0) -> str:
        """Run Go and return its standard output; all else is in the log."""
        answer = self.stage / "answer"
        view = View(self.progress, self.label, self.log, total)
        began = self.log.stat().st_size
        code = processes.run(
            [self.go, *arguments],
            output=answer,
            log=self.log,
            watch=view,
            env=self.env,
            cwd=self.source,
        )
        if code != 0:
            raise self._failure(code, self.log.read_text(errors="replace")[began:])
        return answer.read_text()

    def _failure(self, code: int, output: str) -> errors.LabError:
        if _DISK_FULL.search(output):
            return self.room.ran_out()
        if _KILLED.search(output):
            return effort.ran_out_of_memory(self.step)
        lines = [line for line in output.splitlines() if not _is_progress(line)]
        kind = errors.BuildFailed
        if _NOT_FETCHED.search(output):
            kind = errors.DownloadFailed
        return kind(self.step.name, code, "\n".join(lines[-20:]), self.log)


def default_name(package: str) -> str:
    """Return the file name that Go gives to a package's program."""
    *_, parent, last = ("", *package.split("/"))
    return parent if re.fullmatch(r"v\d+", last) else last


def _is_progress(line: str) -> bool:
    return line.startswith("go: downloading ") or re.fullmatch(r"[\w./~+-]+", line)
