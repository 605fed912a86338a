"""Record the commands of a lesson on a cluster, for a second cluster to run them, too.

`record` runs a lesson; in its kernel, each `%%sh` cell, each `!command`, and each
command that helpers run with kubectl is noted: its words or script, its input, its
variables, its exit code and what it wrote.
"""

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

import nbformat

from helpers.course.exercise import with_solutions
from tools import chapter

#: of the cell that notes what follows; the lessons have no cell of that name
RECORDER = "recorder"
#: variables of a kernel that commands of lessons use
VARIABLES = ("NAMESPACE", "SERVER", "CA", "PROXY", "BASH_FUNC_api%%")


@dataclass(frozen=True)
class Command:
    """What a lesson ran, and what came of it.

    `script` is what bash ran, or "" for kubectl with `words`; `variables` are those of
    `VARIABLES`, and those that a cell has exported since.
    """

    cell: str
    script: str
    words: list[str]
    input: str
    variables: dict[str, str]
    exit_code: int
    stdout: str
    stderr: str = ""


def record(path: Path, folder: Path) -> list[Command]:
    """Run a lesson with its solutions on the cluster of this process's environment.

    Raise AssertionError with the cell that failed.
    """
    notebook = with_solutions(nbformat.read(path, as_version=4))
    log = folder / f"{path.stem}.jsonl"
    start = nbformat.v4.new_code_cell(
        f"import sys\nsys.path.insert(0, {str(chapter.ROOT)!r})\n"
        f"from tab.tests import recorder\nrecorder.start({str(log)!r})",
        id=RECORDER,
    )
    for cell in notebook.cells:
        if cell["cell_type"] == "code":
            # Before a magic, which has to be on the first line of its cell, only a hook
            # can run; the name of the cell reaches it as metadata would not.
            cell["source"] += f"\n# {RECORDER}: {cell['id']}"
    notebook.cells.insert(0, start)
    fault = chapter.execute(notebook, path.parent)
    assert not fault, f"{path.name}: {fault}"
    return [Command(**json.loads(line)) for line in log.read_text().splitlines()]


def start(log: str) -> None:
    """Note each command of this kernel from now on; called by a cell."""
    from IPython import get_ipython
    from IPython.utils.text import SList

    notebook = get_ipython()
    assert notebook
    names, cell = set(os.environ), ""

    def enter(info) -> None:
        nonlocal cell
        cell = info.raw_cell.rpartition(f"# {RECORDER}: ")[2].strip()

    def variables() -> dict[str, str]:
        kept = [name for name in os.environ if name in VARIABLES or name not in names]
        return {name: os.environ[name] for name in kept}

    def note(words, script="", input="", exit_code=0, stdout="", stderr="") -> None:
        entry = Command(
            cell,
            script,
            words,
            input or "",
            variables(),
            exit_code,
            stdout,
            stderr,
        )
        with Path(log).open("a") as file:
            file.write(json.dumps(entry.__dict__) + "\n")

    run, magic = subprocess.run, notebook.run_cell_magic

    def noted_run(words, *values, **options):
        done = run(words, *values, **options)
        if is_kubectl(words) and isinstance(done.stdout, str):
            note(
                ["kubectl", *words[1:]],
                input=options.get("input"),
                exit_code=done.returncode,
                stdout=done.stdout,
                stderr=done.stderr,
            )
        return done

    def noted_magic(name, line, text):
        if name != "script":
            return magic(name, line, text)
        # The script writes into the page; a second one of the same text would not be
        # the same command, so what it writes is caught and written again.
        done = run(
            ["bash", "-euo", "pipefail"], input=text, capture_output=True, text=True
        )
        print(done.stdout, end="")
        note([], script=text, exit_code=done.returncode, stdout=done.stdout)
        done.check_returncode()
        return None

    def noted_output(line, split=True, depth=0):
        script = notebook.var_expand(line, depth=depth + 1)
        done = run(["bash", "-c", script], capture_output=True, text=True)
        note([], script=script, exit_code=done.returncode, stdout=done.stdout)
        return SList(done.stdout.splitlines())

    def noted_system(line):
        script = notebook.var_expand(line, depth=1)
        done = run(["bash", "-c", script], capture_output=True, text=True)
        print(done.stdout, done.stderr, sep="", end="")
        note([], script=script, exit_code=done.returncode, stdout=done.stdout)
        notebook.user_ns["_exit_code"] = done.returncode

    notebook.system = noted_system
    notebook.events.register("pre_run_cell", enter)
    notebook.run_cell_magic = noted_magic
    notebook.getoutput = noted_output
    subprocess.run = noted_run


def is_kubectl(words: object) -> bool:
    """Return whether the words of a command are those of kubectl."""
    return isinstance(words, list) and Path(str(words[0])).name == "kubectl"
