"""The installed program's copy of the lessons: new ones come, a learner's stay."""

import errno
import json
import os
import re
import shutil
from pathlib import Path

import pytest

from cluster import errors as told
from helpers import errors
from helpers.course import copies
from helpers.course.export import NOTEBOOKS

LESSON, KOREAN = "05-inside-a-pod.ipynb", "ko/05-inside-a-pod.ipynb"
NEWER, NEWEST = "05-inside-a-pod.new.ipynb", "05-inside-a-pod.new.new.ipynb"


@pytest.fixture
def package(tmp_path):
    """Return the lessons of a package; there can be a newer one."""
    folder = tmp_path / "package"
    for path in (LESSON, KOREAN, "images/p.svg"):
        write(folder / path, f"first {path}")
    return folder


@pytest.fixture
def copy(package, tmp_path):
    """Return the copy that the program has made of them."""
    copy = tmp_path / "copy"
    assert copies.refresh(package, copy) == []
    return copy


def write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def contents(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_text()
        for path in folder.rglob("*")
        if path.is_file() and path.name != copies.SUMS
    }


def test_every_lesson_of_both_languages_is_copied_once(tmp_path):
    """Pictures and pages too; what is there already is not written again."""
    assert copies.refresh(NOTEBOOKS, tmp_path / "copy") == []
    copy = contents(tmp_path / "copy")
    assert {"00-start-here.ipynb", "ko/deeper/26-drills.ipynb", "glossary.md"} <= {
        *copy
    }
    assert copy == contents(NOTEBOOKS)
    written = (tmp_path / "copy" / LESSON).stat().st_ino
    assert copies.refresh(NOTEBOOKS, tmp_path / "copy") == []
    assert (tmp_path / "copy" / LESSON).stat().st_ino == written


def test_a_newer_package_replaces_what_the_learner_left_alone(package, copy):
    write(package / LESSON, "second")
    write(package / "09-new.ipynb", "new")
    write(copy / "drills-a/app.yaml", "mine")
    assert copies.refresh(package, copy) == []
    assert contents(copy) == contents(package) | {"drills-a/app.yaml": "mine"}


def test_a_changed_lesson_stays_and_the_newer_one_is_put_beside_it_once(package, copy):
    """In either language; without a newer one there is nothing to say."""
    write(copy / KOREAN, "내 것")
    assert copies.refresh(package, copy) == []
    write(package / LESSON, "second")
    write(package / KOREAN, "second ko")
    said = f"you have changed {copy / KOREAN}; the newer one is {NEWER} beside it"
    assert copies.refresh(package, copy) == [said]
    assert copies.refresh(package, copy) == []
    assert contents(copy) == contents(package) | {
        KOREAN: "내 것",
        f"ko/{NEWER}": "second ko",
    }


def test_the_one_beside_is_the_learners_too_once_it_is_changed(package, copy):
    """Until then it is replaced by a still newer one."""
    write(copy / LESSON, "mine")
    for text in ("second", "third"):
        write(package / LESSON, text)
        assert len(copies.refresh(package, copy)) == 1
    assert contents(copy)[NEWER] == "third"
    write(copy / NEWER, "mine, too")
    write(package / LESSON, "fourth")
    assert len(copies.refresh(package, copy)) == 2
    found = contents(copy)
    assert [found[name] for name in (LESSON, NEWER, NEWEST)] == [
        "mine",
        "mine, too",
        "fourth",
    ]


@pytest.mark.parametrize("sums", ["{}", "", "[]", '{"05-ins'])
def test_without_sums_nothing_is_overwritten(package, copy, sums):
    """As after an interrupt; what is the same needs no second copy."""
    write(copy / copies.SUMS, sums)
    write(copy / LESSON, "mine")
    assert len(copies.refresh(package, copy)) == 1
    assert contents(copy)[LESSON] == "mine"
    assert contents(copy)[NEWER] == f"first {LESSON}"
    assert f"ko/{NEWER}" not in contents(copy)


def test_an_interrupted_copy_is_finished(package, copy):
    """The sums are there before the first lesson, which is whole or not there."""
    (copy / copies.SUMS).write_text("{}")
    (copy / KOREAN).unlink()
    assert copies.refresh(package, copy) == []
    assert contents(copy) == contents(package)
    assert set(json.loads((copy / copies.SUMS).read_text())) == set(contents(package))


def file_in_the_way(package, copy):
    copy.write_text("mine")
    return f"{copy}: File exists."


def directory_in_the_way(package, copy):
    copies.refresh(package, copy)
    (copy / LESSON).unlink()
    (copy / LESSON).mkdir()
    return f"{copy / LESSON}: Is a directory."


def something_else(package, copy):
    write(copy / "thesis.tex", "mine")
    return f"{copy} is not empty, and no copy of the lessons."


@pytest.mark.parametrize(
    "case", [file_in_the_way, directory_in_the_way, something_else]
)
def test_a_place_that_cannot_be_used_is_named(package, tmp_path, case):
    copy = tmp_path / "there"
    said = case(package, copy)
    before = copy.read_text() if copy.is_file() else contents(copy)
    with pytest.raises(errors.LabError) as refused:
        copies.refresh(package, copy)
    assert refused.value.message == said
    assert refused.value.hint.startswith(("Start it in", "The lessons are copied to"))
    assert before == (copy.read_text() if copy.is_file() else contents(copy))


def test_a_directory_that_cannot_be_written_is_named(package, tmp_path):
    """Not even by root: the kernel's own."""
    with pytest.raises(errors.LabError, match=r"^/sys/lessons: \w[\w -]+\.\n"):
        copies.refresh(package, Path("/sys/lessons"))


def test_a_full_disk_leaves_every_file_whole(package, copy, monkeypatch):
    """The next start, with room, brings the rest."""

    def full(path, data):
        with path.open("wb") as file:
            file.write(data[:3])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = contents(copy)
    write(package / LESSON, "second")
    with monkeypatch.context() as patched:
        patched.setattr(Path, "write_bytes", full)
        with pytest.raises(errors.LabError, match=f"^{copy}: No space left"):
            copies.refresh(package, copy)
    assert contents(copy) == before
    assert copies.refresh(package, copy) == []
    assert contents(copy) == contents(package)


def test_the_copies_name_the_program_where_there_is_no_checkout(tmp_path, monkeypatch):
    """No lesson sends a learner to make or to a Python of .venv."""
    shutil.copytree(NOTEBOOKS, tmp_path / "lessons")
    monkeypatch.setattr(told, "INSTALLED", True)
    copies.refresh(tmp_path / "lessons", tmp_path / "copy")
    texts = contents(tmp_path / "copy")
    assert "kubernetes-api-notebooks stop" in texts["00-start-here.ipynb"]
    assert "kubernetes-api-notebooks stop" in texts["ko/00-start-here.ipynb"]
    for path, text in texts.items():
        assert not re.search(r"\bmake [a-z]+`|\.venv", text), path
