"""A recipe of one small Go program, built by the same code as the real ones."""

import dataclasses
from pathlib import Path

from cluster.programs.recipe import Recipe, Step


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
