"""A recipe of one small Go program, built by the same code as the real ones."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

from cluster.programs.recipe import Recipe, Step

ROOT = Path(__file__).parents[3]

#: Runs `ensure` on the recipe below a directory and prints where the programs are.
ENSURE = """
import json, sys
from pathlib import Path
from cluster import errors, programs
from cluster.progress import Terminal
from tests.cluster.programs import gobox

try:
    print(programs.ensure(Terminal(), gobox.recipe(Path(sys.argv[1]))))
except errors.LabError as error:
    fields = {name: str(value) for name, value in vars(error).items()}
    print(json.dumps({"error": type(error).__name__, **fields}))
    sys.exit(1)
"""

#: Stands between Go and its tools. With a directory in BOX it notes there each time
#: that our program is linked, and waits as long as the file `gate` is there.
TOOL = """#!/bin/sh
if [ -n "$BOX" ] && [ "$TOOLEXEC_IMPORTPATH" = binaries/hello ] && [ "$2" != -V=full ]
then
    case "$1" in */link) echo link >>"$BOX/links" ;; esac
    while [ -e "$BOX/gate" ]; do sleep 0.05; done
fi
exec "$@"
"""


def write(root: Path, source: str | None = None) -> None:
    """Write the lock and the source of the module `hello`."""
    (root / "hello").mkdir(parents=True)
    (root / "hello" / "go.mod").write_text("module binaries/hello\n\ngo 1.26.0\n")
    (root / "hello" / "main.go").write_text(
        source
        or 'package main\n\nvar version = "none"\n\n'
        'func main() { println("hello " + version) }\n'
    )


def recipe(root: Path, **changes) -> Recipe:
    """Return the recipe whose lock is below `root`."""
    step = Step(
        lock="hello",
        upstream="binaries/hello",
        version="v1.2.3",
        programs={"hi": "binaries/hello"},
        variables={"main.version": "v1.2.3"},
    )
    return Recipe(root, "v1.2.3", (dataclasses.replace(step, **changes),))


def start(root: Path, cache: Path, *, prefix=(), **environment):
    """Start `ensure` in a process of its own."""
    environment = {
        **os.environ,
        "LAB_CACHE_DIR": str(cache),
        "LAB_KEEP_BUILD_CACHE": "1",
        "PYTHONPATH": str(ROOT),
        **environment,
    }
    environment.pop("LAB_ASSETS", None)
    return subprocess.Popen(
        [*prefix, sys.executable, "-c", ENSURE, root],
        env=environment,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def intercept(folder: Path) -> str:
    """Return the setting of GOFLAGS with which Go's tools run through `TOOL`.

    What is compiled with one setting is compiled anew with another.
    """
    tool = folder / "tool"
    tool.write_text(TOOL)
    tool.chmod(0o755)
    return f"-toolexec={tool}"
