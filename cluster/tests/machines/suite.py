"""Build Kubernetes' own conformance suite, and the images that its pods ask for.

It is of the version that runs here: the module k8s.io/kubernetes, with the lock of the
programs. The sums of what only tests need are Go's to check.
"""

import fcntl
import hashlib
import json
import os
import shutil
import tarfile
from pathlib import Path

from cluster.image.archive import Entry, Image, Layer, write_archive, write_layer
from cluster.programs import golang
from cluster.programs.recipe import FLAGS, RECIPE
from cluster.progress import Silent
from cluster.tests.machines.install import machines, require_room, run

SOURCE = Path(__file__).parent / "conformance" / "suite_test.go"
LOCK = RECIPE.root / "kubernetes"
#: the program of most images of the suite: a server, a prober, a reader of mounts
AGNHOST = "k8s.io/kubernetes/test/images/agnhost"
REGISTRY = "registry.k8s.io"
#: names of test/utils/image/manifest.go
BUSYBOX = f"{REGISTRY}/e2e-test-images/busybox:1.37.0-2"
PAUSE = f"{REGISTRY}/pause:3.10.2"
AGNHOST_NAME = f"{REGISTRY}/e2e-test-images/agnhost:2.66.1"
#: bytes of what is compiled
ROOM = 8e9


def ensure() -> Path:
    """Return a directory with `e2e.test` and `agnhost`; making it takes minutes, once.

    What an interrupted build has compiled is kept. Raise AssertionError, or MissingTool
    where there is no Go and its wheel cannot be installed.
    """
    suites = machines() / "conformance"
    suites.mkdir(parents=True, exist_ok=True)
    with open(suites / "lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        files = [LOCK / "go.mod", LOCK / "go.sum", SOURCE]
        parts = (
            repr((FLAGS, AGNHOST)).encode(),
            *(each.read_bytes() for each in files),
        )
        made = suites / hashlib.sha256(b"\0".join(parts)).hexdigest()[:16]
        work = made.with_suffix(".part")
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
        for file in files:
            shutil.copy(file, work)
        _go(work, "test", "-c", "-vet=off", "-o", "made/e2e.test", ".")
        _go(work, "build", "-o", "made/agnhost", AGNHOST)
        os.replace(work / "made", made)
        shutil.rmtree(work)
        return made


def _go(work: Path, *words: str) -> None:
    go = golang.find() or golang.install(work / "log", Silent())
    # The lock has no sums of what only the suite imports.
    flags = ["-mod=mod" if flag == "-mod=readonly" else flag for flag in FLAGS]
    verb, *rest = words
    settings = {
        "CGO_ENABLED": "0",
        "GOCACHE": str(work / "compiled"),
        "GOMODCACHE": str(go.module_cache),
        # Links take gigabytes, and room was required of this disk.
        "GOTMPDIR": str(work),
    }
    command = (str(go.path), verb, *flags, "-ldflags=-s -w", *rest)
    run(*command, cwd=work, env=golang.environment() | settings)


def write_images(made: Path, toolbox: Path, directory: Path) -> Path:
    """Write an archive of images, under the suite's names, into `directory`; return it.

    `made` is what `ensure` returns. Two of the images are those of `toolbox`, the
    archive of a cluster.
    """
    program = write_layer(
        {"agnhost": Entry(source=made / "agnhost"), "tmp": Entry(0o1777)},
        directory / "agnhost.tar",
    )
    command = {"Entrypoint": ["/agnhost"], "Cmd": ["pause"]}
    images = [Image((AGNHOST_NAME,), (program,), command)]
    # The suite asks `mount` for the version of cgroups.
    more = write_layer(
        {"usr/bin/mount": Entry(target="busybox")}, directory / "mount.tar"
    )
    with tarfile.open(toolbox) as file:
        file.extractall(directory, filter="data")
    for each in json.loads((directory / "manifest.json").read_text()):
        config = json.loads((directory / each["Config"]).read_text())["config"]
        layers = [Layer(directory / name, Path(name).stem) for name in each["Layers"]]
        if "toolbox" in each["RepoTags"][0]:
            images.append(Image((BUSYBOX,), (*layers, more), config))
        else:
            images.append(Image((PAUSE,), tuple(layers), config))
    written = directory / "images.tar"
    write_archive(images, "amd64", written)
    return written
