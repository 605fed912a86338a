"""The distribution's runc is preferred, and a runc without seccomp is known as one."""

from cluster.binaries import runtime


def program(directory, *lines):
    path = directory / "runc"
    said = "\n".join(["runc version 1.5.2", *lines])
    path.write_text(f"#!/bin/sh\ncat <<END\n{said}\nEND\n")
    path.chmod(0o755)
    return str(path)


def test_the_distributions_runc_wins(tmp_path, monkeypatch):
    system, built = tmp_path / "system", tmp_path / "built"
    for directory in (system, built):
        directory.mkdir()
        program(directory)
    monkeypatch.setattr(runtime, "SYSTEM_PATH", str(system))
    found = runtime.find_runc(built)
    assert found == runtime.Runc(str(system / "runc"), seccomp=True, system=True)


def test_ours_tells_whether_it_has_seccomp(tmp_path, monkeypatch):
    """By what it says itself: the released one has the library in it."""
    monkeypatch.setattr(runtime, "SYSTEM_PATH", str(tmp_path / "nothing"))
    path = program(tmp_path, "go: go1.26.8", "libseccomp: 2.5.6")
    assert runtime.find_runc(tmp_path) == runtime.Runc(path, seccomp=True, system=False)
    program(tmp_path, "go: go1.26.8")
    assert runtime.find_runc(tmp_path).seccomp is False


def test_there_may_be_none(tmp_path, monkeypatch):
    monkeypatch.setattr(runtime, "SYSTEM_PATH", str(tmp_path))
    assert runtime.find_runc(tmp_path) is None
    assert runtime.find_runc(None) is None
