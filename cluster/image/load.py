"""Import image archives into the running cluster and list what pods can use.

Through containerd's own client, `ctr`, wherever that containerd runs. The archive of
the suite's own images comes from `cache`; what a learner brings is looked at by
`file` first.
"""

import json
import os
import subprocess
import time
from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

from cluster import errors
from cluster.image.cache import architecture
from cluster.image.file import full_name, inspect
from cluster.progress import Progress, Silent

#: Seconds for one call of `ctr`; an import of 1 GB takes about ten.
_LONGEST = 600.0


@dataclass(frozen=True)
class Image:
    """An image that pods can use; `size` in bytes as it is stored."""

    name: str
    digest: str
    size: int


def import_archive(
    ctr: Path, socket: Path, archive: Path, progress: Progress | None = None
) -> list[str]:
    """Import the archive's images into containerd and return their names.

    Raise ImageError for a file that is no image archive or not for this machine,
    NotRunning if containerd does not answer at `socket`.
    """
    return add(_AtSocket(ctr, socket, progress or Silent()), archive)


def list_images(ctr: Path, socket: Path) -> list[Image]:
    """Return the images that pods can use, sorted by name; raise NotRunning."""
    client = _AtSocket(ctr, socket, Silent())
    rows = client.rows()
    sizes = {digest: client.size(digest) for _, digest in rows}
    return [Image(name, digest, sizes[digest]) for name, digest in sorted(rows)]


def add(client: "Client", archive: Path) -> list[str]:
    """Import the archive's images through `client`; as `import_archive`."""
    images = inspect(archive, architecture())
    client.rows()  # raises if there is nobody to refuse the archive
    try:
        client.load(archive)
        known = dict(client.rows())
        full = {name: full_name(name) for image in images for name in image.names}
        for name in known.keys() & full.keys():
            if name != full[name]:
                # From an OCI layout `app:1` is kept as it is; a pod that asks for it
                # means the long name.
                client.ask("images", "tag", "--force", name, full[name])
                client.ask("images", "remove", name)
    except Refused as refused:
        raise errors.ImageError(archive, f"containerd refused it: {refused}") from None
    names = set(full.values())
    missing = names - dict(client.rows()).keys()
    if missing:
        fact = f"containerd did not store {', '.join(sorted(missing))}."
        raise errors.ImageError(archive, fact)
    return sorted(names)


def parse_list(text: str) -> list[tuple[str, str]]:
    """Return name and digest of each image in what `ctr images list` prints.

    For the kubelet containerd keeps each image under its digest too; that is no name
    to ask for.
    """
    rows = [line.split() for line in text.splitlines()[1:]]
    return [
        (row[0], row[2])
        for row in rows
        if len(row) > 2 and not row[0].startswith("sha256:") and "@" not in row[0]
    ]


class Refused(Exception):
    """What `ctr` said last before it failed."""


class Client(ABC):
    """Asks one containerd about its images."""

    @abstractmethod
    def ask(self, *arguments: str) -> str:
        """Return what `ctr` prints; raise Refused."""

    @abstractmethod
    def load(self, archive: Path) -> None:
        """Import an archive; raise Refused."""

    def rows(self) -> list[tuple[str, str]]:
        """Return name and digest of each image; raise NotRunning."""
        return parse_list(self._answer("images", "list"))

    def size(self, digest: str) -> int:
        """Return the bytes of an image as stored; raise NotRunning."""
        document = json.loads(self._answer("content", "get", digest))
        for item in document.get("manifests", ()):
            if item.get("platform", {}).get("architecture") == architecture():
                return self.size(item["digest"])
        parts = [*document.get("layers", ()), document.get("config", {"size": 0})]
        return sum(part["size"] for part in parts)

    def _answer(self, *arguments: str) -> str:
        try:
            return self.ask(*arguments)
        except Refused as refused:
            raise errors.NotRunning(f"containerd does not answer: {refused}") from None


@dataclass(frozen=True)
class _AtSocket(Client):
    """Asks the containerd of the local cluster."""

    ctr: Path
    socket: Path
    progress: Progress

    def load(self, archive: Path) -> None:
        # Not through the transfer service, which sends every layer through a stream:
        # that takes half as long again.
        self.ask("images", "import", "--local", str(archive.absolute()))

    def ask(self, *arguments: str) -> str:
        try:
            # The path of a socket may have 107 bytes, a learner's directories may
            # have more: ctr gets the directory open, and a short path through it.
            directory = os.open(self.socket.parent, os.O_PATH | os.O_DIRECTORY)
        except OSError as error:
            raise Refused(f"{self.socket.parent}: {error.strerror}") from error
        try:
            address = f"/proc/self/fd/{directory}/{self.socket.name}"
            command = [self.ctr, "--address", address, "--namespace=k8s.io", *arguments]
            with subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                pass_fds=(directory,),
            ) as child:
                return self._finish(child, " ".join(arguments[:2]))
        finally:
            os.close(directory)

    def _finish(self, child: subprocess.Popen, what: str) -> str:
        latest = time.monotonic() + _LONGEST
        try:
            while True:
                try:
                    output, complaints = child.communicate(timeout=0.2)
                    break
                except subprocess.TimeoutExpired:
                    self.progress.update(f"containerd: {what}")
                    if time.monotonic() > latest:
                        raise Refused(f"no answer in {_LONGEST:.0f} s") from None
        except BaseException:
            child.kill()
            raise
        if child.returncode:
            lines = complaints.strip().splitlines() or [f"exit code {child.returncode}"]
            raise Refused(lines[-1].removeprefix("ctr: "))
        return output
