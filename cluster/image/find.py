"""Find the archive of the suite's images in the cache; build a missing archive once."""

import contextlib
import errno
import fcntl
import hashlib
import lzma
import os
import platform
import re
import shutil
import sys
import tempfile
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

from cluster import errors, packages, paths, preflight
from cluster.image import build as image_build, engine, toolbox
from cluster.language import mark, say
from cluster.permissions import make_private
from cluster.progress import Progress
from cluster.statedir import hold

#: Bytes; measured: the unpacked packages, the layers and the archive at once.
DISK_NEEDED = 600_000_000
#: Archives that are kept in the cache: an older checkout still finds its own.
_KEPT = 3
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
#: the end of a compressed archive's name
_COMPRESSED = ".tar.xz"
#: The text of what builds: a change of it is another image.
_PROGRAM = ("toolbox.py", "archive.py", "build.py", "engine.py")
#: how a substitute differs from the archive that would be built here
DIFFERENCE = mark("packages of its Python client have other versions than here")


def usable_archive(binaries: Path, progress: Progress | None = None) -> Path | None:
    """Return the archive that `ensure` would return, or None if it would build one."""
    return _archive_or_substitute(expected_archive(binaries), progress)


def expected_archive(binaries: Path) -> Path:
    """Return the path of the archive that `ensure` builds, whether it is there or not.

    `binaries` holds the kubectl that goes into it.
    """
    return file_of(inputs_of(binaries))


def compressed_archive(binaries: Path) -> Path:
    """Return where a compressed archive is, if there is one: in an image of ours."""
    return expected_archive(binaries).with_suffix(_COMPRESSED)


def is_substitute(archive: Path, binaries: Path) -> bool:
    """Return whether `archive` is not the one that `ensure` builds, but will do."""
    return archive.name != expected_archive(binaries).name


def store_of(archive: Path) -> Path:
    """Return where the store of an archive is, if there is one."""
    return archive.with_name(paths.store_name(archive.stem))


def manifest_of(archive: Path) -> Path:
    """Return where the manifest is of an archive that was not made here."""
    return archive.with_suffix(".json")


def readable_stores(archive: Path) -> list[Path]:
    """Return the readable stores: a cluster reads the one with which it once began."""
    first = store_of(archive)
    stores = {first, *archive.parent.glob("*.store")}
    # A teacher's, of an archive for all, is the teacher's.
    readable = [path.resolve() for path in stores if os.access(path, os.R_OK)]
    return sorted(readable, key=lambda path: (path.name != first.name, path))


#: makes an archive in an empty directory: that, a log, the pins of the client
Maker = Callable[[Path, Path, tuple[str, ...]], Path]


def ensure(binaries: Path, progress: Progress, maker: Maker | None = None) -> Path:
    """Return the archive of the toolbox and pause images; build a missing archive.

    `binaries` holds kubectl, which goes into the image. Where none can be built, as in
    a cache that a teacher has filled for all, an archive will do that differs in the
    versions of the client alone. `maker` builds where this machine is not Linux. Raise
    MissingTool, NotEnough, StateError for an unusable cache, BuildFailed.
    """
    inputs = inputs_of(binaries)
    file = file_of(inputs)
    if usable := _archive_or_substitute(file, progress):
        return usable

    def make(work: Path) -> Path:
        packed = file.with_suffix(_COMPRESSED)
        if packed.exists():
            progress.update(say("unpacking the toolbox image"))
            archive = work / "archive"
            with lzma.open(packed) as source, archive.open("wb") as target:
                shutil.copyfileobj(source, target, 1 << 20)
            return archive
        log = file.with_suffix(".log")
        log.unlink(missing_ok=True)
        if maker:
            return maker(work, log, inputs.client)
        build = image_build.Build(work, log, progress)
        return build.make(binaries / "kubectl", inputs.client, inputs.architecture)

    return build_once(file, make, progress)


def can_build() -> bool:
    """Return whether an image can be made: by mmdebstrap, here or in a container.

    On macOS the engine is the backend's.
    """
    here = sys.platform == "darwin" or shutil.which("mmdebstrap")
    return bool(here or engine.find())


def require_maker() -> None:
    """Raise MissingTool where there is no image, and nothing here could make one.

    Before programs are got, which may take minutes: only with them it is known which
    image is needed. The command of an administrator has all that is missing here.
    """
    if can_build() or any((paths.cache_dir() / "images").glob("*.tar*")):
        return
    run = packages.command(*dict.fromkeys(("mmdebstrap", *packages.missing())))
    text = mark("{command}, or start Docker or Podman.")
    way_out = say(text, command=run) if run else engine.way_out()
    raise errors.MissingTool("mmdebstrap", say("build the toolbox image"), way_out)


def _archive_or_substitute(file: Path, progress: Progress | None) -> Path | None:
    if file.exists():
        return file
    writable = os.access(preflight.existing_parent(file.parent), os.W_OK | os.X_OK)
    substitute = _substitute(file)
    # To build one that came ready would change nothing but packages of the client.
    if (
        writable
        and can_build()
        and not (substitute and manifest_of(substitute).exists())
    ):
        return None
    if substitute and progress:
        text = mark("the toolbox image is the one that was prepared: {difference}")
        progress.finish(say(text, difference=say(DIFFERENCE)))
    return substitute


def _substitute(file: Path) -> Path | None:
    """Return the newest archive that differs from `file` only in its client."""
    others = file.parent.glob(f"{file.stem.partition('-')[0]}-*.tar")
    return max(others, key=lambda path: path.stat().st_mtime, default=None)


def inputs_of(binaries: Path) -> toolbox.Inputs:
    """Return what decides the bytes of the image that is built here."""
    with open(binaries / "kubectl", "rb") as kubectl:
        digest = hashlib.file_digest(kubectl, "sha256").hexdigest()
    return toolbox.Inputs(image_build.system(), architecture(), digest, client_pins())


def file_of(inputs: toolbox.Inputs) -> Path:
    """Return where the cache has the image of these inputs."""
    here = Path(__file__).parent
    program = b"".join((here / name).read_bytes() for name in _PROGRAM)
    return paths.cache_dir() / "images" / f"{inputs.key(program)}.tar"


def build_once(
    file: Path,
    make: Callable[[Path], Path],
    progress: Progress,
    needed: int = DISK_NEEDED,
) -> Path:
    """Return `file`; let `make` build a missing file, or directory, in an empty one.

    One process builds, others wait. The file is there whole or not at all; the next
    build removes the directory of a killed build. Raise StateError for a directory that
    cannot be used, NotEnough for a disk too full.
    """
    if file.exists():
        return file
    directory = file.parent
    message = say("another process builds the toolbox image; waiting")
    with contextlib.ExitStack() as stack:
        try:
            make_private(directory)
            lock = hold(directory / "build.lock", lambda: progress.update(message))
            stack.enter_context(lock)
        except OSError as error:
            raise errors.StateError(
                directory,
                say(
                    "the toolbox image cannot be kept here: {reason}.",
                    reason=error.strerror or error,
                ),
                say("Make it writable, or name another directory in LAB_CACHE_DIR."),
            ) from error
        if not file.exists():
            _make(file, make, needed)
            _remove_old_archives(directory)
    return file


def _make(file: Path, make: Callable[[Path], Path], needed: int) -> None:
    directory = file.parent
    # The lock keeps others out.
    for leftover in directory.glob("build-*"):
        shutil.rmtree(leftover, ignore_errors=True)
    free = preflight.disk_available(directory)
    if free < needed:
        raise _disk_error(directory, free)
    try:
        with tempfile.TemporaryDirectory(prefix="build-", dir=directory) as work:
            result = make(Path(work))
            os.sync()
            if result.is_file():
                # The umask must not keep out a machine that root starts, or a class.
                result.chmod(0o644)
            directory.chmod(0o755)
            os.replace(result, file)
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = preflight.disk_available(directory)
            raise _disk_error(directory, free) from error
        raise


def _remove_old_archives(directory: Path) -> None:
    files = sorted(directory.glob("*.tar"), key=lambda path: path.stat().st_mtime)
    for old in files[:-_KEPT]:
        paths_of_image = [*directory.glob(f"{old.stem}.*")]
        if any(_is_used(path) for path in paths_of_image if path.is_dir()):
            continue
        for path in paths_of_image:
            if path.is_dir():
                # Never half of it under its name, should this be killed.
                path = path.rename(directory / f"build-{path.name}")
                shutil.rmtree(path, ignore_errors=True)
            else:
                path.unlink()


def _is_used(store: Path) -> bool:
    """Return whether a running cluster locks the store, or another account owns it."""
    try:
        descriptor = os.open(store, os.O_RDONLY)
    except OSError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def architecture() -> str:
    """Return this machine's architecture by its name in images, as `amd64`."""
    machine = platform.machine()
    return _ARCHITECTURES.get(machine, machine)


def client_pins() -> tuple[str, ...]:
    """Return the installed Python client, and then what it needs: `name==version`."""
    pins, waiting = {}, ["kubernetes"]
    while waiting:
        name = waiting.pop()
        try:
            distribution = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            # Asked for by an extra or for another version of Python.
            continue
        # `packaging` would do both, and take 40 ms of every start.
        name = re.sub(r"[-_.]+", "-", distribution.metadata["Name"]).lower()
        if name not in pins:
            pins[name] = distribution.version
            needs = [
                line for line in distribution.requires or () if "extra ==" not in line
            ]
            waiting += [re.split(r"[^\w.-]", line)[0] for line in needs]
    client = pins.pop("kubernetes")
    pinned = [("kubernetes", client), *sorted(pins.items())]
    return tuple(f"{name}=={version}" for name, version in pinned)


def _disk_error(directory: Path, free: int) -> errors.NotEnough:
    return errors.NotEnough(
        say("disk space"),
        say("to build the toolbox image in {place}", place=directory),
        DISK_NEEDED,
        free,
        say("Free some, or name another directory in LAB_CACHE_DIR."),
    )
