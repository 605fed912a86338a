"""What a tag publishes: its notes, the names of its image, the sums of its files."""

import shutil
import subprocess

import pytest

from tests.notebooks import ROOT
from tools import release

CHANGELOG = """\
# Changelog

## Unreleased

## 1.1 - 2026-12-01

### Added

- An archive.

## 1.0

- All of it.

## 0.9
"""
PROJECT = '[project]\nversion = "1.1"\n'


def test_the_notes_of_a_version_are_its_section_alone():
    assert release.notes(CHANGELOG, "1.1") == "### Added\n\n- An archive."
    assert release.notes(CHANGELOG, "1.0") == "- All of it."
    for missing in ("0.9", "1", "2.0"):
        with pytest.raises(ValueError, match=f"says nothing under “## {missing}”"):
            release.notes(CHANGELOG, missing)


def test_what_is_unreleased_keeps_a_version_from_being_published():
    """It would come with the notes of an older one."""
    more = CHANGELOG.replace("## Unreleased\n", "## Unreleased\n\n- Not yet.\n")
    for version in ("1.1", "2.0"):
        with pytest.raises(
            ValueError, match=f"text under “## Unrel.*“## {version}”, or"
        ):
            release.notes(more, version)


def test_a_tag_is_that_of_the_version():
    assert release.version("v1.1", PROJECT) == "1.1"
    for wrong in ("1.1", "v1.2", "v1.1rc1"):
        with pytest.raises(ValueError, match=f"tag {wrong} is not .* 1.1, v1.1"):
            release.version(wrong, PROJECT)


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("1.0", "1.0 1 latest"),
        ("2.1.3", "2.1.3 2.1 2 latest"),
        ("1.1rc1", "1.1rc1"),
        ("1.1.dev0", "1.1.dev0"),
    ],
)
def test_only_a_final_version_moves_the_other_names(version, names):
    assert release.tags(version) == names.split()


def test_the_sums_are_those_that_sha256sum_checks(tmp_path, capsys):
    for name in ("b.whl", "a.tar.xz", release.SUMS):
        (tmp_path / name).write_text(name)
    assert release.main(["sums", str(tmp_path)]) == 0
    lines = capsys.readouterr().out
    assert [line.split("  ")[1] for line in lines.splitlines()] == ["a.tar.xz", "b.whl"]
    check = ["sha256sum", "--check", "--strict"]
    subprocess.run(check, cwd=tmp_path, input=lines, text=True, check=True)


def test_the_words_of_the_workflow_print_it_or_say_why_not(
    capsys, monkeypatch, tmp_path
):
    monkeypatch.setenv("GITHUB_REPOSITORY", "Some/One")
    monkeypatch.setattr(release.home, "repository", lambda: "some/one")
    ours = release.tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    tag = f"v{ours['version']}"
    # As the list of a release has it: nothing is unreleased by then.
    (tmp_path / "CHANGELOG.md").write_text(
        f"## {ours['version']}\n\n### Added\n\n- It."
    )
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    monkeypatch.setattr(release, "ROOT", tmp_path)
    assert release.main(["tags", tag]) == 0
    assert capsys.readouterr().out.split() == release.tags(ours["version"])
    assert release.main(["notes", tag]) == 0
    assert "### Added" in capsys.readouterr().out
    monkeypatch.setattr(release.home, "repository", lambda: "")
    assert release.main(["notes", tag]) == 1
    assert capsys.readouterr().err == (
        "error: addresses are those of no repository, and this is Some/One. "
        "Run: make home REPOSITORY=Some/One\n"
    )
    assert release.main(["notes", "v0.1"]) == 1
    told = capsys.readouterr()
    assert (told.out, told.err.count("\n")) == ("", 1)
    assert told.err.startswith("error: the tag v0.1 is not that of version")
