"""Run every notebook without a screen and write what a learner would see, as HTML.

Each notebook gets a fresh kernel. It is no test of the lessons beyond that they
run (their asserts are) and that no output holds a secret.
"""

import argparse
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from traitlets.config import Config

from cluster.progress import Progress, Terminal
from tools import leaks

ROOT = Path(__file__).resolve().parent.parent
#: Seconds for one cell, as in the tests; the longest lesson waits for a pod.
CELL_TIMEOUT = 120
#: A kernel listens on a port of 127.0.0.1, where any user of the machine may read.
ENCRYPTED = Config({"KernelManager": {"transport_encryption": "auto"}})
#: Tag of the copy of a check that is run on the stub, and the end of its id.
PROOF = "on-stub"


@dataclass(frozen=True)
class Result:
    """How one notebook ended; `fault` is empty if all is well."""

    name: str
    seconds: float
    fault: str = ""

    @property
    def row(self) -> tuple[str, str, str]:
        """Return what the table shows."""
        return self.name, f"{self.seconds:.1f}", self.fault or "ok"


def run(
    path: Path, target: Path, progress: Progress, *, prove_checks: bool = False
) -> Result:
    """Run one notebook and write `target`/NAME.html, also if a cell fails.

    With `prove_checks` each check must first refuse its stub, and `target`/NAME.ipynb
    keeps the notebook with its outputs.
    """
    began = time.monotonic()
    notebook = nbformat.read(path, as_version=4)
    if prove_checks:
        notebook.cells = list(_with_proofs(notebook.cells))
    current = ""

    def show(cell, cell_index):
        nonlocal current
        current = cell["id"]
        # A log wants a line per notebook, a screen may change with each cell.
        place = f": cell {cell_index + 1} of {len(notebook.cells)}"
        progress.update(path.stem + (place if sys.stderr.isatty() else ""))

    client = NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        # The kernel of this environment, whatever the file was saved with.
        kernel_name="python3",
        skip_cells_with_tag="nbval-skip",
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=show,
        # `%%bash` sends its output in pieces of 100 bytes, and each would become a
        # paragraph of the page.
        coalesce_streams=True,
        config=ENCRYPTED,
    )
    fault = ""
    try:
        client.execute()
    except CellExecutionError as error:
        fault = f"{current}: {error.ename}: {error.evalue}"
    except (CellTimeoutError, DeadKernelError) as error:
        fault = f"{current}: {type(error).__name__}"
    shown = [f"{cell}: the output shows {what}" for cell, what in secrets(notebook)]
    if shown:
        # Nothing is written: the page would be what the rule is against.
        return Result(path.name, time.monotonic() - began, "; ".join(shown))
    target.mkdir(parents=True, exist_ok=True)
    if prove_checks:
        # Behind a cell that failed nothing ran, so nothing is proven or refuted.
        fault = fault or "; ".join(unproven(notebook.cells))
        notebook.cells = [cell for cell in notebook.cells if not _is(PROOF, cell)]
        nbformat.write(notebook, target / path.name)
    (target / f"{path.stem}.html").write_text(html(notebook, path.stem), "utf-8")
    return Result(path.name, time.monotonic() - began, _one_line(fault))


def _with_proofs(cells: list[dict]) -> Iterator[dict]:
    """Yield the cells, and between each stub and its solution a copy of the check."""
    checks = (cell for cell in cells if _is("check", cell))
    for cell in cells:
        yield cell
        if _is("exercise", cell):
            check = next(checks)
            tags = {"tags": [PROOF, "raises-exception"]}
            name = f"{check['id']}-{PROOF}"
            yield nbformat.v4.new_code_cell(check["source"], id=name, metadata=tags)


def unproven(cells: list[dict]) -> Iterator[str]:
    """Yield one line for each stub that raises, and each check that lets one pass."""
    for cell in cells:
        outputs = cell.get("outputs", ())
        raised = [out["ename"] for out in outputs if out["output_type"] == "error"]
        if _is("exercise", cell) and raised:
            yield f"{cell['id']}: the stub raises {raised[0]}"
        if _is(PROOF, cell) and raised != ["AssertionError"]:
            yield f"{cell['id']}: {' '.join(raised) or 'no error'}, not AssertionError"


def _is(tag: str, cell: dict) -> bool:
    return tag in cell["metadata"].get("tags", ())


def secrets(notebook: dict) -> Iterator[tuple[str, str]]:
    """Yield cell id and kind of each secret that an output shows.

    Not even one that is dead may be shown: pages are kept and passed on.
    """
    for cell in notebook["cells"]:
        shown = "\n".join(_texts(cell.get("outputs", [])))
        for what in leaks.find(shown):
            yield cell["id"], what


def _texts(shown: object) -> Iterator[str]:
    """Yield every text of an output: streams, all its forms, tracebacks."""
    if isinstance(shown, str):
        yield shown
    elif isinstance(shown, dict):
        for value in shown.values():
            yield from _texts(value)
    elif isinstance(shown, list):
        for value in shown:
            yield from _texts(value)


def html(notebook: NotebookNode, title: str) -> str:
    """Return the page, its links to other notebooks turned to their pages."""
    page, _ = HTMLExporter().from_notebook_node(
        notebook, resources={"metadata": {"name": title}}
    )
    return re.sub(r'(href="[\w-]+)\.ipynb(["#])', r"\1.html\2", page)


def table(results: list[Result]) -> str:
    """Return one line per notebook: name, seconds, result."""
    rows = [("notebook", "seconds", "result"), *(result.row for result in results)]
    width = max(len(name) for name, _, _ in rows)
    return "\n".join(f"{name:<{width}}  {s:>7}  {fault}" for name, s, fault in rows)


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks named, or all; return 1 if one of them fails."""
    parser = argparse.ArgumentParser(prog="make chapter", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "chapter")
    parser.add_argument(
        "--prove-checks",
        action="store_true",
        help="also run each check on its stub, which it must refuse, and keep the "
        "notebooks with their outputs beside the pages",
    )
    options = parser.parse_args(arguments)
    paths = options.notebooks or sorted((ROOT / "notebooks").glob("*.ipynb"))
    if not paths:
        print(f"There is no notebook in {ROOT / 'notebooks'}.", file=sys.stderr)
        return 1
    progress = Terminal()
    results = []
    for path in paths:
        prove = options.prove_checks
        result = run(path.absolute(), options.target, progress, prove_checks=prove)
        results.append(result)
        progress.finish(f"{path.stem}: {result.row[2]}")
    print(table(results))
    print(f"Pages are in {options.target}.")
    return 1 if any(result.fault for result in results) else 0


def _one_line(text: str) -> str:
    """Return the text without colours and line ends, as a table wants it."""
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", text).split())


if __name__ == "__main__":
    sys.exit(main())
