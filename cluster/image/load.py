"""Import image archives into the running cluster and list the images of pods.

Through containerd's own client, `ctr`, wherever that containerd runs. Only the names
of an archive are read here, and completed as Kubernetes does.
"""

import json
import os
import stat
import subprocess
import tarfile
import zlib
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path
from typing import Any, NamedTuple

from cluster import errors
from cluster.image.find import architecture
from cluster.statedir import printable_text

#: Seconds for one call of `ctr`; an import of 1 GB takes about ten.
_LONGEST = 600.0
#: Annotations that hold a name, in the order in which containerd asks for them.
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")
#: Exceptions from reading untrusted JSON.
_ODD = (LookupError, TypeError, AttributeError, ValueError, RecursionError)


@dataclass(frozen=True)
class StoredImage:
    """An image that pods can use; `size` in bytes as it is stored."""

    name: str
    digest: str
    size: int


def import_archive(
    ctr: Path, socket: Path, archive: Path, snapshotter: str = "overlayfs"
) -> list[str]:
    """Import the archive's images into containerd and return their names.

    `snapshotter` is that of the pods. Raise LabError for what is no image archive or
    not for this machine, NotRunning if containerd does not answer.
    """
    return add(_AtSocket(ctr, socket, snapshotter), archive)


def list_images(ctr: Path, socket: Path) -> list[StoredImage]:
    """Return the images that pods can use, sorted by name; raise NotRunning."""
    client = _AtSocket(ctr, socket)
    rows = client.rows()
    try:
        sizes = {row.digest: client.size(row.digest) for row in rows}
    except _ODD as error:
        message = f"containerd does not answer as it should: {error!r}"
        raise errors.NotRunning(message) from None
    return [
        StoredImage(row.name, row.digest, sizes[row.digest]) for row in sorted(rows)
    ]


def add(client: "ContainerdClient", archive: Path) -> list[str]:
    """Import the archive's images through `client`; as `import_archive`."""
    full = {name: full_name(name) for name in saved_names(archive)}
    client.rows()  # raises if there is nobody to refuse the archive
    try:
        client.load(archive)
        for name in {row.name for row in client.rows()} & full.keys():
            if name != full[name]:
                # From an OCI layout `app:1` is kept as it is; a pod that asks for it
                # means the long name.
                client.ask("images", "tag", "--force", name, full[name])
                client.ask("images", "remove", name)
    except Refused as refused:
        message = f"containerd refused it: {refused}."
        raise _archive_error(archive, message) from None
    rows = {row.name: row for row in client.rows()}
    names = sorted(set(full.values()))
    if missing := names - rows.keys():
        message = f"containerd did not store {', '.join(sorted(missing))}."
        raise _archive_error(archive, message)
    here = f"linux/{architecture()}"
    foreign = [rows[name] for name in names if here not in rows[name].platforms]
    for row in foreign:
        client.ask("images", "remove", row.name)
    if foreign:
        message = f"{foreign[0].name} is for {foreign[0].platforms}."
        raise _archive_error(archive, message)
    return names


def _archive_error(archive: Path, message: str) -> errors.LabError:
    return errors.LabError(
        f"image archive {archive}: {message}",
        "Write it with `docker save NAME -o FILE` or `podman save NAME -o FILE`, of an "
        f"image for linux/{architecture()}, which this machine runs.",
    )


def saved_names(archive: Path) -> list[str]:
    """Return the names in an archive, of Docker or an OCI layout; raise LabError."""
    try:
        with tarfile.open(archive) as tar:
            names = list(_names(tar))
    except (tarfile.TarError, EOFError, zlib.error, LZMAError):
        message = "no tar archive, or a part of one."
    except OSError as error:
        message = f"{error.strerror or error}."
    except _ODD as error:
        message = f"no image archive that can be read ({error!r})."
    else:
        if names:
            return names
        message = "no name in it that a pod could ask for."
    raise _archive_error(archive, message)


def _names(tar: tarfile.TarFile) -> Iterator[str]:
    """Yield the names; where both descriptions are, the layout counts, as for `ctr`."""
    members = {item.name.removeprefix("./"): item for item in tar}

    def document(name: str) -> Any:
        file = tar.extractfile(members[name])
        if file is None:
            raise ValueError(f"{name} is no file")
        return json.load(file)

    if {"oci-layout", "index.json"} <= members.keys():
        for item in document("index.json")["manifests"]:
            names = [(item.get("annotations") or {}).get(key, "") for key in _NAMES]
            # A tag alone names nothing.
            yield from [name for name in names if ":" in name or "/" in name][:1]
    else:
        for item in document("manifest.json"):
            yield from item["RepoTags"] or ()


def full_name(name: str) -> str:
    """Return the name as Kubernetes completes it: registry, `library/`, `:latest`."""
    first, slash, rest = name.partition("/")
    if not slash:
        name = f"docker.io/library/{name}"
    elif first == "docker.io" and "/" not in rest:
        name = f"docker.io/library/{rest}"
    elif not ("." in first or ":" in first or first == "localhost"):
        name = f"docker.io/{name}"
    last = name.rpartition("/")[2]
    return name if ":" in last or "@" in last else f"{name}:latest"


class ListedImage(NamedTuple):
    """An image in a containerd; `platforms` as `linux/amd64,linux/arm64`."""

    name: str
    digest: str
    platforms: str


def parse_list(text: str) -> list[ListedImage]:
    """Return the images with a name in the output of `ctr images list`."""
    # For the kubelet, containerd keeps each image under its digest, too.
    rows = [line.split() for line in text.splitlines()[1:]]
    return [
        ListedImage(row[0], row[2], row[-2])
        for row in rows
        if len(row) > 2 and not row[0].startswith("sha256:") and "@" not in row[0]
    ]


class Refused(Exception):
    """The last line that `ctr` printed before it failed."""


class ContainerdClient(ABC):
    """Queries one containerd about its images."""

    @abstractmethod
    def ask(self, *arguments: str) -> str:
        """Return the output of `ctr`; raise Refused."""

    @abstractmethod
    def load(self, archive: Path) -> None:
        """Import an archive; raise Refused."""

    def rows(self) -> list[ListedImage]:
        """Return the images that have a name; raise NotRunning."""
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
class _AtSocket(ContainerdClient):
    """Asks the containerd of the local cluster."""

    ctr: Path
    socket: Path
    snapshotter: str = ""

    def load(self, archive: Path) -> None:
        # Not through the transfer service, which sends every layer through a stream:
        # that takes half as long again.
        options = ("--local", f"--snapshotter={self.snapshotter}")
        self.ask("images", "import", *options, str(archive.absolute()))

    def ask(self, *arguments: str) -> str:
        try:
            # The path of a socket may have 107 bytes, a learner's directories may
            # have more: ctr gets it open, and a short path to that. No link is
            # followed: pods can put one there that leads to a socket of the host.
            socket = os.open(self.socket, os.O_PATH | os.O_NOFOLLOW)
        except OSError as error:
            raise Refused(f"{self.socket}: {error.strerror}") from error
        try:
            if not stat.S_ISSOCK(os.fstat(socket).st_mode):
                raise Refused(f"{self.socket}: no socket")
            address = f"/proc/self/fd/{socket}"
            where = ["--address", address, "--namespace=k8s.io"]
            done = subprocess.run(
                [self.ctr, *where, *arguments],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                pass_fds=(socket,),
                timeout=_LONGEST,
            )
        except subprocess.TimeoutExpired:
            raise Refused(f"no answer in {_LONGEST:.0f} s") from None
        finally:
            os.close(socket)
        if done.returncode:
            lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
            raise Refused(printable_text(lines[-1].removeprefix("ctr: ")))
        return printable_text(done.stdout)
