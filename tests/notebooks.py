"""The notebooks of this checkout, for every test that reads them."""

import fcntl
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from helpers import needs
from helpers.course import lessons
from helpers.course.exercise import has_tag, tags_of

ROOT = Path(__file__).parent.parent
FILES = [ROOT / "notebooks" / lesson.path for lesson in lessons()]

#: target of the bold words of lessons
GLOSSARY = ROOT / "notebooks" / "glossary.md"


def anchor(heading: str) -> str:
    """Return what a heading is called behind the `#` of a link, as GitHub has it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def load(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def tagged(notebook: dict, tag: str) -> list[dict]:
    return [cell for cell in notebook["cells"] if has_tag(cell, tag)]


#: tags of cells that need a minor version of Kubernetes
NEEDS_MINOR = {
    tag
    for path in FILES
    for cell in load(path)["cells"]
    for tag in tags_of(cell)
    if needs.MINOR.fullmatch(tag)
}


def file_of(name: str) -> Path:
    """Return the file of the lesson `name`, wherever it is."""
    [found] = [path for path in FILES if path.stem == name]
    return found


def in_lab(path: Path) -> str:
    """Return the name by which JupyterLab knows a notebook, without its ending."""
    return path.relative_to(ROOT / "notebooks").with_suffix("").as_posix()


def written_to(target: Path, path: Path) -> Path:
    """Return where a run into `target` leaves a notebook with its outputs."""
    return target / path.relative_to(ROOT / "notebooks")


def source(name: str, cell: str) -> str:
    """Return what stands in a cell of the lesson `name`."""
    cells = load(file_of(name))["cells"]
    [found] = ["".join(c["source"]) for c in cells if c["id"] == cell]
    return found


def execute(
    path: Path, target: Path, *, twice: bool = False, beside: Path | None = None
) -> None:
    """Run a notebook, or each of its cells twice; `target` gets it with its outputs.

    `beside` gets those of a second run at the same time.
    """
    lines = [[*["--twice"] * twice, "--target", target, path]]
    if beside:
        lines.append(["--target", beside, path])
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "tools.chapter", *line],
            cwd=ROOT,
            env=os.environ | {"COLUMNS": "80"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for line in lines
    ]
    try:
        outputs = [run.communicate()[0] for run in runs]
    finally:
        # From tests that are interrupted; one that goes on would start a cluster anew.
        for run in runs:
            run.send_signal(signal.SIGINT)
    assert [run.returncode for run in runs] == [0] * len(runs), "\n".join(outputs)


@contextmanager
def locked_copy(name: str) -> Iterator[Path]:
    """Hold the file where all workers find a notebook with its outputs, or none yet."""
    shared = Path(os.environ["LAB_TESTS_SHARED"])
    shared.mkdir(parents=True, exist_ok=True)
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield shared / f"{name}.ipynb"


def executed(name: str) -> dict:
    """Return a notebook with its outputs; whoever asks first runs it."""
    with locked_copy(name) as file:
        if not file.exists():
            path, target = file_of(name), file.with_suffix("")
            execute(path, target)
            os.replace(written_to(target, path), file)
        return load(file)
