"""Find the archive of this version's programs and pods' image; fetch and unpack it.

`make bundle` writes it, and beside it its manifest, which is asked for first: nobody
should wait for 200 MB that do not fit. Nothing in an archive is believed: what is not a
regular file that the manifest names, under a name of ours and with its size, ends it.
Python's own filters for that came with 3.11.4, and Debian 12 has an older one.
"""

import hashlib
import json
import lzma
import os
import platform
import re
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO, Any

from cluster import errors, paths, preflight
from cluster.permissions import refuse_changeable
from cluster.processes import PACKAGES
from cluster.programs import releases
from cluster.programs.recipe import RECIPE
from cluster.progress import Progress

#: names an archive: a path or an https:// address; "none" for none at all
SETTING = "LAB_BUNDLE"
#: of the manifest's layout
FORMAT = 1
MANIFEST, IMAGE, SUMS = "manifest.json", "image.tar", "SHA256SUMS"
#: where programs are, and what curl and jq need to run on any system
PROGRAMS, SHELL = "bin/", "bin/shell/"
#: the sums of the release to which this package belongs, if they are in the package
PACKAGED = Path(__file__).with_name(SUMS)
#: bytes that are read at once; of the largest manifest
_PIECE, _LARGEST = 1 << 20, 1 << 20
_ENDING = ".tar.xz"
_NAME = re.compile(r"bin/(?:shell/)?\w[\w.+-]*|image\.tar")
_SUM = re.compile(r"[0-9a-f]{64}")
_GITHUB = re.compile(r"(?:^|[/@])github\.com[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")
#: exceptions from reading JSON of whatever layout
_ODD = (LookupError, TypeError, AttributeError, ValueError, RecursionError)


class Unusable(Exception):
    """An archive that cannot be had or used; the message is a clause that says why."""


@dataclass(frozen=True)
class Manifest:
    """The contents of an archive: what they are of, and each file's size and SHA-256.

    `programs` is the key of the recipe, `image` what decided the image's bytes.
    """

    version: str
    architecture: str
    programs: str
    image: dict[str, Any]
    files: dict[str, tuple[int, str]]

    @classmethod
    def read(cls, text: bytes) -> "Manifest":
        """Read the text of a manifest; raise Unusable."""
        try:
            found = json.loads(text)
            files = {
                name: (int(file["size"]), str(file["sha256"]))
                for name, file in found["files"].items()
            }
            made = cls(
                str(found["version"]),
                str(found["architecture"]),
                str(found["programs"]),
                dict(found["image"]),
                files,
            )
            known = found["format"] == FORMAT
        except _ODD:
            raise Unusable("its manifest cannot be read") from None
        for name, (size, digest) in files.items():
            if not (_NAME.fullmatch(name) and size >= 0 and _SUM.fullmatch(digest)):
                raise Unusable(f"its manifest names {name!r}")
        if not known:
            raise Unusable("its manifest is of another version of these notebooks")
        return made

    def require(self) -> None:
        """Raise Unusable unless the programs are those that this checkout wants."""
        here = architecture()
        if self.architecture != here:
            raise Unusable(f"it is for {self.architecture}, and this machine is {here}")
        if self.programs != RECIPE.key():
            raise Unusable(
                f"it is of version {self.version} with {self.programs}, and "
                f"{RECIPE.key()} is wanted"
            )


def architecture() -> str:
    """Return this machine's architecture as releases name it, such as `amd64`."""
    return releases.ARCHITECTURES.get(platform.machine(), platform.machine())


def version() -> str:
    """Return the version of these notebooks, "" where they are not installed."""
    try:
        return metadata.version(paths.APP)
    except metadata.PackageNotFoundError:
        return ""


def file_name(version: str) -> str:
    """Return the name of the archive of a version for this machine."""
    return f"{paths.APP}-{version}-linux-{architecture()}{_ENDING}"


def is_named() -> bool:
    """Say whether a person has named an archive."""
    return os.environ.get(SETTING, "") not in ("", "none")


def place() -> Path | str | None:
    """Return the path or the address of the archive, or None; send no request.

    None where no release is in question: then nothing is asked and nothing is said.
    """
    named = os.environ.get(SETTING, "")
    if named and named != "none":
        return named if "://" in named else Path(named).expanduser().absolute()
    wanted = version()
    if named or not wanted or releases.OFF in os.environ or sys.platform != "linux":
        return None
    if not (repository := _repository()):
        return None
    return (
        f"https://github.com/{repository}/releases/download/v{wanted}/"
        f"{file_name(wanted)}"
    )


def _repository() -> str:
    """Return OWNER/NAME on GitHub, of the checkout or else of the package, or ""."""
    for address in (_origin(), *_addresses()):
        if found := _GITHUB.search(address):
            return found[1]
    return ""


def _origin() -> str:
    # A package may be installed below a checkout of something else.
    if not (Path(PACKAGES, ".git").exists() and shutil.which("git")):
        return ""
    command = ["git", "-C", PACKAGES, "remote", "get-url", "origin"]
    return subprocess.run(command, capture_output=True, text=True).stdout.strip()


def _addresses() -> list[str]:
    """Return the addresses that the package's metadata name."""
    try:
        found = metadata.metadata(paths.APP).get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return []
    return [line.partition(",")[2].strip() for line in found]


def get(where: Path | str, directory: Path, progress: Progress) -> Path:
    """Return the archive at a path, or fetched into `directory`; raise Unusable.

    Its SHA-256 is that of the release. Of a file that somebody has put here there may
    be none: then the manifest inside has to do.
    """
    if isinstance(where, Path):
        return _local(where)
    if not where.startswith("https://") or not where.endswith(_ENDING):
        raise Unusable(f"{SETTING}={where} is no https:// address of a {_ENDING} file")
    if releases.OFF in os.environ:
        raise Unusable(f"{releases.OFF} is set")
    described = _fetch(f"{where.removesuffix(_ENDING)}.json", directory, progress)
    Manifest.read(described.read_bytes()).require()
    return _fetch(where, directory, progress)


def _local(path: Path) -> Path:
    try:
        refuse_changeable(path, SETTING, shared=True)
    except errors.StateError as error:
        raise Unusable(error.message.removesuffix(".")) from None
    sums = path.parent / SUMS
    known = releases.sum_in(sums.read_text(), path.name) if sums.exists() else ""
    if known and _sha256(path) != known:
        raise Unusable(f"{path} has another SHA-256 than {sums} says")
    return path


def _fetch(address: str, directory: Path, progress: Progress) -> Path:
    # Late: a path needs none of it.
    from cluster.programs import download

    parent, _, name = address.rpartition("/")
    known = releases.sum_in(PACKAGED.read_text(), name) if PACKAGED.exists() else ""
    wanted = releases.Release(address, f"{parent}/{SUMS}", (name,), known=known)
    if not is_named():
        wanted = wanted.at(architecture(), releases.mirror())

    def words(here: int, whole: int) -> str:
        return f"downloading {name}: {here / 1e6:.0f} of {whole / 1e6:.0f} MB"

    fetched, failed = download.fetch([wanted], directory, progress, words)
    if reason := failed.get(wanted):
        raise Unusable(reason)
    return fetched[wanted]


def unpack(
    file: Path, target: Path, wants: Callable[[str], bool], progress: Progress
) -> Manifest:
    """Unpack the wanted files into the empty directory `target`; raise Unusable.

    Raise OSError for a disk that is full, or a file that cannot be read.
    """
    try:
        with (
            file.open("rb") as packed,
            tarfile.open(fileobj=packed, mode="r|xz", bufsize=_PIECE) as tar,
        ):
            return _unpack(tar, target, wants, progress)
    except (tarfile.TarError, lzma.LZMAError, EOFError):
        raise Unusable(f"{file.name} is no archive, or a part of one") from None
    except Unusable as error:
        raise Unusable(f"{file.name} is not used: {error}") from None


def _unpack(
    tar: tarfile.TarFile,
    target: Path,
    wants: Callable[[str], bool],
    progress: Progress,
) -> Manifest:
    members = iter(tar)
    first = next(members, None)
    if first is None or first.name != MANIFEST or first.size > _LARGEST:
        raise Unusable(f"it does not begin with {MANIFEST}")
    manifest = Manifest.read(_open(tar, first).read())
    manifest.require()
    left = {**manifest.files}
    whole = sum(size for name, (size, _) in left.items() if wants(name))
    if (free := preflight.disk_available(target)) < whole:
        raise Unusable(
            f"{whole / 1e6:.0f} MB are needed in {target.parent}, and "
            f"{free / 1e6:.0f} MB are free"
        )
    view = _View(progress, whole)
    for member in members:
        size, digest = left.pop(member.name, (-1, ""))
        if member.size != size:
            raise Unusable(f"{member.name!r} in it is not in its manifest")
        source = _open(tar, member)
        if wants(member.name):
            _write(source, target / member.name, digest, view)
    if left:
        raise Unusable(f"{next(iter(left))} is not in it")
    return manifest


def _open(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    """Open a member that is a regular file and nothing else; raise Unusable."""
    plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
    source = tar.extractfile(member) if plain else None
    if source is None:
        raise Unusable(f"{member.name!r} in it is no regular file")
    return source


def _write(source: IO[bytes], path: Path, known: str, view: "_View") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with path.open("xb") as file:
        while piece := source.read(_PIECE):
            digest.update(piece)
            view.add(file.write(piece))
    if digest.hexdigest() != known:
        raise Unusable(f"{path.name} in it has another SHA-256 than its manifest says")
    # Readable for a class, whatever the umask, as all that the cache gets.
    path.parent.chmod(0o755)
    path.chmod(0o755)


class _View:
    """The line of progress while files are unpacked."""

    #: seconds for which it stays the same: a log keeps every line
    STEADY = 8.0

    def __init__(self, progress: Progress, whole: int) -> None:
        self.progress, self.whole = progress, whole
        self.done, self.shown, self.message = 0, float("-inf"), ""

    def add(self, size: int) -> None:
        """Count bytes, and show how many there are."""
        self.done += size
        if time.monotonic() - self.shown >= self.STEADY:
            self.shown = time.monotonic()
            done, whole = self.done / 1e6, self.whole / 1e6
            self.message = f"unpacking programs and image: {done:.0f} of {whole:.0f} MB"
        self.progress.update(self.message)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
