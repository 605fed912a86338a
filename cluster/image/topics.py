"""Examine the image that pods run, or whether a build of it can succeed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster import paths, preflight, programs
from cluster.findings import Finding, fatal, ok
from cluster.image import engine, find as image_find
from cluster.programs import releases


@dataclass(frozen=True)
class Image:
    """The toolbox image."""

    archive: Path | None
    #: the image can be made or unpacked here
    possible: bool
    #: bytes, in the cache
    free: int
    #: only the versions of the Python client in it differ from those here
    substitute: bool = False

    @classmethod
    def read(cls) -> "Image":
        """Look for the archive that fits the binaries."""
        binaries = programs.find_kubectl()
        archive = image_find.usable_archive(binaries) if binaries else None
        return cls(
            archive,
            image_find.can_build()
            or releases.bundle() is not None
            or bool(binaries and image_find.compressed_archive(binaries).exists()),
            preflight.disk_available(paths.cache_dir()),
            bool(archive and binaries and image_find.is_substitute(archive, binaries)),
        )

    def findings(self) -> Iterator[Finding]:
        """Judge the image, or whether a build of the image can succeed."""
        needed = image_find.DISK_NEEDED
        if self.archive:
            differs = f"; {image_find.DIFFERENCE}" if self.substitute else ""
            yield ok("image", f"{self.archive}{differs}")
        elif not self.possible:
            yield fatal(
                "image",
                "none yet, and nothing that builds it: mmdebstrap is not installed, "
                "and neither Docker nor Podman answers.",
                engine.way_out(),
            )
        elif self.free < needed:
            yield fatal(
                "image",
                f"none yet; building it takes {needed / 1e9:.1f} GB, and the cache has "
                f"{self.free / 1e9:.1f} GB free.",
                "Free some, or name another directory in LAB_CACHE_DIR.",
            )
        else:
            yield ok("image", "none yet; it is made after the binaries")
