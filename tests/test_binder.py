"""The image of `binder/`: how large it is, and what is left in it works."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from cluster.binaries.recipe import CONTROL_PLANE
from cluster.controlplane.backend import ControlPlane
from tests.notebooks import ROOT

pytestmark = pytest.mark.full("other backends")
#: bytes on top of repo2docker's base image
LIMIT = 600_000_000
#: What the base has, by repo2docker's own environment file. The second row comes with
#: jupyterhub-singleuser, which need not be installed here.
BASE = (
    *("ipywidgets", "jupyter-resource-usage", "jupyter-server", "jupyterlab"),
    *("notebook", "pip", "cryptography", "pydantic", "psutil", "requests"),
)


def closure(*names: str) -> dict[str, metadata.Distribution]:
    """Return what is installed of these packages and of all that they need."""
    found, waiting = {}, list(names)
    while waiting:
        name = re.sub(r"[-_.]+", "-", waiting.pop()).lower()
        if name in found:
            continue
        try:
            found[name] = metadata.distribution(name)
        except metadata.PackageNotFoundError:
            continue
        needs = [need for need in found[name].requires or () if "extra ==" not in need]
        waiting += [re.match(r"[\w.-]+", need)[0] for need in needs]
    return found


def wanted() -> list[str]:
    """Return the names in requirements.txt: what a learner has, on Binder, too."""
    lines = (ROOT / "requirements.txt").read_text().splitlines()
    return [re.match(r"[\w.-]+", line)[0] for line in lines if line[:1].isalpha()]


def added() -> Iterator[tuple[Path, str]]:
    """Name each file that the image gets beside the base's: where it is, and where to.

    Those that belong to no module, as scripts, go into a directory of their own.
    """
    base = closure(*BASE)
    for name, package in closure(*wanted()).items():
        for file in package.files if name not in base else ():
            place = Path(file.locate())
            # As by `pip install --no-compile`.
            if file.suffix != ".pyc" and place.exists():
                inside = ".." not in file.parts
                yield place, str(file) if inside else f"outside/{file.name}"


def size(directory: Path) -> int:
    files = (path for path in directory.rglob("*") if not path.is_dir())
    return sum(path.lstat().st_size for path in files)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """Return the added packages as postBuild leaves them, without bytecode."""
    site = tmp_path_factory.mktemp("image") / "site"
    for source, target in added():
        (site / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, site / target)
    shutil.rmtree(site / "kubernetes/aio")
    return site


@pytest.fixture(scope="module")
def run(site):
    """Return a function that runs Python with these packages before all others."""

    def run(*words: str | Path) -> subprocess.CompletedProcess:
        env = {**os.environ, "PYTHONPATH": f"{site}:{ROOT}"}
        env.pop("PYTHONDONTWRITEBYTECODE", None)
        return subprocess.run(
            [sys.executable, *words],
            cwd=site.parent,
            env=env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=300,
        )

    return run


def test_a_learners_packages_are_enough_to_check_a_notebook_with_pytest():
    """The settings are strict: one of a plugin that is not there is an error."""
    plugins = [
        point.value
        for package in closure(*wanted()).values()
        for point in package.entry_points
        if point.group == "pytest11"
    ]
    assert "nbval.plugin" in plugins
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q"]
        + [word for plugin in plugins for word in ("-p", plugin)]
        + ["notebooks/00-start-here.ipynb"],
        cwd=ROOT,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "00-start-here.ipynb::Cell 0" in done.stdout


def test_the_notebooks_imports_work_with_what_is_left(run, site):
    done = run(ROOT / "binder" / "imports.py")
    assert done.returncode == 0, done.stdout
    done = run("-c", "import pandas; print(pandas.__file__)")
    assert done.stdout.strip() == f"{site}/pandas/__init__.py"


def test_the_image_is_small_enough(run, site):
    """Packages, bytecode of what notebooks import, programs, and the checkout."""
    binaries = ControlPlane().binaries()
    if binaries is None:
        pytest.skip("no programs before the set-up")
    assert run(ROOT / "binder" / "imports.py").returncode == 0
    checkout = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    parts = {
        "packages": size(site),
        "programs": sum(
            (binaries / n).stat().st_size for n in CONTROL_PLANE.programs()
        ),
        "checkout": sum(
            (ROOT / name).lstat().st_size
            for name in checkout.stdout.splitlines()
            if (ROOT / name).exists()
        ),
    }
    print({name: f"{bytes_ / 1e6:.0f} MB" for name, bytes_ in parts.items()})
    assert sum(parts.values()) <= LIMIT, parts
