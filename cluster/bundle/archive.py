"""Fetch the archive of this version's programs and pods' image, and unpack it.

`make bundle` writes it, and beside it its manifest, which is asked for first: nobody
should wait for 160 MB that do not fit. Nothing in an archive is believed: what is not a
regular file that the manifest names, under a name of ours and with its size, ends it.
Python's own filters for that came with 3.11.4, and Debian 12 has an older one.
"""

import hashlib
import json
import lzma
import os
import re
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from cluster import errors, preflight
from cluster.language import mark, say
from cluster.permissions import refuse_changeable
from cluster.programs import releases
from cluster.programs.recipe import RECIPE
from cluster.programs.releases import ARCHITECTURE, BUNDLE, ENDING
from cluster.progress import Progress

#: of the manifest's layout
FORMAT = 1
MANIFEST, IMAGE, SUMS = "manifest.json", "image.tar", "SHA256SUMS"
#: where programs are, and what curl and jq need to run on any system
PROGRAMS, SHELL = "bin/", "bin/shell/"
#: the sums of the release to which this package belongs, if they are in the package
PACKAGED = Path(__file__).with_name(SUMS)
#: bytes that are read at once, and of the largest manifest
_PIECE = 1 << 20
_NAME = re.compile(r"bin/(?:shell/)?\w[\w.+-]*|image\.tar")
#: exceptions from reading JSON of whatever layout
_ODD = (LookupError, TypeError, AttributeError, ValueError, RecursionError)


class Unusable(Exception):
    """An archive that cannot be had or used; the message is a clause that says why."""


@dataclass(frozen=True)
class Manifest:
    """The size and SHA-256 of each file, and what decided the image's bytes."""

    files: dict[str, tuple[int, str]]
    image: dict[str, Any]

    @classmethod
    def read(cls, text: bytes) -> "Manifest":
        """Read a manifest; raise Unusable if it does not fit this checkout."""
        try:
            document = json.loads(text)
            files = {
                name: (int(file["size"]), str(file["sha256"]))
                for name, file in document["files"].items()
            }
            image, key = dict(document["image"]), document["programs"]
            version, layout, machine = (
                document[name] for name in ("version", "format", "architecture")
            )
        except _ODD:
            raise Unusable(say("its manifest cannot be read")) from None
        if odd := [name for name in files if not _NAME.fullmatch(name)]:
            raise Unusable(say("its manifest names {name!r}", name=odd[0]))
        if machine != ARCHITECTURE:
            fault = mark("it is for {theirs}, and this machine is {ours}")
            raise Unusable(say(fault, theirs=machine, ours=ARCHITECTURE))
        if (layout, key) != (FORMAT, RECIPE.key()):
            fault = mark(
                "it is of version {version} with {key}, and {wanted} is wanted"
            )
            about = {"version": version, "key": key, "wanted": RECIPE.key()}
            raise Unusable(say(fault, **about))
        return cls(files, image)


def get(where: Path | str, directory: Path, progress: Progress) -> Path:
    """Return the archive at a path, or fetched into `directory`; raise Unusable.

    Its SHA-256 is that of the release. Of a file that somebody has put here there may
    be none: then the manifest inside has to do.
    """
    if isinstance(where, Path):
        return _local(where)
    if not where.startswith("https://") or not where.endswith(ENDING):
        text = mark("{setting}={value} is no https:// address of a {ending} file")
        about = {"setting": BUNDLE, "value": where, "ending": ENDING}
        raise Unusable(say(text, **about))
    if releases.OFF in os.environ:
        raise Unusable(say("{setting} is set", setting=releases.OFF))
    described = _fetch(f"{where.removesuffix(ENDING)}.json", directory, progress)
    Manifest.read(described.read_bytes())
    return _fetch(where, directory, progress)


def _local(path: Path) -> Path:
    try:
        refuse_changeable(path, BUNDLE, shared=True)
    except errors.StateError as error:
        raise Unusable(error.message.removesuffix(".")) from None
    sums = path.parent / SUMS
    digest = releases.sum_in(sums.read_text(), path.name) if sums.exists() else ""
    with path.open("rb") as file:
        if digest and hashlib.file_digest(file, "sha256").hexdigest() != digest:
            text = mark("{path} has another SHA-256 than {sums} says")
            raise Unusable(say(text, path=path, sums=sums))
    return path


def _fetch(address: str, directory: Path, progress: Progress) -> Path:
    # Late: a path needs none of it.
    from cluster.programs import download

    parent, _, name = address.rpartition("/")
    digest = releases.sum_in(PACKAGED.read_text(), name) if PACKAGED.exists() else ""
    release = releases.Release(address, f"{parent}/{SUMS}", (name,), known=digest)
    if not releases.is_named():
        release = release.at(ARCHITECTURE, releases.mirror())

    def words(here: int, whole: int) -> str:
        text = mark("downloading {name}: {here:.0f} of {whole:.0f} MB")
        return say(text, name=name, here=here / 1e6, whole=whole / 1e6)

    fetched, failed = download.fetch([release], directory, progress, words)
    if reason := failed.get(release):
        raise Unusable(reason)
    return fetched[release]


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
            return _Unpacking(tar, target, progress).run(wants)
    except (tarfile.TarError, lzma.LZMAError, EOFError):
        text = mark("{file} is no archive, or a part of one")
        raise Unusable(say(text, file=file.name)) from None
    except Unusable as error:
        text = mark("{file} cannot be used: {reason}")
        raise Unusable(say(text, file=file.name, reason=error)) from None


@dataclass
class _Unpacking:
    """An open archive, where its files go, and how many bytes are there of all."""

    tar: tarfile.TarFile
    target: Path
    progress: Progress
    done: int = 0
    whole: int = 0

    def run(self, wants: Callable[[str], bool]) -> Manifest:
        """Write the wanted files; the others must be right as well."""
        members = iter(self.tar)
        first = next(members, None)
        if first is None or first.name != MANIFEST or first.size > _PIECE:
            raise Unusable(say("it does not begin with {name}", name=MANIFEST))
        manifest = Manifest.read(self._open(first).read())
        left = {**manifest.files}
        self.whole = sum(size for name, (size, _) in left.items() if wants(name))
        if (free := preflight.disk_available(self.target)) < self.whole:
            text = mark(
                "{needed:.0f} MB are needed in {place}, and {free:.0f} MB are free"
            )
            sizes = {"needed": self.whole / 1e6, "free": free / 1e6}
            raise Unusable(say(text, place=self.target.parent, **sizes))
        for member in members:
            size, digest = left.pop(member.name, (-1, ""))
            if member.size != size:
                text = mark("{name!r} in it is not in its manifest")
                raise Unusable(say(text, name=member.name))
            source = self._open(member)
            if wants(member.name) and self._write(source, member.name) != digest:
                text = mark("{name} in it has another SHA-256 than it says")
                raise Unusable(say(text, name=member.name))
        if left:
            raise Unusable(say("{name} is not in it", name=next(iter(left))))
        return manifest

    def _open(self, member: tarfile.TarInfo) -> IO[bytes]:
        """Open a member that is a regular file and nothing else."""
        plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE)
        source = self.tar.extractfile(member) if plain else None
        if source is None:
            text = mark("{name!r} in it is no regular file")
            raise Unusable(say(text, name=member.name))
        return source

    def _write(self, source: IO[bytes], name: str) -> str:
        """Write a file that all may read, as a class does; return its SHA-256."""
        path, digest = self.target / name, hashlib.sha256()
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            while piece := source.read(_PIECE):
                digest.update(piece)
                self.done += file.write(piece)
                # A log keeps every line, so there is one for each 100 MB.
                done, whole = self.done // 10**8 * 100, self.whole / 1e6
                text = mark("unpacking programs and image: {done} of {whole:.0f} MB")
                self.progress.update(say(text, done=done, whole=whole))
        path.parent.chmod(0o755)
        path.chmod(0o755)
        return digest.hexdigest()
