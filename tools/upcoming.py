"""Compile the cluster for browsers with another Kubernetes, and keep nothing of it.

    python -m tools.upcoming                 # the newest, a pre-release, too
    python -m tools.upcoming v1.38.0-beta.0

It writes the locks of that version into a directory of its own, names each edit of
tab/edits.toml that does not apply, and compiles everything for js/wasm with the Go that
this Kubernetes requires: minutes, and 4 GB in Go's own cache. Whether it also runs,
`make follow` says.
"""

import json
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

import click

from cluster import errors, versions
from cluster.programs import golang
from cluster.versions import parse
from tab import build, edits
from tools.chapter import ROOT
from tools.locks import (
    ETCD,
    GO,
    KUBERNETES,
    LOCKS,
    extract,
    go,
    module,
    run,
    write_browser_lock,
    write_kubernetes_lock,
)

#: lines of a compiler's output: what follows from the first faults says little
LINES = 40


def newest() -> str:
    """Return the newest version of Kubernetes, which may be a pre-release."""
    listed = go("list", "-m", "-versions", KUBERNETES).split()[1:]
    return max([*listed, versions.KUBERNETES], key=parse)


def root_for(go: golang.Go, mod: str) -> Path:
    """Return the root of the Go that a go.mod asks for: of the one here, if it will do.

    A newer one is downloaded as a module. Raise ClickException if it cannot be had.
    """
    wanted = max(f"go{extract(GO, mod)}", go.version, key=parse)
    env = golang.environment() | {"GOTOOLCHAIN": wanted}
    words = (go.path, "env", "GOROOT")
    return Path(run(*words, cwd=Path("/"), env=env, stderr=subprocess.PIPE).strip())


def lock(copy: Path, kubernetes: str, mod: str, root: Path) -> Path:
    """Write the locks of a Kubernetes into a copy; return its vendored sources."""
    sources = copy / "tab" / "go"
    shutil.copytree(ROOT / LOCKS / "kubernetes", copy / LOCKS / "kubernetes")
    unneeded = shutil.ignore_patterns("*_test.go")
    shutil.copytree(build.SOURCES, sources, ignore=unneeded)
    etcd = max(versions.ETCD, extract(rf"^\s*{ETCD} (\S+)", mod), key=parse)
    env = golang.environment()
    tidy = partial(run, root / "bin" / "go", env=env, stderr=subprocess.PIPE)
    write_kubernetes_lock(copy, {"KUBERNETES": kubernetes, "ETCD": etcd}, tidy)
    write_browser_lock(copy, tidy)
    tidy("mod", "vendor", cwd=sources)
    return sources


def compile_all(sources: Path, root: Path, overlay: Path, kubernetes: str) -> None:
    """Compile the packages for js/wasm, and link none; raise LabError."""
    words = (
        root / "bin" / "go",
        "build",
        "-mod=vendor",
        f"-overlay={overlay}",
        "./...",
    )
    env = golang.environment() | {"GOOS": "js", "GOARCH": "wasm"}
    done = subprocess.run(words, cwd=sources, env=env, capture_output=True, text=True)
    if done.returncode:
        faults = "\n".join(f"  {line}" for line in done.stderr.splitlines()[:LINES])
        raise errors.LabError(
            f"Kubernetes {kubernetes} does not compile for js/wasm:\n{faults}",
            "Correct tab/go or tab/edits.toml.",
        )


def check(kubernetes: str) -> str:
    """Return the version of Go that compiles the edited sources of a Kubernetes.

    Raise LabError with each edit that does not apply, or what does not compile.
    """
    mod = Path(module(KUBERNETES, kubernetes)["GoMod"]).read_text("utf-8")
    found = golang.find()
    assert found  # `module` has asked it
    root = root_for(found, mod)
    with tempfile.TemporaryDirectory(prefix="upcoming-") as place:
        changed, overlay = Path(place, "changed"), Path(place, "overlay.json")
        changed.mkdir()
        sources = lock(Path(place), kubernetes, mod, root)
        replaced = edits.overlay(sources, root / "src", changed, kubernetes)
        overlay.write_text(json.dumps({"Replace": replaced}))
        compile_all(sources, root, overlay, kubernetes)
    return re.sub(r"\s.*", "", (root / "VERSION").read_text(), flags=re.S)


@click.command(help="Compile the cluster for browsers with a Kubernetes; keep nothing.")
@click.argument("kubernetes", default="")
def main(kubernetes: str) -> None:
    """Say that every edit applies and all of it compiles, or end with what does not."""
    version = kubernetes or newest()
    try:
        go_version = check(version)
    except errors.LabError as error:
        sys.exit(str(error))
    click.echo(
        f"Every edit of tab/edits.toml applies to Kubernetes {version}, and all of it "
        f"compiles with {go_version}."
    )


if __name__ == "__main__":
    main()
