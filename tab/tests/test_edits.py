"""Edits of Kubernetes' files apply, or the build ends with what is wrong."""

from pathlib import Path

import pytest

from cluster import errors
from tab import edits
from tab.build import SOURCES


def test_each_file_has_another_in_its_place(places):
    sources, library, _ = places
    found = edits.overlay(*places)
    files = {
        name: str((library if edits.is_library(name) else sources / "vendor") / name)
        for name in {*edits.EDITS, *edits.SAME, edits.OURS}
    }
    assert str(library / "syscall/fs_js.go") in files.values()
    assert {*found} == {*files.values()}
    for name, texts in edits.EDITS.items():
        assert Path(found[files[name]]).read_text() == "\n".join(texts.values())


def test_the_calls_of_a_large_function_become_a_list(places):
    sources, *_ = places
    file = sources / "vendor" / edits.SCHEMAS
    call = "\t\tv1.Pod{}.OpenAPIModelName():   schema_api_v1_Pod(ref),\n"
    file.write_text(file.read_text().replace("\n\t}\n}", f"\n{call}\t}}\n}}"))
    changed = Path(edits.overlay(*places)[str(file)]).read_text()
    assert "\t\t{v1.Pod{}.OpenAPIModelName(), schema_api_v1_Pod},\n\t} {" in changed


@pytest.mark.parametrize("text", ["another text", "os.Exit(1) os.Exit(1)"])
def test_an_edit_that_does_not_apply_once_ends_the_build(text):
    with pytest.raises(errors.LabError) as caught:
        edits.apply_edits("k8s.io/one.go", text, {"os.Exit(1)": "return"})
    assert "k8s.io/one.go" in caught.value.message
    assert f"{text.count('os.Exit(1)')} times" in caught.value.message
    assert "tab/edits.toml" in caught.value.hint


def test_a_file_that_is_not_there_ends_the_build(places):
    sources, *_ = places
    (sources / "vendor" / next(iter(edits.EDITS))).unlink()
    with pytest.raises(errors.LabError, match=r"journal_unix\.go .* 0 times"):
        edits.overlay(*places)


def test_all_edits_that_do_not_apply_are_named_at_once(places):
    sources, *_ = places
    names = [name for name in edits.EDITS if not edits.is_library(name)][:3]
    for name in names:
        (sources / "vendor" / name).write_text("package other")
    with pytest.raises(errors.LabError) as caught:
        edits.overlay(*places)
    lines = caught.value.message.splitlines()
    assert len(lines) == sum(len(edits.EDITS[name]) for name in names)
    assert all(name in caught.value.message for name in names)


def test_our_file_is_there(places):
    sources, *_ = places
    found = edits.overlay(*places)
    ours = Path(found[str(sources / "vendor" / edits.OURS)])
    assert (SOURCES / ours.relative_to(sources)).is_file()
