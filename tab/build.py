"""Build the API server and kubectl for js/wasm, into the cache: minutes, once.

    python -m tab.build

TAB=no, or a machine without Go, is no error: whoever asked goes on without.
"""

import dataclasses
import gzip
import hashlib
import json
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

from cluster import errors, paths, preflight, versions
from cluster.permissions import make_private
from cluster.programs import golang, workshop
from cluster.programs.build import COMPILER, Build, Tools, WorkDir
from cluster.programs.recipe import API_SERVER, FLAGS
from cluster.progress import Progress, for_here
from tab import edits

OFF = "TAB"
SOURCES = Path(__file__).with_name("go")
#: the program, and Go's JavaScript that runs it, which has to be of the same Go
PROGRAM, RUNTIME = "kube-apiserver.wasm", "wasm_exec.js"
#: the program as a web server sends it: most compress no file of this kind
PACKED = f"{PROGRAM}.gz"
LABEL = f"kube-apiserver {versions.KUBERNETES} for the browser"
#: what tells the version; Go takes the sources from a copy that has been changed
_STEP = API_SERVER.steps[-1]
_FLAGS = [flag for flag in FLAGS if not flag.startswith("-mod=")]


def find() -> Path | None:
    """Return the directory of these files, or None; make nothing."""
    entry = _entry()
    return entry if (entry / PACKED).is_file() else None


def wanted() -> Path | None:
    """Return the directory; build, or say in one line why not; raise LabError."""
    go = golang.find()
    if os.environ.get(OFF) == "no" or go is None:
        reason = "no Go here" if go is None else f"{OFF}=no"
        print(f"Without an API server for the browser: {reason}.", file=sys.stderr)
        return None
    progress = for_here()
    found = ensure(go, progress)
    progress.finish(f"{LABEL} is in {found}")
    return found


def ensure(go: golang.Go, progress: Progress) -> Path:
    """Return the directory of these files; build them if they are missing.

    Raise StateError for an unusable cache, LabError for a Kubernetes that the edits
    are not for, BuildFailed.
    """
    if found := find():
        return found
    with workshop(progress) as work:
        if found := find():
            return found
        try:
            return _make(go, work, progress)
        finally:
            work.clear()
            if "LAB_KEEP_BUILD_CACHE" not in os.environ:
                shutil.rmtree(work.compiled, ignore_errors=True)


def _entry() -> Path:
    digest = hashlib.sha256(repr((_FLAGS, _STEP.variables)).encode())
    for path in (Path(edits.__file__), *_sources()):
        digest.update(f"{path.name} ".encode() + path.read_bytes())
    key = f"{versions.KUBERNETES}-js-{digest.hexdigest()[:12]}"
    return paths.cache_dir() / "tab" / key


def _sources() -> Iterator[Path]:
    for path in sorted(SOURCES.rglob("*")):
        if path.suffix in (".go", ".mod", ".sum") and not path.stem.endswith("_test"):
            yield path


def _make(go: golang.Go, work: WorkDir, progress: Progress) -> Path:
    stage = work.stage()
    work.log.write_text("")
    made = _build(go, work, stage, progress)
    progress.update(f"compressing {LABEL}")
    with (made / PROGRAM).open("rb") as plain, gzip.open(made / PACKED, "wb") as packed:
        shutil.copyfileobj(plain, packed, 1 << 20)
    entry = _entry()
    make_private(entry.parent)
    for older in entry.parent.iterdir():
        # 300 MB that nobody asks for any more.
        shutil.rmtree(older)
    made.rename(entry)
    return entry


def _build(go: golang.Go, work: WorkDir, stage: Path, progress: Progress) -> Path:
    """Return a directory with the program and Go's JavaScript; raise LabError."""
    sources, changed, made = (stage / name for name in ("go", "changed", "made"))
    for path in _sources():
        copied = sources / path.relative_to(SOURCES)
        copied.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copied)
    room = preflight.memory_available() // COMPILER
    builder = Build(
        step=_STEP,
        label=f"building {LABEL}",
        source=sources,
        tools=Tools(dataclasses.replace(go, system="js", machine="wasm"), None, False),
        work=work,
        stage=stage,
        compilers=max(1, min(preflight.processors(), room)),
        progress=progress,
    )
    # Go takes no overlay for files in the module cache.
    builder.go("mod", "vendor")
    changed.mkdir()
    overlay = stage / "overlay.json"
    overlay.write_text(json.dumps({"Replace": edits.overlay(sources, changed)}))
    made.mkdir()
    arguments = (
        f"-p={builder.compilers}",
        f"-overlay={overlay}",
        f"-o={made / PROGRAM}",
    )
    flags = f"-ldflags={builder.link_flags()}"
    builder.go("build", *_FLAGS, "-mod=vendor", *arguments, flags, "./server")
    runtime = go.path.resolve().parents[1] / "lib" / "wasm" / RUNTIME
    shutil.copy(runtime, made / RUNTIME)
    return made


def main() -> int:
    """Build, or say in one line why not; return 1 if a build failed."""
    try:
        wanted()
    except errors.LabError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
