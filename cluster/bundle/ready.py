"""Fill the cache from the archive of this version: programs, and the image of the pods.

Where both are looked for, in this order: LAB_ASSETS; the cache; the archive; the
releases of the projects, and mmdebstrap or a container engine; a build. Parts that
the archive lacks are left to those after it, and one line says why.
"""

import dataclasses
import json
import shutil
from pathlib import Path

from cluster import programs
from cluster.bundle.fetch import get
from cluster.bundle.manifest import IMAGE, PROGRAMS, SHELL, Manifest, Unusable
from cluster.bundle.unpack import unpack
from cluster.image import find as image_find
from cluster.image.toolbox import Inputs
from cluster.language import mark, say
from cluster.programs import check, releases
from cluster.programs.build import WorkDir
from cluster.programs.links import link
from cluster.programs.recipe import RECIPE, Recipe
from cluster.programs.topics import Shell
from cluster.progress import Progress


def ensure(progress: Progress, recipe: Recipe = RECIPE, *, image: bool = True) -> bool:
    """Take what is missing from the archive; say whether nothing is missing now.

    `recipe` has the programs that are needed; those of RECIPE are taken. Raise
    IncompleteAssets, StateError for an unusable cache, LabError for a wrong setting.
    """

    def is_complete(binaries: Path | None) -> bool:
        return binaries is not None and (not image or _has_image(binaries))

    binaries = _binaries(recipe)
    if is_complete(binaries):
        return True
    where = releases.bundle()
    if where is None or not _is_worth_it(binaries):
        return False
    with programs.workshop(progress) as work:
        # Another process may have got it while we waited.
        binaries = _binaries(recipe)
        if is_complete(binaries):
            return True
        try:
            _take(where, binaries, work, progress)
        except (Unusable, OSError) as error:
            reason = error if isinstance(error, Unusable) else _words(error)
            text = mark("no ready-made programs and image, because {reason}")
            progress.finish(say(text, reason=reason))
        finally:
            work.clear()
    return is_complete(_binaries(recipe))


def _binaries(recipe: Recipe) -> Path | None:
    return programs.find(recipe, or_any=(RECIPE,))


def _has_image(binaries: Path) -> bool:
    packed = image_find.compressed_archive(binaries)
    return image_find.usable_archive(binaries) is not None or packed.exists()


def _is_worth_it(binaries: Path | None) -> bool:
    """Return whether to ask for an archive: one that nobody has named may not fit.

    Its image is for the kubectl that is in it, which may not be the one here.
    """
    return releases.is_named() or not binaries or not image_find.can_build()


def _words(error: OSError) -> str:
    where = f": {error.filename}" if error.filename else ""
    return f"{error.strerror or error}{where}"


def _take(
    where: Path | str, binaries: Path | None, work: WorkDir, progress: Progress
) -> None:
    """Put what the cache lacks into it; raise Unusable or OSError.

    A file that was fetched stays if a person interrupts this: the next set-up has it.
    """
    fetched = work.downloads / "archive"
    try:
        file = get(where, fetched, progress)
        lacks = _unpack(file, binaries, work.stage(), progress)
    except Exception:
        shutil.rmtree(fetched, ignore_errors=True)
        raise
    shutil.rmtree(work.downloads, ignore_errors=True)
    all_ = mark("programs and image are those of {file}")
    some = mark("programs and image are those of {file}, but {lacks}")
    progress.finish(say(some if lacks else all_, file=file.name, lacks=lacks))


def _unpack(file: Path, binaries: Path | None, stage: Path, progress: Progress) -> str:
    """Put what the cache lacks into it; say which programs are of no use here."""
    shell = not all(map(shutil.which, Shell.NAMES))

    def wants(name: str) -> bool:
        if name == IMAGE:
            return True
        for_shell = SHELL in name or name.removeprefix(PROGRAMS) in Shell.NAMES
        return binaries is None and (shell or not for_shell)

    manifest = unpack(file, stage, wants, progress)
    lacks = ""
    if binaries is None:
        for step in RECIPE.steps:
            link(step, stage / PROGRAMS)
        lacks = _drop_unfit(stage / PROGRAMS)
        binaries = programs.keep(stage / PROGRAMS)
    _keep_image(stage / IMAGE, manifest, binaries, progress)
    return lacks


def _drop_unfit(directory: Path) -> str:
    """Remove steps whose programs do not run here; say which are missing then."""
    lacks = []
    for step in RECIPE.steps:
        if reason := check.step_problem(step, directory):
            for name in (*step.programs, *step.outputs()):
                (directory / name).unlink(missing_ok=True)
            if not check.system_has(step):
                lacks.append(reason)
    return "; ".join(lacks)


def _keep_image(
    content: Path, manifest: Manifest, binaries: Path, progress: Progress
) -> None:
    """Put the image where it is looked for, or raise Unusable."""
    image = manifest.image
    try:
        system, name = str(image["system"]), str(image["name"])
        theirs = Inputs(
            system,
            releases.ARCHITECTURE,
            manifest.files[f"{PROGRAMS}kubectl"][1],
            tuple(map(str, image["client"])),
        )
    except (LookupError, TypeError):
        raise Unusable(say("its manifest does not describe the image")) from None
    if image_find.file_of(theirs).name != name:
        text = mark("its image was made by another version of these notebooks")
        raise Unusable(say(text))
    here = image_find.inputs_of(binaries)
    if theirs.kubectl != here.kubectl:
        text = mark("the kubectl of its image is not the one in {place}")
        raise Unusable(say(text, place=binaries))
    # Packages of another distribution will do; those of the client keep their name.
    inputs = dataclasses.replace(theirs, system=here.system)
    file = image_find.build_once(
        image_find.file_of(inputs), lambda _: content, progress, needed=0
    )
    note = dataclasses.asdict(manifest)
    image_find.manifest_of(file).write_text(json.dumps(note, indent=1))
