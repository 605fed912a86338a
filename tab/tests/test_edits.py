"""Edits of Kubernetes' files apply, or the build ends with what is wrong."""

from pathlib import Path

import pytest

from cluster import errors
from tab import edits
from tab.build import SOURCES


def test_each_file_has_another_in_its_place(sources, tmp_path):
    changed = tmp_path / "changed"
    changed.mkdir()
    found = edits.overlay(sources, changed)
    names = {*edits.EDITS, *edits.SAME, edits.OURS}
    assert {*found} == {str(sources / "vendor" / name) for name in names}
    for name, texts in edits.EDITS.items():
        changed = Path(found[str(sources / "vendor" / name)])
        assert changed.read_text() == "\n".join(texts.values())


@pytest.mark.parametrize("text", ["another text", "os.Exit(1) os.Exit(1)"])
def test_an_edit_that_does_not_apply_once_ends_the_build(text):
    with pytest.raises(errors.LabError) as caught:
        edits.edited("k8s.io/one.go", text, {"os.Exit(1)": "return"})
    assert "k8s.io/one.go" in caught.value.message
    assert f"{text.count('os.Exit(1)')} times" in caught.value.message
    assert "tab/edits.py" in caught.value.hint


def test_a_file_that_is_not_there_ends_the_build(sources, tmp_path):
    (sources / "vendor" / next(iter(edits.EDITS))).unlink()
    with pytest.raises(errors.LabError, match=r"journal_unix\.go .* 0 times"):
        edits.overlay(sources, tmp_path)


def test_our_file_is_there(tmp_path, sources):
    (tmp_path / "changed").mkdir()
    found = edits.overlay(sources, tmp_path / "changed")
    ours = Path(found[str(sources / "vendor" / edits.OURS)])
    assert (SOURCES / ours.relative_to(sources)).is_file()
