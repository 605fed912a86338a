"""Run every notebook without a screen and keep it with its outputs.

`website.build` makes pages of what is kept. Each notebook gets a fresh kernel. It is no
test of the lessons beyond that they run (their asserts are) and that no output holds a
secret.
"""

import argparse
import functools
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import (
    CellExecutionError,
    CellTimeoutError,
    DeadKernelError,
)
from traitlets.config import Config

from cluster import backends, preflight
from cluster.errors import LabError
from helpers.course import lessons
from helpers.course.attempts import SETTING
from helpers.course.exercise import with_solutions
from tools import leaks
from tools.proofs import copy_of

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
#: Seconds for one cell, as in the tests; the longest wait of a helper takes up to 400.
CELL_TIMEOUT = 420
#: Seconds for a kernel to start, where a cluster starts as quickly as usual.
KERNEL_TIMEOUT = 60
#: Not ports of 127.0.0.1: two kernels that start at once can be given the same one, and
#: any user of the machine may read there.
SOCKETS = Config({"KernelManager": {"transport": "ipc"}})
#: Directories of the kernels' sockets, of this run.
_FOLDERS: list[str] = []
#: Numbers of the lessons, the longest first: nothing runs beside the last one. One that
#: is not listed comes before all.
LONGEST = (
    "09 18 19 26 27 15 20 17 21 16 07 22 06 23 11 04 24 13 01 05 08 12 02 25 14 03 00"
)
#: Bytes for a kernel and the pods of its lesson.
MEMORY = 400e6


def run(path: Path, target: Path, twice: bool) -> str:
    """Run one notebook; return what failed, or "" if all is well.

    The notebook is written with its outputs below `target`, also if a cell fails.
    Solutions run instead of stubs. With `twice` each cell runs twice in a row, as an
    unsure learner does; what is written is the first time.
    """
    original = nbformat.read(path, as_version=4)
    notebook = with_solutions(original)
    if twice:
        notebook.cells = [run for cell in notebook.cells for run in _with_repeat(cell)]
    fault = execute(notebook, path.parent)
    leaked = [
        f"{cell['id']}: the output shows {what}"
        for cell in notebook.cells
        for what in leaks.find_in(cell.get("outputs", []))
    ]
    if leaked:
        # Nothing is written: the file would be what the rule is against.
        return "; ".join(leaked)
    kept_file = target / place(path)
    kept_file.parent.mkdir(parents=True, exist_ok=True)
    original_ids = {cell["id"] for cell in original.cells}
    notebook.cells = [cell for cell in notebook.cells if cell["id"] in original_ids]
    nbformat.write(notebook, kept_file)
    # On one line and without colours.
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", fault).split())


def execute(notebook: nbformat.NotebookNode, folder: Path) -> str:
    """Run all cells in `folder`; return which one failed and why, or ""."""
    current = "before the first cell"

    def note_start(cell: nbformat.NotebookNode, cell_index: int) -> None:
        nonlocal current
        current = cell["id"]

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        startup_timeout=round(KERNEL_TIMEOUT * slowness()),
        # The kernel of this environment, whatever the file was saved with.
        kernel_name="python3",
        skip_cells_with_tag="nbval-skip",
        resources={"metadata": {"path": str(folder)}},
        on_cell_start=note_start,
        # A shell cell sends its output in pieces of 100 bytes, and each would become
        # a paragraph of the page.
        coalesce_streams=True,
        # Nothing would draw the views of it.
        store_widget_state=False,
        config=SOCKETS,
    )
    with (
        # Not at home: the path of a socket has at most 107 bytes.
        tempfile.TemporaryDirectory(prefix="kernel-") as sockets,
        # The text of cells is in their outputs. A kernel that ends may abort in its
        # messaging library, which would say so to whoever reads this command's stderr.
        tempfile.TemporaryFile(dir=sockets) as stderr,
    ):
        _FOLDERS.append(sockets)
        client.create_kernel_manager().connection_file = f"{sockets}/kernel.json"
        try:
            client.execute(stderr=stderr)
        except CellExecutionError as error:
            return f"{current}: {error.ename}: {error.evalue}"
        except CellTimeoutError as error:
            return f"{current}: {type(error).__name__}"
        except RuntimeError as error:  # the kernel has ended, or is too slow to begin
            stderr.seek(0)
            last = stderr.read().decode(errors="replace").strip().rpartition("\n")[2]
            if not isinstance(error, DeadKernelError):
                last = last or str(error)
            return f"{current}: {type(error).__name__}{last and f': {last}'}"
    return ""


@functools.cache
def slowness() -> float:
    """Return how many times as long as usual things take on this machine, at least 1.

    1 where there is no cluster.
    """
    try:
        return backends.current().slowness()
    except LabError:
        return 1.0


def _with_repeat(cell: dict) -> Iterator[dict]:
    yield cell
    if cell["cell_type"] == "code":
        yield copy_of(cell, "again")


def job_count(cores: int, memory: float) -> int:
    """Return how many notebooks run side by side; `memory` is what is free, in bytes.

    One more than there are cores: a lesson waits for pods half of its time.
    """
    return max(1, min(cores + 1, int(memory / MEMORY)))


def start_rank(path: Path) -> int:
    """Return the place of a notebook in the order in which they are started."""
    return LONGEST.find(path.stem[:2])


def notebooks(language: str = "") -> list[Path]:
    """Return every lesson there is, in the order of their numbers; "" is English."""
    paths = [NOTEBOOKS / language / lesson.path for lesson in lessons()]
    return [path for path in paths if path.exists()]


def place(path: Path) -> Path:
    """Return where a notebook is, from the directory of them all, and is kept."""
    here = path.is_relative_to(NOTEBOOKS)
    return path.relative_to(NOTEBOOKS) if here else Path(path.name)


def _end(number: int, _: object) -> None:
    """End by a signal: an exception would wait for the threads; kernels end with us."""
    for folder in tuple(_FOLDERS):
        shutil.rmtree(folder, ignore_errors=True)
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks named, or all; return 1 if one of them fails."""
    parser = argparse.ArgumentParser(prog="make chapter", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "chapter")
    parser.add_argument(
        "--language", default="", help="run that edition, such as ko; not the English"
    )
    parser.add_argument(
        "--twice", action="store_true", help="run each cell twice in a row"
    )
    parser.add_argument(
        "--jobs", type=int, help="how many at once; by default what there is room for"
    )
    options = parser.parse_args(arguments)
    # Cells that run here are no learner's answers.
    os.environ[SETTING] = "off"
    signal.signal(signal.SIGINT, _end)
    paths = options.notebooks or notebooks(options.language)
    if not paths:
        parser.error(f"There is no notebook in {NOTEBOOKS / options.language}.")

    def tell(path: Path) -> str:
        began = time.monotonic()
        fault = run(path, options.target, options.twice)
        seconds = time.monotonic() - began
        print(f"{place(path)}  {seconds:.1f} s  {fault or 'ok'}", flush=True)
        return fault

    room = options.jobs or job_count(
        preflight.processors(), preflight.memory_available()
    )
    with ThreadPoolExecutor(room) as pool:
        paths = sorted((path.absolute() for path in paths), key=start_rank)
        failed = sum(map(bool, pool.map(tell, paths)))
    print(f"{failed} failed. Notebooks with their outputs are in {options.target}.")
    return min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
