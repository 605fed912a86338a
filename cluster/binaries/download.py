"""Download the programs of a recipe from their projects. The caller holds the lock.

What does not come, for whatever reason, is left to the build, and one line says why.
"""

import os
import platform
import shutil
import tarfile
from collections.abc import Sequence
from pathlib import Path

from cluster import errors
from cluster.binaries import build, elf, selfreport
from cluster.binaries.releases import ARCHITECTURES, PUBLISHED, Release, published
from cluster.binaries.steps import Recipe, Step
from cluster.binaries.workdir import Workshop
from cluster.progress import Progress

#: switches downloads off, whatever its value
OFF = "LAB_NO_DOWNLOADS"
#: names a copy of the projects' hosts: it is asked for `/dl.k8s.io/…` and so on
MIRROR = "LAB_MIRROR"


def download(
    recipe: Recipe, steps: Sequence[Step], workshop: Workshop, progress: Progress
) -> Path | None:
    """Return a new directory with the programs of the steps that came, or None.

    What came half stays in the workshop, and the next call goes on with it. Raise
    BadSetting for a mirror without HTTPS, OSError for a disk that is full.
    """
    wanted = [(step, published(step.programs)) for step in steps]
    if not any(releases for _, releases in wanted):
        return None
    architecture = ARCHITECTURES.get(platform.machine())
    refusal = ""
    if OFF in os.environ:
        refusal = f"{OFF} is set"
    elif architecture is None:
        refusal = f"nothing is published for {platform.machine()}"
    if refusal:
        progress.finish(f"{_instead('')}, because {refusal}")
        return None
    base = mirror()
    asked = [
        (step, [release.at(architecture, base) for release in releases])
        for step, releases in wanted
    ]
    return _fetch(asked, workshop, progress)


def mirror() -> str:
    """Return the address in LAB_MIRROR, or ""; raise BadSetting."""
    base = os.environ.get(MIRROR, "")
    if base and not base.startswith("https://"):
        raise errors.BadSetting(
            MIRROR,
            base,
            "is no https:// address",
            f"Name one, or unset {MIRROR} to ask the projects themselves.",
        )
    return base


def hosts() -> str:
    """Return who will be asked, "" if downloads are switched off; ask nobody."""
    if OFF in os.environ:
        return ""
    return mirror() or ", ".join(sorted({r.host for r in PUBLISHED.values()}))


def _fetch(
    asked: list[tuple[Step, list[Release]]], workshop: Workshop, progress: Progress
) -> Path | None:
    # Slow to import, and not needed where the programs are there already.
    from cluster.binaries.fetch import Fetch

    programs = workshop.stage() / "programs"
    programs.mkdir()
    fetch = Fetch(workshop.downloads, progress)
    fetched, failed = fetch.run([r for _, releases in asked for r in releases])
    left = []
    for step, releases in asked:
        why = next((failed[r] for r in releases if r in failed), "")
        why = why or _put(step, {r: fetched[r] for r in releases}, programs)
        if why or not releases:
            left.append((step, why))
    _explain(left, len(left) == len(asked), progress)
    return programs if len(left) < len(asked) else None


def _put(step: Step, files: dict[Release, Path], programs: Path) -> str:
    """Put the programs of a step into the directory; return why not, or ""."""
    try:
        for release, file in files.items():
            _unpack(release, file, programs)
        for name in step.programs if files else ():
            fault = elf.fault(programs / name)
            if not fault and not selfreport.version(step.question(programs, name)):
                # As where the C library is older than the one it was linked with.
                fault = "does not run here"
            if fault:
                raise _Unfit(f"the published {name} {fault}")
    except (_Unfit, tarfile.TarError) as error:
        for name in step.programs:
            (programs / name).unlink(missing_ok=True)
        return str(error)
    return ""


class _Unfit(Exception):
    """What came is not what was expected: one clause that says why."""


def _unpack(release: Release, file: Path, programs: Path) -> None:
    if release.members is None:
        (name,) = release.programs
        file.chmod(0o755)
        file.replace(programs / name)
        return
    with tarfile.open(file) as tar:
        paths = {member.name.removeprefix("./"): member for member in tar}
        for name, path in release.members.items():
            if path not in paths or not paths[path].isfile():
                raise _Unfit(f"{release.name} holds no file {path}")
            # Only the bytes: owner and mode are ours to decide.
            with (programs / name).open("wb") as target:
                shutil.copyfileobj(tar.extractfile(paths[path]), target)
            (programs / name).chmod(0o755)
    file.unlink()


def _explain(left: list[tuple[Step, str]], all_: bool, progress: Progress) -> None:
    """Leave one line on the screen if something must be built after all."""
    # The distribution's program will do where there is one.
    missing = [(step, why) for step, why in left if not build.system_has(step)]
    reasons = list(dict.fromkeys(why for _, why in missing if why))
    if not reasons:
        return
    which = "" if all_ else f" {', '.join(step.name for step, _ in missing)}"
    more = f" (and {len(reasons) - 2} more)" if len(reasons) > 2 else ""
    progress.finish(f"{_instead(which)}, because {'; '.join(reasons[:2])}{more}")


def _instead(which: str) -> str:
    """Say what becomes of programs that do not come."""
    off = build.OFF in os.environ
    return f"no download{which and ' of'}{which}" if off else f"building{which} instead"
