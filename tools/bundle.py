"""Write the archive of programs and pods' image, which a first set-up takes.

`make bundle` puts it into dist/, from what the cache has, and beside it its manifest
and SHA256SUMS; all three belong into the release of this version. The same cache gives
the same bytes. `cluster/bundle/` reads it.

xz, because Python 3.11 unpacks it by itself: cluster/docs/cluster.md has the figures.
"""

import argparse
import json
import lzma
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from cluster import errors, programs, release, versions
from cluster.bundle.fetch import SUMS
from cluster.bundle.manifest import FORMAT, IMAGE, MANIFEST, PROGRAMS, SHELL
from cluster.image import find as image_find
from cluster.image.archive import EPOCH
from cluster.programs import releases
from cluster.programs.recipe import RECIPE
from cluster.programs.runc import find_runc
from cluster.programs.topics import Shell
from cluster.progress import Progress, Terminal
from tools.release import sha256, sum_line

#: of xz, from 0 to 9: beyond 6 it takes longer and saves nothing here
PRESET = 6
#: xz dictionary size, bytes: spans the image and the kubectl that follows it, so that
#: kubectl is stored once; unpacking needs as much memory
WINDOW = 64 << 20
_PIECE = 1 << 20
#: Starts a program of the image on any system, with the libraries beside it.
_START = """\
#!/bin/sh
# A system without certificates gives curl no file to compare with.
here=${0%%/*}/shell
[ -e /etc/ssl/certs/ca-certificates.crt ] ||
    export CURL_CA_BUNDLE="${CURL_CA_BUNDLE:-$here/cacert.pem}"
exec "$here/ld.so" --library-path "$here" "$here/%s" "$@"
"""


def write(target: Path, progress: Progress, preset: int = PRESET) -> Path:
    """Write archive, manifest and sums into a directory; return the archive.

    Raise LabError if programs or image are not in the cache.
    """
    binaries = programs.find()
    image = binaries and image_find.expected_archive(binaries)
    if not (binaries and image and image.exists()):
        raise errors.LabError(
            "The programs and the toolbox image of this checkout are not in the cache.",
            "`make setup` gets them; a substitute from elsewhere will not do.",
        )
    target.mkdir(parents=True, exist_ok=True)
    file = target / releases.bundle_name()
    with tempfile.TemporaryDirectory(prefix="bundle-", dir=target) as directory:
        work = Path(directory)
        files = _files(binaries, image, work)
        manifest = work / MANIFEST
        manifest.write_text(_manifest(binaries, image, files))
        _pack({MANIFEST: manifest, **files}, work / "archive", preset, progress)
        (work / "archive").replace(file)
        described = file.with_name(f"{file.name.removesuffix(releases.ENDING)}.json")
        manifest.replace(described)
    for product in (file, described):
        product.chmod(0o644)
        _note_sum(product)
    return file


def _files(binaries: Path, image: Path, work: Path) -> dict[str, Path]:
    """Return what goes in, by name, in this order.

    A program that is several is in it once: whoever unpacks it makes the links.
    """
    links = RECIPE.links()
    paths = {name: binaries / name for name in RECIPE.programs()}
    for name, file in links.items():
        if paths[name].is_symlink() and paths[name].readlink() == Path(file):
            paths[file] = paths.pop(name)
    if not paths["runc"].exists():
        # Where the distribution has one, none is built.
        runc = find_runc(binaries)
        paths["runc"] = Path(runc.path) if runc else paths["runc"]
    members = {f"{PROGRAMS}{name}": path for name, path in sorted(paths.items())}
    kubectl = f"{PROGRAMS}kubectl"
    return {
        **_shell(image, work),
        IMAGE: image,
        kubectl: members.pop(kubectl),
        **{name: path for name, path in members.items() if path.exists()},
    }


def _shell(image: Path, work: Path) -> dict[str, Path]:
    """Return curl and jq of the image, and what they need on another system.

    Nothing for an image that has none of them.
    """
    root = work / "root"
    _unpack_toolbox(image, root)
    tools = {name: root / "usr/bin" / name for name in Shell.NAMES}
    loaders = [*root.glob("usr/lib/*-linux-gnu/ld-linux-*.so.*")]
    if not loaders or not all(path.exists() for path in tools.values()):
        return {}
    loader = loaders[0]
    libraries = {"ld.so": loader.resolve(), **tools}
    for path in tools.values():
        command = [*map(str, (loader, "--library-path", loader.parent, "--list", path))]
        listing = subprocess.run(command, check=True, capture_output=True, text=True)
        for library in re.findall(rf"=> ({re.escape(str(root))}\S+) ", listing.stdout):
            if PurePosixPath(library).name != loader.name:
                libraries[PurePosixPath(library).name] = Path(library).resolve()
    libraries["cacert.pem"] = next(root.glob("usr/local/lib/*/*/certifi/cacert.pem"))
    starts = {}
    for name in tools:
        starts[f"{PROGRAMS}{name}"] = work / f"start-{name}"
        starts[f"{PROGRAMS}{name}"].write_text(_START % name)
    return starts | {f"{SHELL}{name}": path for name, path in sorted(libraries.items())}


def _unpack_toolbox(image: Path, root: Path) -> None:
    """Unpack what is below usr/ in the layers of the first image in an archive."""
    trust = {"filter": "tar"} if hasattr(tarfile, "tar_filter") else {}
    with tarfile.open(image) as outer:
        described = outer.extractfile("manifest.json")
        assert described is not None
        for layer in json.load(described)[0]["Layers"]:
            with tarfile.open(fileobj=outer.extractfile(layer)) as tar:
                tar.extractall(root, **trust)  # type: ignore[arg-type]


def _manifest(binaries: Path, image: Path, files: dict[str, Path]) -> str:
    inputs = image_find.inputs_of(binaries)
    document = {
        "format": FORMAT,
        "version": release.version(),
        "architecture": releases.ARCHITECTURE,
        "programs": RECIPE.key(),
        "image": {
            "name": image.name,
            "system": inputs.system,
            "client": inputs.client,
        },
        "versions": {
            name.lower(): value
            for name, value in vars(versions).items()
            if name.isupper() and isinstance(value, str)
        },
        "files": {
            name: {"size": path.stat().st_size, "sha256": sha256(path)}
            for name, path in files.items()
        },
    }
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def _pack(
    files: dict[str, Path], target: Path, preset: int, progress: Progress
) -> None:
    """Write files as a compressed tar file; owner and time are the same everywhere."""
    filters = [{"id": lzma.FILTER_LZMA2, "preset": preset, "dict_size": WINDOW}]
    whole = sum(path.stat().st_size for path in files.values())
    view = _CountingReader(progress, whole)
    with (
        lzma.open(target, "wb", filters=filters) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        for name, path in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mtime = path.stat().st_size, EPOCH
            info.mode = 0o755 if name.startswith(PROGRAMS) else 0o644
            with view.reading(path) as file:
                tar.addfile(info, file)


class _CountingReader:
    """Files that say how much of all of them was read."""

    def __init__(self, progress: Progress, whole: int) -> None:
        self.progress, self.whole, self.done = progress, whole, 0

    @contextmanager
    def reading(self, path: Path) -> Iterator["_CountingReader"]:
        """Open a file for `read`."""
        with path.open("rb") as self.file:
            yield self

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes."""
        # A step of 50 MB is a line in a log.
        step = self.done // (50 * _PIECE) * 50
        self.progress.update(f"compressing: {step} of {self.whole / _PIECE:.0f} MiB")
        piece = self.file.read(size)
        self.done += len(piece)
        return piece


def _note_sum(file: Path) -> None:
    """Put the sum of a file into SHA256SUMS beside it; keep those of others."""
    sums = file.with_name(SUMS)
    lines = sums.read_text().splitlines() if sums.exists() else []
    others = [line for line in lines if line.split()[-1:] != [file.name]]
    sums.write_text("".join(f"{line}\n" for line in [*others, sum_line(file)]))


def main() -> None:
    """Write the archive of this checkout."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("directory", nargs="?", type=Path, default=Path("dist"))
    parser.add_argument("--preset", type=int, choices=range(10), default=PRESET)
    options = parser.parse_args()
    try:
        view = Terminal()
        file = write(options.directory, view, options.preset)
        view.finish(f"{file}: {file.stat().st_size / 1e6:.0f} MB")
    except errors.LabError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
