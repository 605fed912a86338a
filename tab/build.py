"""Build the API server and kubectl for js/wasm, into the cache: minutes, once."""

import dataclasses
import gzip
import hashlib
import json
import os
import re
import shutil
import sys
from pathlib import Path

from cluster import errors, paths, versions
from cluster.permissions import make_private
from cluster.preflight import disk_available
from cluster.programs import golang, workshop
from cluster.programs.build import Build, Tools, WorkDir, compilers
from cluster.programs.recipe import API_SERVER, FLAGS
from cluster.progress import Progress, for_here
from tab import edits, memory

SOURCES = Path(__file__).with_name("go")
#: the modules of the Workers
WEB = Path(__file__).with_name("web")
#: the program, and Go's JavaScript that runs it, which has to be of the same Go
PROGRAM, RUNTIME = "kube-apiserver.wasm", "wasm_exec.js"
#: the program as a web server sends it: most compress no file of this kind
PACKED = f"{PROGRAM}.gz"
LABEL = f"kube-apiserver {versions.KUBERNETES} for the browser"
#: bytes of disk: 3.4 GB of what is compiled, 0.8 of sources, and the program
ROOM = 5e9
#: its link flags have the version
_STEP = API_SERVER.steps[-1]


def find() -> Path | None:
    """Return the directory of these files, or None; make nothing."""
    entry = _entry()
    return entry if entry.is_dir() else None


def ensure() -> Path | None:
    """Return the directory; build, or say in one line why not.

    Raise StateError for an unusable cache, LabError for a Kubernetes that the edits
    are not for, BuildFailed.
    """
    directory, go = find(), golang.find()
    reasons = {
        "TAB=no": os.environ.get("TAB") == "no",
        # Node runs the program, to record its answers and to test it.
        "no Node here": not shutil.which("node"),
        "no Go here": not (directory or go),
    }
    if reason := next((text for text, so in reasons.items() if so), ""):
        print(f"Without an API server for the browser: {reason}.", file=sys.stderr)
        return None
    if directory or not go:
        return directory
    progress = for_here()
    with workshop(progress) as work:
        # Another process may have built it meanwhile.
        directory = find() or _make(go, work, progress)
    progress.finish(f"{LABEL} is in {directory}")
    return directory


def _entry() -> Path:
    digest = hashlib.sha256(repr((FLAGS, _STEP.variables)).encode())
    ours = (Path(edits.__file__), edits.TABLE, Path(memory.__file__))
    for path in (*ours, *sorted(SOURCES.rglob("*.*"))):
        # Editors leave other things.
        if re.fullmatch(r"(?!.*_test).*\.(py|toml|go|mod|sum)", path.name):
            digest.update(f"{path.name} ".encode() + path.read_bytes())
    key = f"{versions.KUBERNETES}-js-{digest.hexdigest()[:12]}"
    return paths.cache_dir() / "tab" / key


def _make(go: golang.Go, work: WorkDir, progress: Progress) -> Path:
    free = disk_available(work.root)
    # An interrupted build has left most of it.
    if free < ROOM and not work.compiled.exists():
        raise errors.LabError(
            f"{LABEL} takes {ROOM / 1e9:.0f} GB of disk until it is built, and "
            f"{work.root} has {free / 1e9:.1f} GB.",
            "Free some, name a directory on another disk in LAB_CACHE_DIR, or go on "
            "without it: TAB=no.",
        )
    stage, entry = work.stage(), _entry()
    work.log.write_text("")
    try:
        built = _build(go, work, stage, progress)
        progress.update(f"compressing {LABEL}")
        (built / PACKED).write_bytes(gzip.compress((built / PROGRAM).read_bytes()))
        # Earlier versions, 250 MB each; another checkout would build its own again.
        shutil.rmtree(entry.parent, ignore_errors=True)
        make_private(entry.parent)
        built.rename(entry)
    finally:
        work.clear()
    work.forget()
    return entry


def _build(go: golang.Go, work: WorkDir, stage: Path, progress: Progress) -> Path:
    """Return a directory with the program and Go's JavaScript; raise LabError."""
    sources, changed, output = (stage / name for name in ("go", "changed", "made"))
    shutil.copytree(SOURCES, sources, ignore=shutil.ignore_patterns("*_test.go"))
    for directory in (changed, output):
        directory.mkdir()
    builder = Build(
        step=_STEP,
        label=f"fetching the sources of {LABEL}",
        source=sources,
        tools=Tools(dataclasses.replace(go, system="js", machine="wasm"), None, False),
        work=work,
        stage=stage,
        compilers=compilers(),
        progress=progress,
    )
    # Before `go mod vendor`: vendored sources have no date.
    flags = f"-ldflags={builder.link_flags()}"
    # Go takes no overlay for files in the module cache.
    builder.go("mod", "vendor")
    overlay = stage / "overlay.json"
    root = go.path.resolve().parents[1]
    replaced = edits.overlay(sources, root / "src", changed)
    overlay.write_text(json.dumps({"Replace": replaced}))
    builder = dataclasses.replace(builder, label=f"building {LABEL}")
    words = (*builder.arguments(), "-mod=vendor", f"-overlay={overlay}")
    target = f"-o={output}/{PROGRAM}"
    builder.compile(*words, flags, target, packages=["./server"])
    # Only here are the edits in place without which the sources do not compile.
    checker = dataclasses.replace(builder, label=f"checking {LABEL}")
    checker.go("vet", *words, "./...")
    shutil.copy(root / "lib" / "wasm" / RUNTIME, output)
    program = output / PROGRAM
    program.write_bytes(memory.limit(program.read_bytes(), memory.CLUSTER))
    return output


if __name__ == "__main__":
    try:
        ensure()
    except errors.LabError as error:
        sys.exit(str(error))
