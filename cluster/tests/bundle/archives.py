"""Archives as `make bundle` writes them, of tiny programs, and others."""

import hashlib
import io
import json
import lzma
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from cluster import release
from cluster.bundle import fetch, manifest as layout
from cluster.image import find as image_find
from cluster.image.toolbox import Inputs
from cluster.programs import releases
from cluster.programs.recipe import RECIPE
from cluster.tests.bundle import tinyelf
from cluster.tests.programs import mirror as m

#: of the client in the image; another than here
CLIENT = ("kubernetes==1.0", "certifi==1.0")
START = b"#!/bin/sh\ncat ${0%/*}/shell/words\n"


@dataclass
class Bundle:
    """An archive: its manifest, and its members as names and contents."""

    manifest: dict
    members: list[tuple[str, bytes]]

    def describe(self) -> bytes:
        """Return the manifest as it is written."""
        return json.dumps(self.manifest).encode()

    def packed(self, extra: Iterable[tarfile.TarInfo] = ()) -> bytes:
        """Return the bytes of the archive, with members without content at its end."""
        buffer = io.BytesIO()
        with (
            lzma.open(buffer, "wb", preset=0) as packed,
            tarfile.open(fileobj=packed, mode="w") as tar,
        ):
            for name, content in ((layout.MANIFEST, self.describe()), *self.members):
                info = tarfile.TarInfo(name)
                info.size = len(content)
                tar.addfile(info, io.BytesIO(content))
            for info in extra:
                tar.addfile(info)
        return buffer.getvalue()

    def write(self, directory: Path, *, sums: bool = True) -> Path:
        """Write it as a person has it who copied it from somewhere."""
        directory.mkdir(exist_ok=True)
        file = directory / releases.bundle_name()
        file.write_bytes(self.packed())
        if sums:
            digest = hashlib.sha256(file.read_bytes()).hexdigest()
            (directory / fetch.SUMS).write_text(f"{digest}  {file.name}\n")
        return file

    def files(self) -> dict[str, bytes]:
        """Return the files of a release, but for its sums."""
        name = releases.bundle_name()
        manifest = f"{name.removesuffix(releases.ENDING)}.json"
        return {name: self.packed(), manifest: self.describe()}

    def sums(self) -> str:
        """Return the sums of these files as `sha256sum` writes them."""
        digests = {
            name: hashlib.sha256(content).hexdigest()
            for name, content in sorted(self.files().items())
        }
        return "".join(f"{digest}  {name}\n" for name, digest in digests.items())

    def release(self, directory: Path) -> None:
        """Write the files of a release, but for its sums."""
        directory.mkdir()
        for name, content in self.files().items():
            (directory / name).write_bytes(content)

    def publish(self, mirror: m.Mirror, place: str) -> str:
        """Hold it at a place of the mirror as a release does; return its path there."""
        for name, content in self.files().items():
            mirror.files[f"{place}/{name}"] = content
        mirror.files[f"{place}/{fetch.SUMS}"] = self.sums().encode()
        return f"{place}/{releases.bundle_name()}"


def small(client: tuple[str, ...] = CLIENT, *, image: bytes = b"layers") -> Bundle:
    """Return an archive for this machine, made on another distribution."""
    programs = {
        f"bin/{name}": tinyelf.program(f"{name} v1.2.3") for name in RECIPE.programs()
    }
    shell = {"bin/shell/words": b"ours\n", "bin/curl": START, "bin/jq": START}
    files = {**shell, layout.IMAGE: image, **programs}
    digests = {name: hashlib.sha256(text).hexdigest() for name, text in files.items()}
    inputs = Inputs("other-1", releases.ARCHITECTURE, digests["bin/kubectl"], client)
    manifest = {
        "format": layout.FORMAT,
        "version": release.version(),
        "architecture": releases.ARCHITECTURE,
        "programs": RECIPE.key(),
        "image": {
            "name": image_find.file_of(inputs).name,
            "system": inputs.system,
            "client": client,
        },
        "files": {
            name: {"size": len(text), "sha256": digests[name]}
            for name, text in files.items()
        },
    }
    return Bundle(manifest, [*files.items()])
