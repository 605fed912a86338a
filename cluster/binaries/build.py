"""Build the programs of a recipe with Go. The caller holds the build lock."""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cluster import errors, preflight
from cluster.binaries import effort, golang
from cluster.binaries.gobuild import GoBuild
from cluster.binaries.runtime import SYSTEM_PATH
from cluster.binaries.steps import FLAGS, Recipe, Step
from cluster.binaries.workdir import Workshop
from cluster.progress import Progress

#: switches builds off, whatever its value: for machines with too little memory
OFF = "LAB_NO_BUILD"


@dataclass(frozen=True)
class Tools:
    """What compiles: Go, and a C compiler if there is one, with libseccomp or not."""

    go: golang.Go
    compiler: list[str] | None
    seccomp: bool


def build(
    recipe: Recipe, steps: Sequence[Step], workshop: Workshop, progress: Progress
) -> Path:
    """Build `steps`; return a new directory that holds their programs and no more.

    A step that cannot be built here is left out if the distribution's program will
    do. Raise BuildsOff, MissingTool, NotEnough (before the build, or when the build
    runs into the limit), DownloadFailed or BuildFailed.
    """
    if OFF in os.environ:
        missing = (step for step in steps if not system_has(step))
        raise errors.BuildsOff([name for step in missing for name in step.programs])
    stage = workshop.stage()
    workshop.log.write_text("")
    tools = find_tools(recipe, workshop.log, progress)
    steps = [step for step in steps if _can_build(step, tools)]
    room = effort.Room.of(steps, workshop, tools.go.module_cache)
    room.check()
    processors = len(os.sched_getaffinity(0))
    pace = effort.choose(steps, preflight.memory_available(), processors)
    programs = stage / "programs"
    programs.mkdir()
    for number, step in enumerate(steps, 1):
        GoBuild(
            step,
            source=recipe.root / step.lock,
            go=tools.go.path,
            env=_environment(step, tools, workshop, stage, pace),
            arguments=_arguments(step, tools, pace, processors),
            stage=stage,
            log=workshop.log,
            room=room,
            label=f"building {number}/{len(steps)} {step.name}",
            progress=progress,
        ).run(programs)
    return programs


def find_tools(recipe: Recipe, log: Path, progress: Progress) -> Tools:
    """Return the tools of a build; without a Go, install it from its wheel.

    Raise MissingTool.
    """
    go = golang.find(recipe.minimum()) or golang.install(log, progress)
    compiler = golang.c_compiler()
    return Tools(go, compiler, bool(compiler) and golang.has_seccomp(compiler))


def system_has(step: Step) -> bool:
    """Say whether the distribution's programs stand in for this step's."""
    return step.substitute and all(
        shutil.which(name, path=SYSTEM_PATH) for name in step.programs
    )


def _can_build(step: Step, tools: Tools) -> bool:
    if tools.compiler or not step.cgo:
        return True
    if system_has(step):
        return False
    raise errors.MissingTool(
        "A C compiler with the C library's headers",
        f"build {step.name}",
        f"Run `sudo apt-get install -y {step.name}`, or "
        "`sudo apt-get install -y gcc libc6-dev`.",
    )


def _environment(
    step: Step, tools: Tools, workshop: Workshop, stage: Path, pace: effort.Effort
) -> dict[str, str]:
    go = tools.go
    compiler = {"CC": " ".join(tools.compiler)} if tools.compiler else {}
    return {
        # The learner's own setting wins.
        **pace.env,
        **golang.environment(),
        **compiler,
        "CGO_ENABLED": "1" if step.cgo else "0",
        "GOOS": go.system,
        "GOARCH": go.machine,
        "GOMODCACHE": str(go.module_cache),
        "GOCACHE": str(workshop.compiled),
        # The linker's temporary files are large and /tmp is often small.
        "GOTMPDIR": str(stage),
    }


def _arguments(
    step: Step, tools: Tools, pace: effort.Effort, processors: int
) -> list[str]:
    """Return what `go list` and `go build` have in common."""
    arguments = list(FLAGS)
    tags = [*step.tags, *([step.seccomp_tag] if tools.seccomp else [])]
    if any(tags):
        arguments.append(f"-tags={','.join(filter(None, tags))}")
    if pace.compilers < processors:
        arguments.append(f"-p={pace.compilers}")
    if tools.go.own_cache:
        # Go's habit of files that cannot be removed is for a cache of its own.
        arguments.append("-modcacherw")
    return arguments
