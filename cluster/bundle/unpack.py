"""Unpack the archive of programs and image.

Nothing in an archive is believed: what is not a regular file that the manifest names,
under a name of ours and with its size, ends it. Python's own filters for that came with
3.11.4, and Debian 12 has an older one.
"""

import hashlib
import lzma
import tarfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from cluster import preflight
from cluster.bundle.manifest import MANIFEST, Manifest, Unusable
from cluster.language import mark, say
from cluster.progress import Progress

#: bytes that are read at once, and of the largest manifest
_PIECE = 1 << 20


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
