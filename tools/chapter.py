"""Run every notebook without a screen and keep it with its outputs.

`tools.site` makes pages of what is kept. Each notebook gets a fresh kernel. It is no
test of the lessons beyond that they run (their asserts are) and that no output holds a
secret.
"""

import argparse
import ast
import os
import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import nbformat
from IPython.core.inputtransformer2 import TransformerManager

from cluster import preflight
from helpers.course import lessons
from helpers.course.attempts import SETTING
from helpers.course.exercise import CHECK, STUB, tagged, with_solutions
from tools import execution, leaks, sidebyside

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = ROOT / "notebooks"
#: Tag of a stub, and of the check that must refuse it; and the end of their ids.
PROOF = "on-stub"
#: The end of their ids where the answer is an empty one.
EMPTY = "on-nothing"
#: Tag of a cell that runs for the second time, and the end of its id.
AGAIN = "again"
#: Numbers of the lessons, the longest first: the last one is waited for alone. One that
#: is not listed comes before all.
LONGEST = (
    "18 19 26 27 15 20 17 21 16 07 22 06 23 11 04 24 13 01 05 08 12 02 25 14 03 00"
)
#: Bytes for a kernel and the pods of its lesson.
MEMORY = 400e6
#: Directory of the lessons beyond the core path; in each edition.
DEEPER = "deeper"


@dataclass(frozen=True)
class Result:
    """How one notebook ended; `fault` is empty if all is well."""

    name: str
    seconds: float
    fault: str = ""

    def __str__(self) -> str:
        """Return what its line ends with."""
        return self.fault or "ok"


def run(path: Path, target: Path, prove_checks: bool, twice: bool) -> Result:
    """Run one notebook and write it with its outputs, also if a cell fails.

    Solutions run in the place of stubs. With `prove_checks` each check must first
    refuse its stub and an empty answer. With `twice` each cell runs twice in a row, as
    an unsure learner does; what is written is the first time.
    """
    began = time.monotonic()
    written = nbformat.read(path, as_version=4)
    notebook = with_solutions(written)
    if prove_checks:
        notebook.cells = list(_with_proofs(written.cells, notebook.cells))
    if twice:
        notebook.cells = [two for one in notebook.cells for two in _doubled(one)]

    def result(fault: str) -> Result:
        return Result(f"{label(path)}.ipynb", time.monotonic() - began, fault)

    fault = execution.execute(notebook, path.parent)
    shown = [f"{cell}: the output shows {what}" for cell, what in secrets(notebook)]
    if shown:
        # Nothing is written: the file would be what the rule is against.
        return result("; ".join(shown))
    kept = target / place(path)
    kept.parent.mkdir(parents=True, exist_ok=True)
    # Behind a cell that failed nothing ran, so nothing is proven or refuted.
    fault = fault or "; ".join(unproven(notebook.cells))
    notebook.cells = [
        cell
        for cell in notebook.cells
        if not (tagged(cell, PROOF) or tagged(cell, AGAIN))
    ]
    nbformat.write(notebook, kept)
    return result(_one_line(fault))


def _with_proofs(written: list[dict], cells: list[dict]) -> Iterator[dict]:
    """Yield the solved cells, and above each exercise its stub and a first check.

    And a second check of an empty answer, if the stub gives the answer its shape.
    """
    checks = (cell for cell in cells if tagged(cell, CHECK))
    for stub, cell in zip(written, cells, strict=True):
        if tagged(cell, STUB):
            check = next(checks)
            yield _proof(stub, PROOF)
            yield _proof(check, PROOF)
            nothing = emptied(stub["source"])
            if nothing:
                yield _proof(stub | {"source": nothing}, EMPTY)
                yield _proof(check, EMPTY)
        yield cell


_EMPTY = {ast.Dict: "{}", ast.List: "[]", ast.Set: "set()", ast.JoinedStr: "''"}


def emptied(stub: str) -> str:
    """Return code that makes each answer empty: `{}` for a dict, `""` for a text.

    An answer is what the stub sets to a value that is written there.
    """
    lines = []
    # What IPython alone understands is no answer.
    tree = ast.parse(TransformerManager().transform_cell(stub))
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            value = _EMPTY.get(type(node.value))
            if isinstance(node.value, ast.Constant):
                kind: type = type(node.value.value)
                value = repr(kind())
            if value:
                lines.append(f"{node.targets[0].id} = {value}")
    return "\n".join(lines)


def _proof(cell: dict, kind: str) -> dict:
    """Return a copy of a stub or a check that may fail and is not kept."""
    own = {PROOF, "raises-exception", *cell["metadata"]["tags"]}
    tags = {"tags": sorted(own)}
    name = f"{cell['id']}-{kind}"
    return nbformat.v4.new_code_cell(cell["source"], id=name, metadata=tags)


def _doubled(cell: dict) -> Iterator[dict]:
    yield cell
    if cell["cell_type"] == "code":
        tags = [AGAIN, *cell["metadata"].get("tags", ())]
        name, metadata = f"{cell['id']}-{AGAIN}", {"tags": tags}
        yield nbformat.v4.new_code_cell(cell["source"], id=name, metadata=metadata)


def unproven(cells: list[dict]) -> Iterator[str]:
    """Yield one line for each stub that raises, and each check that lets one pass."""
    for cell in cells:
        if not tagged(cell, PROOF):
            continue
        outputs = cell.get("outputs", ())
        raised = [out["ename"] for out in outputs if out["output_type"] == "error"]
        if tagged(cell, STUB) and raised:
            yield f"{cell['id']}: the stub raises {raised[0]}"
        if tagged(cell, CHECK) and raised != ["NotSolved"]:
            yield f"{cell['id']}: {' '.join(raised) or 'no error'}, not NotSolved"


def secrets(notebook: dict) -> Iterator[tuple[str, str]]:
    """Yield cell id and kind of each secret that an output shows.

    Not even one that is dead may be shown: outputs are kept and passed on.
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


def table(results: list[Result]) -> str:
    """Return one line per notebook: name, seconds, result."""
    rows = [
        ("notebook", "seconds", "result"),
        *((one.name, f"{one.seconds:.1f}", f"{one}") for one in results),
        ("sum", f"{sum(one.seconds for one in results):.1f}", ""),
    ]
    width = max(len(row[0]) for row in rows)
    lines = (f"{name:<{width}}  {seconds:>7}  {end}" for name, seconds, end in rows)
    return "\n".join(line.rstrip() for line in lines)


def at_once(cores: int, memory: float) -> int:
    """Return how many notebooks run side by side; `memory` is what is free, in bytes.

    One more than there are cores: a lesson waits for pods half of its time.
    """
    return max(1, min(cores + 1, int(memory / MEMORY)))


def longest_first(path: Path) -> int:
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


def label(path: Path) -> str:
    """Return how a notebook is called: `02-cluster-info`, `ko/02-cluster-info`."""
    return place(path).with_suffix("").as_posix().replace(f"{DEEPER}/", "")


def main(arguments: list[str] | None = None) -> int:
    """Run the notebooks named, or all; return 1 if one of them fails."""
    parser = argparse.ArgumentParser(prog="make chapter", description=__doc__)
    parser.add_argument("notebooks", nargs="*", type=Path)
    parser.add_argument("--target", type=Path, default=ROOT / "build" / "chapter")
    parser.add_argument(
        "--language", default="", help="run that edition, such as ko; not the English"
    )
    parser.add_argument(
        "--prove-checks",
        action="store_true",
        help="also run each check on its stub, which it must refuse",
    )
    parser.add_argument(
        "--twice", action="store_true", help="run each cell twice in a row"
    )
    parser.add_argument(
        "--jobs", type=int, help="how many at once; by default what there is room for"
    )
    options = parser.parse_args(arguments)
    # What is run here is no learner's answer.
    os.environ[SETTING] = "off"
    paths = options.notebooks or notebooks(options.language)
    if not paths:
        where = NOTEBOOKS / options.language
        print(f"There is no notebook in {where}.", file=sys.stderr)
        return 1
    paths = [path.absolute() for path in paths]
    jobs = {
        label(path): (path, options.target, options.prove_checks, options.twice)
        for path in sorted(paths, key=longest_first)
    }
    room = options.jobs or at_once(preflight.processors(), preflight.memory_available())
    ended = sidebyside.run(run, jobs, room, __spec__.name)
    results = [
        ended[label(path)] or Result(path.name, 0, "its process died") for path in paths
    ]
    print(table(results))
    print(f"Notebooks with their outputs are in {options.target}.")
    return 1 if any(result.fault for result in results) else 0


def _one_line(text: str) -> str:
    """Return the text without colours and line ends, as a table wants it."""
    return " ".join(re.sub(r"\x1b\[[\d;]*m", "", text).split())


if __name__ == "__main__":
    sys.exit(main())
