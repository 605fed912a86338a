"""`tools.upcoming`: which sources it asks for, and what it says of edits."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import click
import pytest

from cluster import errors, versions
from cluster.programs import golang
from tests.notebooks import ROOT
from tools import upcoming

MOD = """\
module k8s.io/kubernetes

go 1.27.0

require github.com/first/alone v1.0.0

require (
	github.com/coreos/go-systemd/v22 v22.8.0
	go.etcd.io/etcd/client/pkg/v3 v3.7.3 // indirect
	k8s.io/api v0.0.0
	k8s.io/utils v0.0.0-20260101000000-0123456789ab
)

replace (
	k8s.io/api => ./staging/src/k8s.io/api
	k8s.io/client-go => ./staging/src/k8s.io/client-go
)
"""


def test_each_file_is_of_the_version_that_kubernetes_requires():
    """The longest name has it; a staging module follows Kubernetes' own version."""
    files = [
        "github.com/coreos/go-systemd/v22/journal/journal_unix.go",
        "go.etcd.io/etcd/client/pkg/v3/fileutil/lock_flock.go",
        "github.com/benhoyt/goawk/interp/newexecute.go",
        "k8s.io/client-go/util/cert/cert.go",
        "k8s.io/kubernetes/pkg/probe/dialer_others.go",
        "text/template/exec.go",
    ]
    own = "require github.com/benhoyt/goawk v1.29.1\nrequire k8s.io/utils v0.0.0\n"
    assert upcoming.modules_of(MOD, "v1.38.0-beta.0", files, own) == {
        "github.com/benhoyt/goawk": "v1.29.1",
        "github.com/coreos/go-systemd/v22": "v22.8.0",
        "go.etcd.io/etcd/client/pkg/v3": "v3.7.3",
        "k8s.io/client-go": "v0.38.0-beta.0",
        "k8s.io/kubernetes": "v1.38.0-beta.0",
    }


def test_the_files_come_out_of_the_archive_of_their_module(tmp_path):
    """Go itself unpacks none of a module that asks for a newer Go."""
    archive, vendor = tmp_path / "module.zip", tmp_path / "vendor"
    with ZipFile(archive, "w") as module_zip:
        for path in ("util/cert/cert.go", "util/cert/other.go"):
            module_zip.writestr(f"k8s.io/client-go@v0.38.0-beta.0/{path}", path)
    upcoming.unpack(archive, {"k8s.io/client-go/util/cert/cert.go"}, vendor)
    unpacked = [file for file in vendor.rglob("*") if file.is_file()]
    assert unpacked == [vendor / "k8s.io/client-go/util/cert/cert.go"]
    assert unpacked[0].read_text() == "util/cert/cert.go"


def test_the_library_is_of_the_go_that_kubernetes_asks_for(tmp_path):
    """A newer Go is another toolchain; an older one is never taken."""
    program = tmp_path / "go"
    program.write_text(
        '#!/bin/sh\n[ "$GOTOOLCHAIN" != go9.9.9 ] && echo "/$GOTOOLCHAIN"\n'
    )
    program.chmod(0o755)
    here = golang.Go(program, "go1.26.8", "linux", "amd64", tmp_path, False)
    for asked, taken in (("1.27.0", "1.27.0"), ("1.26.0", "1.26.8")):
        library = upcoming.library_for(here, MOD.replace("go 1.27.0", f"go {asked}"))
        assert library == Path(f"/go{taken}/src")
    with pytest.raises(click.ClickException):
        upcoming.library_for(here, "go 9.9.9\n")


def test_the_newest_may_be_a_pre_release_and_is_never_older_than_ours(monkeypatch):
    ours = versions.KUBERNETES
    listed = ["v1.9.0", "v1.99.0-alpha.3", "v1.99.0-beta.0", "v1.36.3"]
    for names, newest in ((listed, "v1.99.0-beta.0"), (["v1.36.3"], ours)):
        answer = " ".join(["k8s.io/kubernetes", *names])
        monkeypatch.setattr(upcoming, "go", lambda *_, answer=answer: answer)
        assert upcoming.newest() == newest


def test_edits_that_do_not_apply_are_its_last_words(monkeypatch, capsys):
    def refuse(kubernetes: str) -> None:
        raise errors.LabError(f"{kubernetes}: two edits do not apply", "correct them")

    monkeypatch.setattr(upcoming, "check", refuse)
    with pytest.raises(SystemExit, match=r"v1\.99\.0: two edits .*\ncorrect them"):
        upcoming.main(["v1.99.0"])


@pytest.mark.follow("the module proxy")
def test_every_edit_applies_to_the_version_that_is_built():
    command = [sys.executable, "-m", "tools.upcoming", versions.KUBERNETES]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    applies = f"applies to Kubernetes {versions.KUBERNETES}.\n"
    assert (done.returncode, done.stdout.endswith(applies)) == (0, True), done.stderr
