"""`make follow`: the locks and pins that it writes, and what it refuses.

The module proxy and the index are outside: a test that needs one of them is in
`make follow`, and asks the real ones.
"""

import re
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner

from cluster import versions
from cluster.programs.recipe import RECIPE
from tests.notebooks import ROOT
from tools import follow, locks

asks = pytest.mark.follow("the module proxy and the index")
UV = re.search("uv==(.*)", (ROOT / "tools" / "setup.sh").read_text())[1]
LOCK = RECIPE.root / "kubernetes" / "go.mod"
UPSTREAM = """\
module k8s.io/kubernetes

go 1.27.0

require (
	go.etcd.io/etcd/server/v3 v3.7.0
	k8s.io/api v0.0.0
)

replace (
	github.com/old/one => github.com/new/one v1.2.3
	k8s.io/ktesting => ./staging/src/k8s.io/ktesting
	k8s.io/api => ./staging/src/k8s.io/api
)
"""


def test_a_lock_has_the_staging_modules_of_its_version():
    made = locks.kubernetes_lock(UPSTREAM, "v1.38.0-beta.0", "v3.7.3", "tool a")
    assert made.startswith("module binaries/kubernetes\n\ngo 1.27.0\n\ntool a\n")
    assert "require k8s.io/kubernetes v1.38.0-beta.0\n" in made
    assert "require go.etcd.io/etcd/server/v3 v3.7.3\n" in made
    assert re.findall(r"^\t(.*)", made, re.M) == [
        "k8s.io/api => k8s.io/api v0.38.0-beta.0",
        "k8s.io/ktesting => k8s.io/ktesting v0.38.0-beta.0",
        "github.com/old/one => github.com/new/one v1.2.3",
    ]


def test_what_does_not_follow_is_told(monkeypatch):
    monkeypatch.setattr(follow, "newest_package", lambda _: "37.0.9")
    newer = {"KUBERNETES": "v1.38.0"}
    node, client = follow.describe_lagging(newer)
    assert versions.NODE in node
    assert client.startswith("The client for Python stays at 37.")
    assert client.endswith("; 37.0.9 is the newest one.")
    assert [*follow.describe_lagging(newer | {"NODE": "v1.38.0"})] == [client]
    assert [*follow.describe_lagging({})] == []


def test_pins_and_numbers_are_written_and_nothing_else(tmp_path):
    for name in (follow.PINS, *follow.TEXTS):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    shutil.copytree(ROOT / locks.LOCKS, tmp_path / locks.LOCKS)
    same = {"GO_MINIMUM": locks.oldest_go(tmp_path)}
    follow.write_versions(tmp_path / follow.PINS, same)
    assert (tmp_path / follow.PINS).read_bytes() == (ROOT / follow.PINS).read_bytes()
    pins = {"KUBERNETES": "v1.98.7"}
    follow.write_versions(tmp_path / follow.PINS, pins)
    assert '\nKUBERNETES = "v1.98.7"\n' in (tmp_path / follow.PINS).read_text()
    for name in follow.TEXTS:
        follow.write_numbers(tmp_path / name, pins)
        old, new = ((root / name).read_text("utf-8") for root in (ROOT, tmp_path))
        assert versions.NODE[1:] in new
        assert new == old.replace(versions.KUBERNETES[1:], "1.98.7") != old


@pytest.mark.parametrize("name", follow.TEXTS)
def test_texts_name_the_versions_that_run(name):
    text = (ROOT / name).read_text("utf-8")
    found = re.findall(r"(?:Kubernetes|쿠버네티스) (\d+\.\d+\.\d+)", text)
    assert {*found} == {versions.KUBERNETES[1:], versions.NODE[1:]}


@pytest.mark.parametrize(
    ("file", "pattern", "pin"),
    [
        (".github/workflows/release.yml", r"\buv==([\d.]+)", UV),
        ("binder/Dockerfile", r"^FROM (debian:\S+)", versions.DEBIAN),
        (
            "cluster/machine/config/containerd.toml",
            '"(.*/pause:.*)"',
            versions.PAUSE_IMAGE,
        ),
    ],
)
def test_what_repeats_a_pin_says_the_same(file, pattern, pin):
    found = re.findall(pattern, (ROOT / file).read_text(), re.M)
    assert found and {*found} == {pin.removeprefix("docker.io/library/")}


@asks
def test_the_lock_that_is_here_is_the_one_that_would_be_written(tmp_path):
    mod = locks.module(locks.KUBERNETES, versions.KUBERNETES)["GoMod"]
    text = LOCK.read_text()
    tools = re.search(r"^tool \(.*?^\)", text, re.M | re.S)[0]
    own = versions.KUBERNETES, versions.ETCD
    with open(mod) as file:
        made = locks.kubernetes_lock(file.read(), *own, tools)
    (tmp_path / "go.mod").write_text(made)
    shutil.copy(LOCK.with_name("main.go"), tmp_path)
    locks.go("mod", "tidy", cwd=tmp_path)
    assert (tmp_path / "go.mod").read_text() == text
    assert (tmp_path / "go.sum").read_text() == LOCK.with_name("go.sum").read_text()


@asks
def test_the_lock_for_browsers_is_the_one_that_would_be_written(tmp_path):
    ours = "tab/go"
    for folder in (f"{locks.LOCKS}/kubernetes", ours):
        shutil.copytree(ROOT / folder, tmp_path / folder)
    locks.write_browser_lock(tmp_path, locks.go)
    for name in ("go.mod", "go.sum"):
        made, kept = ((root / ours / name).read_text() for root in (tmp_path, ROOT))
        assert made == kept


@asks
@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--kubernetes", "v1.99.0"], r"Error: go list .*v1\.99\.0.*\n"),
        (["--kubernetes", "latest-or-so"], r"Error: go list .*latest-or-so.*\n"),
    ],
)
def test_a_version_that_does_not_exist_is_told_in_a_line(words, told):
    command = [sys.executable, "-m", "tools.follow", "--dry-run", *words]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(told, done.stderr)


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    """A commit of its own, instead of this checkout; one pin is behind."""
    git = ["git", "-C", tmp_path, "-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "pins").write_text("old\n")
    for words in ("init --quiet", "add pins", "commit --quiet --message=first"):
        subprocess.run([*git, *words.split()], check=True)
    monkeypatch.setattr(follow, "ROOT", tmp_path)
    monkeypatch.setattr(follow, "PAGE", tmp_path / ".git" / "follow.md")
    monkeypatch.setattr(follow, "pin_updates", lambda _: {"ETCD": "v9.9.9"})
    monkeypatch.setattr(follow, "READ", ("pins",))

    def write(copy, pins):
        (copy / "pins").write_text(f"{pins}\n")

    monkeypatch.setattr(follow, "write_pins", write)
    yield tmp_path
    listed = [*git, "worktree", "list"]
    left = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
    assert len(left.splitlines()) == 1, left


def test_what_was_proved_comes_back_with_what_to_read(checkout, monkeypatch):
    monkeypatch.setattr(follow, "STEPS", {"build": ("this",)})
    monkeypatch.setattr(follow, "PROOFS", {"lessons": ("this",)})
    done = CliRunner().invoke(follow.main)
    assert done.exit_code == 0, done.output
    assert f"ETCD         {versions.ETCD} -> v9.9.9\n" in done.output
    assert (checkout / "pins").read_text() == "{'ETCD': 'v9.9.9'}\n"
    assert "+{'ETCD': 'v9.9.9'}" in follow.PAGE.read_text()


def test_after_a_step_that_fails_the_checkout_is_as_it_was(checkout, monkeypatch):
    monkeypatch.setattr(follow, "STEPS", {"build": ("nothing.of.this.name",)})
    done = CliRunner().invoke(follow.main)
    assert done.exit_code == 1
    assert "Error: not all of it passed." in done.output
    assert (checkout / "pins").read_text() == "old\n"
    assert "## build failed\n\npython" in follow.PAGE.read_text()


def test_a_lesson_that_fails_is_left_to_a_person(checkout, monkeypatch):
    monkeypatch.setattr(follow, "STEPS", {})
    words = ("json.tool", "pins")
    monkeypatch.setattr(follow, "PROOFS", {"lessons": ("this",), "stages": words})
    done = CliRunner().invoke(follow.main)
    assert done.exit_code == 1
    assert "`git apply .git/follow.patch` takes the versions" in done.output
    assert "## stages failed" in follow.PAGE.read_text()
    assert (checkout / "pins").read_text() == "old\n"
    command = ["git", "-C", checkout, "apply", ".git/follow.patch"]
    subprocess.run(command, check=True)
    assert (checkout / "pins").read_text() == "{'ETCD': 'v9.9.9'}\n"


def test_a_checkout_with_changes_is_refused(checkout):
    (checkout / "new").touch()
    done = CliRunner().invoke(follow.main)
    assert done.output.endswith(
        "Error: this checkout has changes: commit or stash them.\n"
    )


def test_without_a_network_the_first_question_ends_it(monkeypatch):
    """No proxy answers, and nothing is asked elsewhere."""
    env = {"GOPROXY": "http://127.0.0.1:1", "GOFLAGS": "-modcacherw", "GONOSUMDB": "*"}
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("GOMODCACHE", "/nonexistent")
    with pytest.raises(follow.click.ClickException, match="connection refused"):
        follow.pin_updates("")
