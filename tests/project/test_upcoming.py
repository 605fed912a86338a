"""`tools.upcoming`: which Go it takes, what it compiles, and its last words."""

import json
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from cluster import errors, versions
from cluster.programs import golang
from tests.notebooks import ROOT
from tools import upcoming

MOD = "module k8s.io/kubernetes\n\ngo {}\n"


def test_the_library_is_of_the_go_that_kubernetes_asks_for(tmp_path):
    """A newer Go is another toolchain; an older one is never taken."""
    program = tmp_path / "go"
    program.write_text(
        '#!/bin/sh\n[ "$GOTOOLCHAIN" != go9.9.9 ] && echo "/$GOTOOLCHAIN"\n'
    )
    program.chmod(0o755)
    here = golang.Go(program, "go1.26.8", "linux", "amd64", tmp_path, False)
    for asked, taken in (("1.27.0", "1.27.0"), ("1.26.0", "1.26.8")):
        root = upcoming.root_for(here, MOD.format(asked))
        assert root == Path(f"/go{taken}")
    with pytest.raises(click.ClickException):
        upcoming.root_for(here, MOD.format("9.9.9"))


def test_the_newest_may_be_a_pre_release_and_is_never_older_than_ours(monkeypatch):
    ours = versions.KUBERNETES
    listed = ["v1.9.0", "v1.99.0-alpha.3", "v1.99.0-beta.0", "v1.36.3"]
    for names, newest in ((listed, "v1.99.0-beta.0"), (["v1.36.3"], ours)):
        answer = " ".join(["k8s.io/kubernetes", *names])
        monkeypatch.setattr(upcoming, "go", lambda *_, answer=answer: answer)
        assert upcoming.newest() == newest


def test_edits_that_do_not_apply_are_its_last_words(monkeypatch, capsys):
    def refuse(kubernetes: str) -> str:
        raise errors.LabError(f"{kubernetes}: two edits do not apply", "correct them")

    monkeypatch.setattr(upcoming, "check", refuse)
    with pytest.raises(SystemExit, match=r"v1\.99\.0: two edits .*\ncorrect them"):
        upcoming.main(["v1.99.0"])


@pytest.mark.full("compiles Go: for whoever takes a new version")
def test_what_does_not_compile_is_named_with_its_file(tmp_path):
    """For js alone; a file of the overlay has the name of the one that it replaces."""
    found = golang.find()
    if not found:
        pytest.skip("no Go here")
    sources = tmp_path / "sources"
    sources.mkdir()
    (sources / "go.mod").write_text("module tab\n\ngo 1.26.0\n")
    for name in ("right", "wrong"):
        (sources / name).mkdir()
        (sources / name / "main_js.go").write_text("package main\n\nfunc main() {}\n")
    changed = tmp_path / "changed.go"
    changed.write_text("package main\n\nfunc main() { absent() }\n")
    overlay = tmp_path / "overlay.json"
    root = found.path.resolve().parents[1]
    overlay.write_text('{"Replace": {}}')
    upcoming.compile_all(sources, root, overlay, "v1.99.0")
    replaced = {str(sources / "wrong" / "main_js.go"): str(changed)}
    overlay.write_text(json.dumps({"Replace": replaced}))
    with pytest.raises(errors.LabError, match=r"v1\.99\.0 does .*\n.*\n.*absent"):
        upcoming.compile_all(sources, root, overlay, "v1.99.0")


@pytest.mark.follow("the module proxy, and minutes of a compiler")
def test_the_version_that_is_built_compiles():
    command = [sys.executable, "-m", "tools.upcoming", versions.KUBERNETES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    said = rf"Every edit .* Kubernetes {versions.KUBERNETES}, .* with go\S+\.\n"
    assert re.search(said, done.stdout), done.stderr
