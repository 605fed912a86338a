"""Write container images into one archive, byte for byte the same from the same input.

Owner, time and mode of each file come from here and not from the disk: an archive made
by root equals one made by a user with another umask.
"""

import hashlib
import io
import json
import os
import stat
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import BinaryIO

#: Time of everything in an image, in seconds since 1970: the first day of 2026.
EPOCH = 1767225600
_CREATED = "2026-01-01T00:00:00Z"


@dataclass(frozen=True)
class Entry:
    """A file of `source` or `content`, a symbolic link to `target`, or a directory."""

    mode: int = 0o755
    source: Path | None = None
    content: bytes | None = None
    target: str | None = None


#: The entries of a layer, by path inside the image without the first slash.
Tree = dict[str, Entry]


@dataclass(frozen=True)
class Layer:
    """A tar file; `digest` is the SHA-256 of it, in hexadecimal digits."""

    path: Path
    digest: str


@dataclass(frozen=True)
class Image:
    """Names, layers from the lowest up, and `config` as in the OCI image spec."""

    names: tuple[str, ...]
    layers: tuple[Layer, ...]
    config: dict = field(default_factory=dict)


def scan(root: Path, inside: str = "") -> Tree:
    """Return what is in the directory `root`, as entries below `inside`.

    Devices are left out: in a user namespace nobody may make a device, and the import
    of the whole layer would fail. Set-uid bits and the umask do not belong into it.
    """
    tree: Tree = {}
    for item in os.scandir(root):
        name = str(PurePosixPath(inside, item.name))
        if item.is_symlink():
            tree[name] = Entry(target=os.readlink(item.path))
        elif item.is_dir():
            tree |= {name: Entry(), **scan(Path(item.path), name)}
        elif item.is_file():
            runs = item.stat().st_mode & stat.S_IXUSR
            tree[name] = Entry(0o755 if runs else 0o644, source=Path(item.path))
    return tree


def write_layer(tree: Tree, path: Path) -> Layer:
    """Write the tree as a tar file; to unpack a compressed file takes more time."""
    complete = {**_parents(tree), **tree}
    seen: dict[tuple[int, int], str] = {}
    with open(path, "wb") as file, _tar(file) as tar:
        # By parts, so that a directory stands before all that is in it.
        for name in sorted(complete, key=lambda name: PurePosixPath(name).parts):
            _add(tar, name, complete[name], seen)
    with open(path, "rb") as written:
        return Layer(path, hashlib.file_digest(written, "sha256").hexdigest())


def _parents(tree: Tree) -> Tree:
    names = {str(parent) for name in tree for parent in PurePosixPath(name).parents}
    return {name: Entry() for name in names - {"."}}


def _add(
    tar: tarfile.TarFile, name: str, entry: Entry, seen: dict[tuple[int, int], str]
) -> None:
    info = tarfile.TarInfo(name)
    # Owner 0 is what a new TarInfo has, and the only one that a user namespace with
    # a single id can give a file.
    info.mode, info.mtime = entry.mode, EPOCH
    if entry.target is not None:
        info.type, info.linkname, info.mode = tarfile.SYMTYPE, entry.target, 0o777
        tar.addfile(info)
    elif entry.content is not None:
        info.size = len(entry.content)
        tar.addfile(info, io.BytesIO(entry.content))
    elif entry.source is not None:
        status = entry.source.stat()
        first = seen.setdefault((status.st_dev, status.st_ino), name)
        if first != name:
            info.type, info.linkname = tarfile.LNKTYPE, first
            tar.addfile(info)
            return
        info.size = status.st_size
        with open(entry.source, "rb") as file:
            tar.addfile(info, file)
    else:
        info.type = tarfile.DIRTYPE
        tar.addfile(info)


def write_zip(tree: Tree, path: Path) -> None:
    """Write the files of the tree as a zip file that Python can import from."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, entry in sorted(tree.items()):
            if entry.source is not None:
                # The time is the oldest that the format has, not the file's own.
                info = zipfile.ZipInfo(name)
                info.compress_type = zipfile.ZIP_DEFLATED
                file.writestr(info, entry.source.read_bytes())


def write_archive(images: Iterable[Image], architecture: str, path: Path) -> None:
    """Write the images as `docker save` does; layers that they share are there once."""
    manifest, added = [], set()
    with open(path, "wb") as file, _tar(file) as tar:
        for image in images:
            for layer in image.layers:
                if layer.digest not in added:
                    added.add(layer.digest)
                    _add(tar, f"{layer.digest}.tar", Entry(0o644, layer.path), {})
            config = _json(_config(image, architecture))
            name = f"{hashlib.sha256(config).hexdigest()}.json"
            _add(tar, name, Entry(0o644, content=config), {})
            manifest.append(
                {
                    "Config": name,
                    "RepoTags": list(image.names),
                    "Layers": [f"{layer.digest}.tar" for layer in image.layers],
                }
            )
        _add(tar, "manifest.json", Entry(0o644, content=_json(manifest)), {})


def _config(image: Image, architecture: str) -> dict:
    return {
        "architecture": architecture,
        "os": "linux",
        "created": _CREATED,
        "config": image.config,
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{layer.digest}" for layer in image.layers],
        },
        "history": [{"created": _CREATED} for _ in image.layers],
    }


def _json(document: object) -> bytes:
    return json.dumps(document, sort_keys=True).encode()


def _tar(file: BinaryIO) -> tarfile.TarFile:
    return tarfile.open(
        fileobj=file,
        mode="w",
        format=tarfile.GNU_FORMAT,
        # File names are bytes; the locale of whoever builds must not decide.
        encoding="utf-8",
        errors="surrogateescape",
    )
