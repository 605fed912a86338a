"""A volume of the container image keeps what a learner did, whatever the image is."""

import runpy
from pathlib import Path

import pytest
from traitlets.config import Config

from helpers.course import attempts
from tests.notebooks import ROOT

SETTINGS = ROOT / "binder" / "jupyter_server_config.py"


@pytest.fixture
def work(tmp_path, monkeypatch):
    """Return the directory in a new home where an image has the volume."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.delenv("LAB_STATE_DIR")
    monkeypatch.delenv(attempts.SETTING, raising=False)
    (tmp_path / "work").mkdir()
    return tmp_path / "work"


def start(monkeypatch, *mounts) -> Config:
    """Read the settings as Jupyter does, where these directories are mounts."""
    monkeypatch.setattr(Path, "is_mount", lambda path: path in mounts)
    return runpy.run_path(str(SETTINGS), {"get_config": Config})["c"].ServerApp


def test_lessons_progress_and_own_files_stay(work, monkeypatch):
    """Also with another container, whose state is empty."""
    assert start(monkeypatch, work).root_dir == str(work)
    lesson, other = (
        work / "notebooks" / name for name in ("00-start-here.ipynb", "cheatsheet.md")
    )
    assert lesson.read_text() == (ROOT / "notebooks" / lesson.name).read_text()
    lesson.write_text("mine")
    other.unlink()
    (work / "own.txt").write_text("mine, too")
    attempts.note("start-here", "read_version")
    attempts.file().unlink()

    assert start(monkeypatch, work).root_dir == str(work)
    assert (lesson.read_text(), other.exists()) == ("mine", True)
    assert (work / "own.txt").read_text() == "mine, too"
    [found] = attempts.read(attempts.file())
    assert (found.exercise, found.passed) == ("read_version", True)
    attempts.note("start-here", "label_namespace")
    assert len(attempts.read(work / ".progress.jsonl")) == 2


def test_a_hub_s_volume_is_the_whole_home(work, tmp_path, monkeypatch):
    """Where the directory is not there yet."""
    work.rmdir()
    assert start(monkeypatch, tmp_path).root_dir == str(work)
    assert (work / "notebooks/00-start-here.ipynb").exists()


@pytest.mark.parametrize(
    ("given", "opened"),
    [("", "/lab/tree/notebooks/00-start-here.ipynb"), ("/lab", "/lab")],
)
def test_a_hub_s_server_opens_what_the_teacher_chose_or_the_first_lesson(
    work, monkeypatch, given, opened
):
    """JupyterHub sets the variable to nothing where nothing was chosen."""
    monkeypatch.setenv("JUPYTERHUB_USER", "ann")
    monkeypatch.setenv("JUPYTERHUB_DEFAULT_URL", given)
    assert start(monkeypatch).default_url == opened


def test_progress_of_a_container_that_has_some_is_left_alone(work, monkeypatch):
    attempts.note("start-here", "read_version")
    start(monkeypatch, work)
    assert not attempts.file().is_symlink()
    assert len(attempts.read(attempts.file())) == 1


def test_without_a_volume_nothing_is_kept(work, monkeypatch):
    assert "root_dir" not in start(monkeypatch)
    assert [*work.iterdir()] == []


def test_a_volume_that_cannot_be_written_to_ends_it_in_two_lines(work, monkeypatch):
    (work / "notebooks").write_text("a file")
    with pytest.raises(SystemExit, match="^error: .*/notebooks: .*\n.*$"):
        start(monkeypatch, work)


def test_a_home_that_cannot_be_written_to_ends_it_as_well(work, tmp_path, monkeypatch):
    """As a hub's volume without a group for its files."""
    work.rmdir()
    work.write_text("a file")
    with pytest.raises(SystemExit, match="^error: .*/work: .*\nThe volume must .*$"):
        start(monkeypatch, tmp_path)
