"""Describe an image archive that a learner brings, or say why it is none.

Pure but for reading the file. Two formats are known, as containerd's own import knows
them: what `docker save` and `podman save` write (manifest.json) and the OCI layout
(oci-layout, index.json); where an archive holds both, the second counts, as there.
"""

import json
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from lzma import LZMAError
from pathlib import Path

from cluster.errors import ImageError

_SAVE = "Write it with `docker save NAME -o FILE` or `podman save NAME -o FILE`."
#: Bytes; a description of an image is far smaller, a layer may be larger.
_LARGEST = 4_000_000
#: Annotations that hold a name, in the order in which containerd asks for them.
_NAMES = ("io.containerd.image.name", "org.opencontainers.image.ref.name")


@dataclass(frozen=True)
class SavedImage:
    """An image in an archive: names as they stand there, what it runs on: `amd64`."""

    names: tuple[str, ...]
    system: str
    architecture: str


def inspect(path: Path, architecture: str) -> list[SavedImage]:
    """Return the images in the archive that run here; raise ImageError if none does.

    Images for other machines are left out: an archive for several machines holds the
    same name several times.
    """
    found = _read(path)
    usable = [i for i in found if (i.system, i.architecture) == ("linux", architecture)]
    if not found:
        raise ImageError(path, "there is no image in it.", _SAVE)
    if not usable:
        kinds = sorted({f"{image.system}/{image.architecture}" for image in found})
        raise ImageError(
            path,
            f"for {', '.join(kinds)}; this machine runs linux/{architecture}.",
            f"Pull it with --platform=linux/{architecture} and save it again.",
        )
    if not any(image.names for image in usable):
        raise ImageError(path, "no name in it that a pod could ask for.", _SAVE)
    return usable


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


def _read(path: Path) -> list[SavedImage]:
    try:
        with tarfile.open(path) as tar:
            return list(_Archive(path, tar).images())
    except (tarfile.TarError, EOFError, zlib.error, LZMAError) as error:
        cut = isinstance(error, EOFError) or "end of data" in str(error)
        fact = "cut off." if cut else "not a tar archive."
        raise ImageError(path, fact, _SAVE) from error
    except OSError as error:
        fact = f"{error.strerror or error}."
        raise ImageError(path, fact[0].lower() + fact[1:]) from error
    except (KeyError, TypeError, AttributeError, ValueError, RecursionError) as error:
        # The documents inside are of whatever shape someone gave them.
        fact = f"its description is not understood ({error!r})."
        raise ImageError(path, fact, _SAVE) from error


class _Archive:
    def __init__(self, path: Path, tar: tarfile.TarFile) -> None:
        self._path, self._tar = path, tar
        self._members = {item.name.removeprefix("./"): item for item in tar}

    def images(self) -> Iterator[SavedImage]:
        if {"oci-layout", "index.json"} <= self._members.keys():
            yield from self._of_index(self._document("index.json"), ())
        elif "manifest.json" in self._members:
            for item in self._document("manifest.json"):
                names = tuple(item["RepoTags"] or ())
                yield self._image(item["Config"], item["Layers"], names)
        else:
            raise ImageError(
                self._path,
                "a tar archive, but of no image: manifest.json or index.json is "
                "missing.",
                _SAVE,
            )

    def _of_index(self, index: dict, names: tuple[str, ...]) -> Iterator[SavedImage]:
        for item in index["manifests"]:
            known = names or _names(item.get("annotations") or {})
            if "platform" in item and _blob(item) not in self._members:
                # Of an image for several machines only one part is saved.
                continue
            document = self._document(_blob(item))
            if "manifests" in document:
                yield from self._of_index(document, known)
            elif item.get("platform", {}).get("architecture") != "unknown":
                # "unknown" is a document about an image, not an image.
                layers = [_blob(layer) for layer in document["layers"]]
                yield self._image(_blob(document["config"]), layers, known)

    def _image(
        self, config: str, layers: list[str], names: tuple[str, ...]
    ) -> SavedImage:
        for layer in layers:
            self._member(layer)
        document = self._document(config)
        return SavedImage(names, document["os"], document["architecture"])

    def _document(self, name: str) -> dict | list:
        member = self._member(name)
        if not member.isreg() or member.size > _LARGEST:
            raise ImageError(self._path, f"{name} in it is no description.", _SAVE)
        return json.loads(self._tar.extractfile(member).read())

    def _member(self, name: str) -> tarfile.TarInfo:
        if name not in self._members:
            raise ImageError(self._path, f"{name} is missing in it.", _SAVE)
        return self._members[name]


def _blob(item: dict) -> str:
    return "blobs/" + item["digest"].replace(":", "/", 1)


def _names(annotations: dict) -> tuple[str, ...]:
    for key in _NAMES:
        name = annotations.get(key, "")
        # A tag alone names nothing.
        if ":" in name or "/" in name:
            return (name,)
    return ()
