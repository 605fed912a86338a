"""Get the archive of this version, from a path or by HTTPS, and compare its SHA-256.

`make bundle` writes it, and beside it its manifest, which is asked for first: nobody
should wait for 100 MB that do not fit. The sums of a release are beside them, and in
its wheel: where they are in the wheel, those count.
"""

import hashlib
import os
from pathlib import Path

from cluster import errors
from cluster.bundle.manifest import Manifest, Unusable
from cluster.language import mark, say
from cluster.permissions import refuse_changeable
from cluster.programs import releases
from cluster.programs.releases import ARCHITECTURE, BUNDLE, ENDING
from cluster.progress import Progress

SUMS = "SHA256SUMS"
#: the sums of the release to which this package belongs, if they are in the package
PACKAGED = Path(__file__).with_name(SUMS)


def get(where: Path | str, directory: Path, progress: Progress) -> Path:
    """Return the archive at a path, or fetched into `directory`; raise Unusable.

    Its SHA-256 is that of the release. A file that somebody has put here may have
    none: then the manifest inside has to do.
    """
    if isinstance(where, Path):
        return _check_file(where)
    if not where.startswith("https://") or not where.endswith(ENDING):
        text = mark("{setting}={value} is no https:// address of a {ending} file")
        about = {"setting": BUNDLE, "value": where, "ending": ENDING}
        raise Unusable(say(text, **about))
    if releases.OFF in os.environ:
        raise Unusable(say("{setting} is set", setting=releases.OFF))
    described = _download(f"{where.removesuffix(ENDING)}.json", directory, progress)
    Manifest.read(described.read_bytes())
    return _download(where, directory, progress)


def _check_file(path: Path) -> Path:
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


def _download(address: str, directory: Path, progress: Progress) -> Path:
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
