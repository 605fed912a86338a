"""Compare two ways to build the programs, each from an empty build cache.

plain   one `go build` per program, as upstream's sources stand, CoreDNS with all of
        its plugins; `-trimpath` and `-ldflags="-s -w"` so that the result is as small
ours    what `helpers.local.toolchain` does

The sources are fetched first and not counted. Go's CPU seconds are what to compare:
wall time is also that of whatever else runs on the machine.

    python benchmarks/build.py                     containerd only: some minutes
    python benchmarks/build.py coredns             one or more modules
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

from helpers.local import build, golang, jobs, toolchain
from helpers.local.recipe import RECIPE, Module, Recipe
from helpers.local.workshop import Workshop
from helpers.progress import Terminal

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


def plain_source(module: Module, go: golang.Go, directory: Path) -> tuple[Path, str]:
    """Return where to build a module plainly; with all its plugins, for CoreDNS."""
    if module.name != "coredns":
        return RECIPE.root / module.name, ""
    source = directory / "source"
    source.mkdir()
    for words in (
        ["mod", "init", "plain"],
        ["get", "-tool", f"{module.upstream}@{module.version}"],
        ["list", "-deps", module.upstream],
    ):
        subprocess.run(
            [go.path, *words],
            cwd=source,
            env=golang.environment(),
            check=True,
            capture_output=True,
        )
    return source, module.upstream


def plain(recipe: Recipe, directory: Path, sources: dict, tools: build.Tools, meter):
    """Build each program by itself."""
    programs = directory / "programs"
    programs.mkdir()
    for module in recipe.modules:
        source, instead = sources[module.name]
        tags = [*module.tags, *([module.seccomp_tag] * tools.seccomp)]
        for name, package in module.programs.items():
            code = jobs.run(
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
                    "CGO_ENABLED": str(int(module.cgo)),
                },
            )
            assert code == 0, jobs.tail(directory / "log")
    return programs


def ours(recipe: Recipe, directory: Path, meter) -> Path:
    """Build as the suite does."""
    os.environ["LAB_CACHE_DIR"] = str(directory)
    os.environ.pop("LAB_ASSETS", None)
    return toolchain.ensure(meter, recipe)


def main() -> None:
    """Fetch sources, build both ways, print the ratio."""
    names = [module.name for module in RECIPE.modules]
    parser = argparse.ArgumentParser(description="Compare two ways to build.")
    parser.add_argument("modules", nargs="*", metavar="MODULE", help=", ".join(names))
    parser.add_argument("--all", action="store_true", help="every module")
    parser.add_argument("--only", choices=("plain", "ours"))
    parser.add_argument("--cache", type=Path, help="keep the result of ours there")
    options = parser.parse_args()
    chosen = names if options.all else options.modules or ["containerd"]
    if unknown := set(chosen) - set(names):
        parser.error(f"unknown: {', '.join(sorted(unknown))}")
    modules = tuple(module for module in RECIPE.modules if module.name in chosen)
    recipe = dataclasses.replace(RECIPE, modules=modules)
    results = {}
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        directory = Path(name)
        workshop = Workshop(directory / "tools")
        workshop.root.mkdir()
        workshop.log.touch()
        tools = build.find_tools(recipe, workshop.log, Terminal())
        if options.only != "ours":
            place = directory / "plain"
            place.mkdir()
            sources = {m.name: plain_source(m, tools.go, place) for m in modules}
            results["plain"] = measure(
                place, lambda meter: plain(recipe, place, sources, tools, meter)
            )
        if options.only != "plain":
            place = options.cache or directory / "ours"
            results["ours"] = measure(place, lambda meter: ours(recipe, place, meter))
    print(f"{tools.go.version}, {os.cpu_count()} processors, load {os.getloadavg()}")
    for name, result in results.items():
        print(f"{name:6}{', '.join(chosen)}: {result}")
    if len(results) == 2:
        ratio = results["ours"].cpu / results["plain"].cpu
        wall = results["ours"].wall / results["plain"].wall
        print(f"ours / plain: {ratio:.2f} of the CPU time, {wall:.2f} of the wall time")


if __name__ == "__main__":
    main()
