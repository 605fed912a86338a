"""A runc that starts containers is found, and asked whether it filters system calls."""

from cluster.programs import runc
from cluster.programs.runc import Runc, find_runc


def write(directory, *lines):
    path = directory / "runc"
    said = "\n".join(["runc version 1.5.2", *lines])
    path.write_text(f"#!/bin/sh\ncat <<END\n{said}\nEND\n")
    path.chmod(0o755)
    return str(path)


def test_the_distributions_runc_wins(tmp_path, monkeypatch):
    (tmp_path / "built").mkdir()
    write(tmp_path / "built")
    path = write(tmp_path)
    monkeypatch.setattr(runc, "SYSTEM_PATH", str(tmp_path))
    found = find_runc(tmp_path / "built")
    assert found == Runc(path, seccomp=True, system=True)


def test_ours_tells_whether_it_has_seccomp(tmp_path, monkeypatch):
    """By what it says itself: the released one has the library in it."""
    monkeypatch.setattr(runc, "SYSTEM_PATH", str(tmp_path / "nothing"))
    assert find_runc(tmp_path) is find_runc(None) is None
    path = write(tmp_path, "go: go1.26.8", "libseccomp: 2.5.6")
    assert find_runc(tmp_path) == Runc(path, seccomp=True, system=False)
    write(tmp_path, "go: go1.26.8")
    assert find_runc(tmp_path).seccomp is False
