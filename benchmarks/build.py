"""Compare two ways to build the programs, each from an empty build cache.

plain   one `go build` per program, as upstream's sources stand, CoreDNS with all of
        its plugins; `-trimpath` and `-ldflags="-s -w"` so that the result is as small
ours    what `cluster.binaries.ensure` does

The sources are fetched first and not counted. Go's CPU seconds are what to compare:
wall time is also that of whatever else runs on the machine.

    python benchmarks/build.py                     containerd only: some minutes
    python benchmarks/build.py coredns             one or more locks
    python benchmarks/build.py --all --only=ours   everything, one way
"""

import argparse
import dataclasses
import os
import resource
import subprocess
import tempfile
import time
from pathlib import Path

import psutil

from cluster import binaries, logs, processes
from cluster.binaries import build, golang
from cluster.binaries.recipe import RECIPE, Recipe, Step
from cluster.binaries.workdir import WorkDir
from cluster.progress import Terminal

PLAIN = ("-trimpath", "-buildvcs=false", "-ldflags=-s -w")


class Meter(Terminal):
    """Shows progress and notes the peaks of memory and disk while it does."""

    def __init__(self, directory: Path) -> None:
        """Watch `directory` and the processes that we start."""
        super().__init__()
        self.directory, self.disk, self.memory, self._next = directory, 0, 0, 0.0

    def update(self, message: str) -> None:
        """Measure each second at most: a look costs time itself."""
        super().update(message)
        if time.monotonic() >= self._next:
            self.disk = max(self.disk, size(self.directory))
            self.memory = max(self.memory, private_memory())
            self._next = time.monotonic() + 1


@dataclasses.dataclass(frozen=True)
class Result:
    """Seconds and bytes of one way to build."""

    wall: float
    cpu: float
    disk: int
    memory: int
    programs: int

    def __str__(self) -> str:
        """Write one line."""
        return (
            f"{self.wall:6.0f} s wall, {self.cpu:6.0f} s CPU, peaks: "
            f"{self.memory / 1e9:.2f} GB memory, {self.disk / 1e9:.2f} GB disk; "
            f"programs {self.programs / 1e6:.0f} MB"
        )


def size(directory: Path) -> int:
    """Return the bytes that a directory takes on the disk."""
    total = 0
    for root, _, files in os.walk(directory):
        for name in files:
            try:
                total += os.lstat(os.path.join(root, name)).st_blocks * 512
            except FileNotFoundError:
                continue  # a temporary file of Go's
    return total


def private_memory() -> int:
    """Return what our descendants hold of memory that is no copy of a file."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            memory = process.memory_info()
        except psutil.Error:
            continue  # it has just ended
        total += memory.rss - memory.shared
    return total


def measure(directory: Path, work) -> Result:
    """Run `work` with a meter on `directory`; it returns where the programs are."""
    meter = Meter(directory)
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    programs = work(meter)
    wall = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Result(wall, cpu, meter.disk, meter.memory, size(programs))


def fetch(step: Step, go: golang.Go, directory: Path, env: dict) -> tuple[Path, str]:
    """Fetch the sources of both ways; return where the plain one builds, and what.

    The package is "" for those of the step; CoreDNS has all of its plugins there.
    """
    source, instead = RECIPE.root / step.lock, ""
    packages = list(step.programs.values())
    command(go, ["list", "-deps", *packages], source, env)
    if step.lock == "coredns":
        source, instead = directory / "source", step.upstream
        source.mkdir()
        command(go, ["mod", "init", "plain"], source, env)
        command(go, ["get", "-tool", f"{instead}@{step.version}"], source, env)
        command(go, ["list", "-deps", instead], source, env)
    return source, instead


def command(go: golang.Go, words: list[str], source: Path, env: dict) -> None:
    """Run Go in `source`; its hundreds of lines are of interest only if it fails."""
    done = subprocess.run(
        [go.path, *words], cwd=source, env=env, capture_output=True, text=True
    )
    if done.returncode:
        raise SystemExit(done.stderr)


def plain(recipe: Recipe, directory: Path, sources: dict, tools: build.Tools, meter):
    """Build each program by itself."""
    programs = directory / "programs"
    programs.mkdir()
    for step in recipe.steps:
        source, instead = sources[step.lock]
        tags = [*step.tags, *filter(None, [tools.seccomp and step.seccomp_tag])]
        for name, package in step.programs.items():
            code = processes.run(
                [tools.go.path, "build", *PLAIN, f"-tags={','.join(tags)}"]
                + [f"-o={programs / name}", instead or package],
                log=directory / "log",
                output=directory / "out",
                watch=lambda _, name=name: meter.update(f"plain: {name}"),
                cwd=source,
                env={
                    **golang.environment(),
                    "GOCACHE": str(directory / "compiled"),
                    "GOTMPDIR": str(directory),
                    "CGO_ENABLED": str(int(step.cgo)),
                },
            )
            assert code == 0, logs.tail(directory / "log")
    return programs


def ours(recipe: Recipe, directory: Path, meter) -> Path:
    """Build as the suite does."""
    os.environ["LAB_CACHE_DIR"] = str(directory)
    os.environ.pop("LAB_ASSETS", None)
    return binaries.ensure(meter, recipe)


def main() -> None:
    """Fetch sources, build both ways, print the ratio."""
    names = list(dict.fromkeys(step.lock for step in RECIPE.steps))
    parser = argparse.ArgumentParser(description="Compare two ways to build.")
    parser.add_argument("locks", nargs="*", metavar="LOCK", help=", ".join(names))
    parser.add_argument("--all", action="store_true", help="every lock")
    parser.add_argument("--only", choices=("plain", "ours"))
    parser.add_argument("--cache", type=Path, help="keep the result of ours there")
    options = parser.parse_args()
    chosen = names if options.all else options.locks or ["containerd"]
    if unknown := set(chosen) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    steps = tuple(step for step in RECIPE.steps if step.lock in chosen)
    recipe = dataclasses.replace(RECIPE, steps=steps)
    results = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        work = WorkDir(directory / "tools")
        work.root.mkdir()
        work.log.touch()
        tools = build.find_tools(recipe, work.log, Terminal())
        place = directory / "plain"
        place.mkdir()
        env = {**golang.environment(), "CGO_ENABLED": "0"}
        Terminal().update("fetching sources")
        sources = {s.lock: fetch(s, tools.go, place, env) for s in steps}
        if options.only != "ours":
            results["plain"] = measure(
                place, lambda meter: plain(recipe, place, sources, tools, meter)
            )
        if options.only != "plain":
            kept = options.cache or directory / "ours"
            results["ours"] = measure(kept, lambda meter: ours(recipe, kept, meter))
    print(f"{tools.go.version}, {os.cpu_count()} processors, load {os.getloadavg()}")
    for name, result in results.items():
        print(f"{name:6}{', '.join(chosen)}: {result}")
    if len(results) == 2:
        ratio = results["ours"].cpu / results["plain"].cpu
        wall = results["ours"].wall / results["plain"].wall
        print(f"ours / plain: {ratio:.2f} of the CPU time, {wall:.2f} of the wall time")


if __name__ == "__main__":
    main()
