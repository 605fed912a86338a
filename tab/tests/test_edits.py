"""Edits of Kubernetes' files apply, or the build ends with what is wrong."""

from pathlib import Path

import pytest

from cluster import errors
from tab import edits
from tab.build import SOURCES
from tab.tests.conftest import EDITS


def test_each_file_has_another_in_its_place(places):
    sources, library, _ = places
    found = edits.overlay(*places)
    files = {
        name: str((library if edits.is_library(name) else sources / "vendor") / name)
        for name in {*EDITS, *edits.SAME, edits.OURS}
    }
    assert str(library / "syscall/fs_js.go") in files.values()
    assert {*found} == {*files.values()}
    for name, texts in EDITS.items():
        assert Path(found[files[name]]).read_text() == "\n".join(texts.values())


def test_the_calls_of_a_large_function_become_a_list(places):
    sources, *_ = places
    file = sources / "vendor" / edits.SCHEMAS
    call = "\t\tv1.Pod{}.OpenAPIModelName():   schema_api_v1_Pod(ref),\n"
    file.write_text(file.read_text().replace("\n\t}\n}", f"\n{call}\t}}\n}}"))
    changed = Path(edits.overlay(*places)[str(file)]).read_text()
    assert "\t\t{v1.Pod{}.OpenAPIModelName(), schema_api_v1_Pod},\n\t} {" in changed


@pytest.mark.parametrize("text", ["another text", "os.Exit(1) os.Exit(1)"])
def test_an_edit_that_does_not_apply_once_is_a_fault(text):
    source, [fault] = edits.apply_edits(text, {"os.Exit(1)": "return"})
    assert source == text
    assert fault == f"it has 'os.Exit(1)' {text.count('os.Exit(1)')} times, not once"


def test_the_build_ends_with_every_edit_that_does_not_apply(places):
    """A new minor version breaks a dozen of them; each is named at the first build."""
    sources, *_ = places
    absent, emptied, *_ = EDITS
    (sources / "vendor" / absent).unlink()
    (sources / "vendor" / emptied).write_text("package another")
    neighbor = next(str(Path(n).with_name(o)) for n, o in edits.SAME.items())
    (sources / "vendor" / neighbor).unlink()
    with pytest.raises(errors.LabError) as caught:
        edits.overlay(*places)
    _, *faults = caught.value.message.splitlines()
    assert faults == [
        f"  {neighbor}: there is no such file",
        f"  {absent}: there is no such file",
        *(
            f"  {emptied}: it has {old.strip()!r} 0 times, not once"
            for old in EDITS[emptied]
        ),
    ]
    assert "tab/edits.toml" in caught.value.hint


def test_an_edit_goes_with_the_version_that_has_it(monkeypatch):
    before = {"v1.38.0-beta.0": {"k8s.io/old.go": [["a", "b"]]}}
    monkeypatch.setattr(edits, "_BEFORE", before)
    needed = {
        version: "k8s.io/old.go" in edits.edits_for(version)
        for version in ("v1.37.2", "v1.38.0-alpha.3", "v1.38.0-beta.0", "v1.38.1")
    }
    assert list(needed.values()) == [True, True, False, False]


def test_our_file_is_there(places):
    sources, *_ = places
    found = edits.overlay(*places)
    ours = Path(found[str(sources / "vendor" / edits.OURS)])
    assert (SOURCES / ours.relative_to(sources)).is_file()
