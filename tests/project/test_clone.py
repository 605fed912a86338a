"""A clone as Git for Windows makes it, and then used in WSL, is as any other."""

import subprocess
from pathlib import Path

import pytest

from cluster.tests.commandline import environment, python
from tests.notebooks import ROOT
from tests.project.test_workshop import setup_environment


def git(*words):
    done = subprocess.run(
        ["git", *map(str, words)], capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """Return a clone of what is committed, with the setting of Git for Windows."""
    folder = tmp_path_factory.mktemp("windows") / "clone"
    git("clone", "--quiet", "--config", "core.autocrlf=true", ROOT, folder)
    return folder


def test_no_line_ends_as_those_of_windows(clone):
    assert git("-C", clone, "config", "core.autocrlf") == "true\n"
    rows = git("-C", clone, "ls-files", "--eol").splitlines()
    assert [row for row in rows if " w/crlf " in row or " w/mixed " in row] == []
    assert git("-C", clone, "status", "--porcelain") == ""


def test_a_shell_takes_every_script(clone):
    names = git("-C", clone, "ls-files", "-z").rstrip("\0").split("\0")
    scripts = [name for name in names if _is_for_a_shell(clone / name)]
    assert {"tools/setup.sh", ".ci/run"} <= {*scripts}
    for name in scripts:
        done = subprocess.run(
            ["sh", "-n", name], cwd=clone, capture_output=True, text=True, timeout=60
        )
        assert (done.returncode, done.stderr) == (0, ""), name


def _is_for_a_shell(path: Path) -> bool:
    first = path.read_bytes().partition(b"\n")[0]
    return path.suffix == ".sh" or (first.startswith(b"#!") and first.endswith(b"sh"))


def test_it_is_set_up(clone):
    answer = setup_environment(clone, PIP="0")
    assert answer.returncode == 0, answer.stderr
    assert "installing Python packages" in answer.stderr


@pytest.mark.full("a lesson once more, in a clone")
def test_a_lesson_runs_in_it(clone, cluster):
    """Lesson 05 has shell cells and a script for a pod; imports are of the clone."""
    lesson = "notebooks/05-inside-a-pod.ipynb"
    env = environment({"PYTHONPATH": clone, "LAB_LANG": None})
    done = python("-m", "tools.chapter", lesson, cwd=clone, env=env, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr
    assert (clone / "build/chapter/05-inside-a-pod.ipynb").exists()
