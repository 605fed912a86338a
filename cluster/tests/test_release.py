"""Where the archive of this version is: the release on GitHub, or what is named."""

import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from click.testing import CliRunner

from cluster import errors, release
from cluster.cli import main
from cluster.programs import releases, topics
from cluster.tests.commandline import ROOT, helpers


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """Return a directory that holds our packages, and nothing else yet."""
    for name in ("LAB_BUNDLE", "LAB_NO_DOWNLOADS", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(release, "PACKAGES", str(tmp_path / "checkout"))
    monkeypatch.setattr(release, "_addresses", lambda: [])
    (tmp_path / "checkout").mkdir()
    return tmp_path / "checkout"


def clone(checkout, origin):
    git = ["git", "-C", checkout]
    subprocess.run([*git, "init", "--quiet"], check=True)
    if origin:
        subprocess.run([*git, "remote", "add", "origin", origin], check=True)


def address(repository="ann/notes"):
    version = metadata.version("kubernetes-api-notebooks")
    name = f"kubernetes-api-notebooks-{version}-linux-{releases.ARCHITECTURE}.tar.xz"
    return f"https://github.com/{repository}/releases/download/v{version}/{name}"


@pytest.mark.parametrize(
    "origin",
    [
        "https://github.com/ann/notes",
        "https://github.com/ann/notes.git",
        "https://ann:secret@github.com/ann/notes.git/",
        "git@github.com:ann/notes.git",
        "ssh://git@github.com/ann/notes",
    ],
)
def test_it_is_in_the_release_of_the_repository_that_was_cloned(checkout, origin):
    clone(checkout, origin)
    assert releases.bundle() == address()


@pytest.mark.parametrize(
    "origin",
    [
        None,
        "/srv/notes",
        "https://gitlab.com/ann/notes.git",
        "https://example.org/github.com.evil/ann/notes",
        "https://notgithub.com/ann/notes",
        "https://github.com/ann",
        "https://github.com/ann/notes/../../x",
    ],
)
def test_a_clone_of_elsewhere_leads_to_none(checkout, origin):
    clone(checkout, origin)
    assert releases.bundle() is None


def test_without_git_or_a_clone_there_is_none(checkout, monkeypatch):
    assert releases.bundle() is None
    clone(checkout, "https://github.com/ann/notes")
    monkeypatch.setattr(shutil, "which", lambda name: None)
    assert releases.bundle() is None


def test_a_checkout_around_the_package_is_of_something_else(checkout, monkeypatch):
    """As where a learner made the environment in a project of theirs."""
    clone(checkout, "https://github.com/ann/other")
    inside = checkout / ".venv"
    inside.mkdir()
    monkeypatch.setattr(release, "PACKAGES", str(inside))
    assert releases.bundle() is None


def test_a_package_names_its_repository(checkout, monkeypatch):
    lines = ["Documentation, https://ann.github.io/notes", "Source, " + "x" * 9]
    lines.append("Repository, https://github.com/ann/notes")
    monkeypatch.undo()
    monkeypatch.delenv("LAB_BUNDLE", raising=False)
    monkeypatch.setattr(release, "PACKAGES", str(checkout))

    class Found:
        def get_all(self, name):
            return lines if name == "Project-URL" else None

    monkeypatch.setattr(metadata, "metadata", lambda name: Found())
    assert releases.bundle() == address()
    # The clone counts more.
    clone(checkout, "https://github.com/bea/notes")
    assert releases.bundle() == address("bea/notes")


def test_a_part_of_the_checkout_has_no_version(checkout, monkeypatch):
    """Such as `cluster` alone, by which the container image is built."""

    def missing(name):
        raise metadata.PackageNotFoundError(name)

    clone(checkout, "https://github.com/ann/notes")
    monkeypatch.setattr(release, "_PROJECT", checkout / "pyproject.toml")
    monkeypatch.setattr(metadata, "metadata", missing)
    assert release.version() == ""
    assert releases.bundle() is None and release._addresses() == []


def test_what_is_named_counts_most(checkout, monkeypatch):
    clone(checkout, "https://github.com/ann/notes")
    for named, found in (
        ("~/a.tar.xz", Path("~/a.tar.xz").expanduser()),
        ("a.tar.xz", Path("a.tar.xz").absolute()),
        ("https://a/b.tar.xz", "https://a/b.tar.xz"),
        ("none", None),
        ("", address()),
    ):
        monkeypatch.setenv("LAB_BUNDLE", named)
        assert releases.bundle() == found
        assert releases.is_named() == (named not in ("", "none"))


def test_only_linux_has_a_release(checkout, monkeypatch):
    clone(checkout, "https://github.com/ann/notes")
    monkeypatch.setattr(releases.sys, "platform", "darwin")
    assert releases.bundle() is None


def test_the_doctor_names_the_archive_and_asks_for_no_compiler():
    build = topics.Build(needed=True, archive="https://a/b.tar.xz")
    said = {finding.name: finding for finding in build.findings()}
    assert said["archive"].message == "https://a/b.tar.xz, if it is there"
    assert not any(finding.fatal for finding in said.values())


def test_the_version_is_that_of_the_project():
    read = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    version = read["project"]["version"]
    assert release.version() == version
    said = CliRunner().invoke(main, ["--version"])
    assert (said.exit_code, said.output) == (0, f"{errors.PROGRAM} {version}\n")
    assert helpers("--version").stdout == said.output
