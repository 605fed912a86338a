"""A first version, from a clone to its release, by the workflows' own steps.

A story, in order: what docs/maintaining.md says under *Publish a version*. What GitHub,
an engine and a set-up of minutes do has stand-ins.
"""

import re
import subprocess
import sys

import pytest

from cluster.tests import imagebuild
from tests.notebooks import ROOT
from tests.project.rehearsal import NOT_PLAYED, REPOSITORY, Rehearsal, git

pytestmark = [
    pytest.mark.machines("the rehearsal of a release"),
    pytest.mark.timeout(1800),
]
VERSION = "1.1"
TAG = f"v{VERSION}"
IMAGE = f"ghcr.io/{REPOSITORY.lower()}"


@pytest.fixture(scope="module")
def rehearsal(tmp_path_factory):
    """Return the repository on GitHub, with this checkout as its main."""
    rehearsal = Rehearsal(tmp_path_factory.mktemp("rehearsal"))
    clone = rehearsal.folder / "clone"
    clone.mkdir()
    imagebuild.copy_checkout(clone)
    git(clone, "init", "--quiet", "--initial-branch=main")
    git(clone, "remote", "add", "origin", rehearsal.server)
    push(clone, "Begin")
    return rehearsal


@pytest.fixture(scope="module")
def clone(rehearsal):
    """Return the clone of the person who publishes."""
    return rehearsal.folder / "clone"


def push(clone, subject):
    """Commit all there is, and push it to main."""
    git(clone, "add", "--all")
    git(clone, "commit", "--quiet", "--message", subject)
    git(clone, "push", "--quiet", "origin", "main")


def tag(clone):
    """Push the tag of the version, instead of an earlier one."""
    git(clone, "tag", "--force", TAG)
    git(clone, "push", "--quiet", "--force", "origin", TAG)


def change(clone, name, old, new):
    """Replace a text that is once in a file."""
    text = (clone / name).read_text("utf-8")
    assert text.count(old) == 1, (name, old)
    (clone / name).write_text(text.replace(old, new), "utf-8")


def make_home(clone):
    words = ("--assume-old=venv", f"PY={sys.executable}", f"REPOSITORY={REPOSITORY}")
    return subprocess.run(
        ["make", "--no-print-directory", *words, "home"],
        cwd=clone,
        check=True,
        capture_output=True,
        text=True,
    )


def refusal(rehearsal):
    """Return the one line by which the first job of a tag ends."""
    failed = rehearsal.play("release", "draft", TAG)
    assert failed, rehearsal.played[-1]
    assert not (rehearsal.state / "releases").exists()
    [line] = failed.output.splitlines()
    return line


def test_a_tag_publishes_nothing_before_the_list_is_done(rehearsal, clone):
    """Step by step, each time with the sentence on the next one."""
    old = re.findall(r'^version = "(.*)"', (clone / "pyproject.toml").read_text(), re.M)
    tag(clone)
    assert refusal(rehearsal).startswith(f"error: the tag {TAG} is not that of version")
    for name, line in (("pyproject.toml", "version = "), ("CITATION.cff", "version: ")):
        quote = '"' if name == "pyproject.toml" else ""
        text = f"{line}{quote}{old[0]}{quote}"
        if text not in (clone / name).read_text():
            text = f'{line}"{old[0]}"'
        change(clone, name, f"{text}\n", text.replace(old[0], VERSION) + "\n")
    push(clone, f"Give it version {VERSION}")
    tag(clone)
    home = f"Run: make home REPOSITORY={REPOSITORY}"
    assert refusal(rehearsal).endswith(f"and this is {REPOSITORY}. {home}")
    said = make_home(clone)
    assert "docs/machines.md" in said.stdout.split()
    assert re.search("list Once in docs/maintaining.md .* when a version", said.stderr)
    push(clone, "Write the addresses")
    tag(clone)
    if "## Unreleased\n\n## " not in (clone / "CHANGELOG.md").read_text("utf-8"):
        assert "CHANGELOG.md has text under “## Unreleased”" in refusal(rehearsal)
    change(clone, "CHANGELOG.md", "## Unreleased\n", f"## Unreleased\n\n## {VERSION}\n")
    push(clone, "Name what is published")
    tag(clone)
    line = refusal(rehearsal)
    assert (
        "notebooks has not passed on this commit. docs/maintaining.md has a list"
        in line
    )


def test_main_publishes_the_image_that_binder_starts(rehearsal, clone):
    failed = rehearsal.play("notebooks", "image", "main")
    assert not failed, failed
    sha = git(clone, "rev-parse", "HEAD")
    assert f"{IMAGE}:{sha}" in (rehearsal.state / "images").read_text().split()
    assert git(rehearsal.server, "show", "binder:binder/Dockerfile") == (
        f"FROM {IMAGE}:{sha}"
    )
    assert git(rehearsal.server, "log", "--format=%s", "binder") == (
        f"Start from the image of {sha}"
    )
    with (rehearsal.state / "passed").open("a") as passed:
        passed.write(f"{sha}\n")


@pytest.mark.parametrize("attempt", ["first", "again"])
def test_a_tag_makes_a_draft_with_all_that_is_published(rehearsal, attempt):
    """A job that is run again goes on with what is there."""
    for job in ("draft", "archive", "wheel", "image", "site"):
        failed = rehearsal.play("release", job, TAG)
        assert not failed, failed
    release = rehearsal.state / "releases" / TAG
    assert (release / ".draft").exists()
    names = {path.name for path in release.iterdir() if path.name[0] != "."}
    ends = {re.sub(r"^.*?(-linux-\w+|-py3|-site)", r"\1", name) for name in names}
    assert ends == {
        *(f"-linux-{each}.{end}" for each in ("amd64", "arm64") for end in _ENDS),
        "-py3-none-any.whl",
        "-site.tar.gz",
    }
    assert (release / ".notes").read_text().startswith("### Added")


_ENDS = ("tar.xz", "json")


def test_the_last_job_names_all_of_it_and_ends_the_draft(rehearsal):
    failed = rehearsal.play("release", "publish", TAG)
    assert not failed, failed
    release = rehearsal.state / "releases" / TAG
    assert not (release / ".draft").exists()
    check = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    done = subprocess.run(check, cwd=release, check=True, capture_output=True)
    assert len(done.stdout.splitlines()) == 6
    images = (rehearsal.state / "images").read_text().split()
    tags = {name.removeprefix(f"{IMAGE}:") for name in images}
    assert {VERSION, "1", "latest", "dev", f"{VERSION}-hub", "1-hub", "hub"} < tags
    assert not (rehearsal.state / "login").exists()


def test_what_is_not_played_is_there(rehearsal):
    """Each step that is left out, and no other, has a reason."""
    text = "\n".join(path.read_text() for path in (ROOT / ".github").rglob("*.yml"))
    assert [start for start in NOT_PLAYED if start not in text] == []
    jobs = {step.job for step in rehearsal.played}
    assert jobs == {"draft", "archive", "wheel", "image", "site", "publish"}
