"""Run the lessons and the tests of the policy on servers of another version.

    python -m tools.older v1.34.4

API server, controller manager and scheduler are built of that version, with a lock that
is made of upstream's; all else is ours. The lessons use it as an existing cluster.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import click

from cluster import errors, programs
from cluster.programs import recipe, releases
from cluster.progress import for_here
from tools.chapter import ROOT
from tools.locks import ETCD, KUBERNETES, extract, go, kubernetes_lock, module

TESTS = ("test_chapter.py", "test_policy.py")


def write_lock(version: str, locks: Path) -> None:
    """Make the lock of a version; raise ClickException where the proxy refuses."""
    mod = Path(module(KUBERNETES, version)["GoMod"]).read_text()
    etcd = extract(rf"^\s*{ETCD} (\S+)", mod)
    steps = recipe.older_recipe(version, locks).steps
    packages = (package for step in steps for package in step.programs.values())
    tools = "".join(f"\t{package}\n" for package in packages)
    text = kubernetes_lock(mod, version, etcd, f"tool (\n{tools})")
    place = locks / "kubernetes"
    place.mkdir()
    (place / "go.mod").write_text(text)
    go("mod", "tidy", cwd=place)


def complete(directory: Path, source: Path) -> None:
    """Link into the directory each program that it lacks."""
    for program in source.iterdir():
        there = directory / program.name
        if program.is_dir():
            shutil.copytree(program, there, dirs_exist_ok=True)
        elif not there.exists():
            os.link(program, there)


@click.command(help="Build servers of VERSION (v1.34.4), and run the lessons on them.")
@click.argument("version")
def main(version: str) -> None:
    """Build, and run the tests; exit as they do."""
    if not (present_programs := programs.find()):
        raise click.ClickException("there are no programs here: run `make setup`.")
    # Only our own version is published.
    os.environ[releases.OFF] = "1"
    with tempfile.TemporaryDirectory(prefix="older-") as work:
        write_lock(version, Path(work))
        try:
            built = programs.ensure(
                for_here(), recipe.older_recipe(version, Path(work))
            )
        except errors.LabError as error:
            raise click.ClickException(str(error)) from None
    complete(built, present_programs)
    tests = (f"cluster/tests/existing/{name}" for name in TESTS)
    words = (sys.executable, "-m", "pytest", "-n", "0", "-rs", "--durations=2", *tests)
    env = os.environ | {"LAB_ASSETS": str(built)}
    sys.exit(subprocess.run(words, cwd=ROOT, env=env).returncode)


if __name__ == "__main__":
    main()
