"""Programs from a server with the layout of the projects' hosts, and the way back."""

import dataclasses
import platform
import shutil
import socket
import time
from pathlib import Path

import pytest

from cluster import errors
from cluster.binaries import download, elf, releases, toolchain
from cluster.binaries.recipe import RECIPE
from cluster.binaries.steps import Recipe
from cluster.binaries.workdir import Workshop
from cluster.progress import Silent
from tests.local import gobox
from tests.local import mirror as m
from tests.local.test_fetch import Notes
from tests.patience import patience

MUTE = Path(shutil.which("true")).resolve()


@pytest.fixture(scope="module")
def program(compiled):
    """A program of this machine that tells a version, whatever it is asked."""
    return compiled.program.read_bytes()


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror that this process is told to use, in a cache of its own."""
    with m.running(tmp_path) as mirror:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
        monkeypatch.setenv("LAB_MIRROR", mirror.base)
        for name in ("LAB_NO_DOWNLOADS", "LAB_ASSETS", "https_proxy", "HTTPS_PROXY"):
            monkeypatch.delenv(name, raising=False)
        yield mirror


@pytest.fixture
def everything(mirror, program):
    """The mirror with all programs, each with its name at the end."""
    contents = {name: program + name.encode() for name in RECIPE.programs()}
    for release in releases.published(contents):
        mirror.publish(_here(mirror, release), contents)
    return contents


def _here(mirror, release):
    architecture = releases.ARCHITECTURES[platform.machine()]
    return release.at(architecture, mirror.base)


@pytest.fixture
def hello(mirror, source, cache, program, monkeypatch):
    """A small recipe of which a project publishes the program as well."""
    base = "https://hello.example/v1.2.3"
    release = releases.Release(f"{base}/hi", f"{base}/hi.sha256", ("hi",))
    monkeypatch.setitem(releases.PUBLISHED, "hi", release)
    mirror.publish(_here(mirror, release), {"hi": program + b"of the mirror"})
    return gobox.recipe(source)


@pytest.fixture
def workshop(tmp_path):
    workshop = Workshop(tmp_path / "workshop")
    workshop.root.mkdir()
    return workshop


def fetch(workshop, recipe=RECIPE):
    """Download; return the programs by name, and the lines that stay on the screen."""
    view = Lines()
    made = download.download(recipe, recipe.steps, workshop, view)
    names = [path.name for path in made.iterdir()] if made else None
    return names and sorted(names), view.lines


class Lines(Silent):
    """A view that keeps what is left on the screen."""

    def __init__(self):
        self.lines = []

    def finish(self, message):
        self.lines.append(message)


def test_all_programs_come_into_the_cache_and_nothing_is_built(
    everything, tmp_path, monkeypatch
):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    view = Notes()
    made = toolchain.ensure(view, RECIPE)
    assert made == tmp_path / "cache" / "bin" / RECIPE.key() == toolchain.find(RECIPE)
    assert {path.name: path.read_bytes() for path in made.iterdir()} == everything
    assert not any(elf.fault(path) for path in made.iterdir())
    assert not any("building" in line for line in view.lines)
    left = {path.name for path in (tmp_path / "cache" / "build").iterdir()}
    assert left <= {"lock", "status"}


def test_what_does_not_come_is_left_to_the_build(everything, mirror, workshop):
    release = _here(mirror, releases.PUBLISHED["coredns"])
    del mirror.files[release.url.removeprefix(mirror.base)]
    names, lines = fetch(workshop)
    assert names == sorted(everything.keys() - {"coredns"})
    assert lines == [f"building coredns instead, because 404 for {release.url}"]


def test_half_a_step_is_none(everything, mirror, workshop):
    """Programs that are built together come together."""
    release = _here(mirror, releases.PUBLISHED["kube-proxy"])
    del mirror.files[release.sums.removeprefix(mirror.base)]
    names, lines = fetch(workshop)
    step = {"kubectl", "kube-scheduler", "kube-proxy"}
    assert names == sorted(everything.keys() - step)
    assert lines == [
        f"building kubectl, kube-scheduler, kube-proxy instead, because 404 for "
        f"{release.sums}"
    ]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _: MUTE.read_bytes(), "does not run here"),
        (lambda p: p[:18] + b"\xff\x7f" + p[20:], "is for another kind of machine"),
        (lambda p: p[:100_000], "is cut short"),
        (lambda _: b"#!/bin/sh\n" * 20, "is not a Linux program"),
    ],
    ids=["mute", "foreign", "short", "script"],
)
def test_a_program_that_cannot_run_here_is_not_taken(
    mirror, hello, workshop, program, spoil, reason
):
    mirror.files["/hello.example/v1.2.3/hi.sha256"] = b""
    spoilt = spoil(program)
    mirror.publish(_here(mirror, releases.PUBLISHED["hi"]), {"hi": spoilt})
    line = f"building instead, because the published hi {reason}"
    assert fetch(workshop, hello) == (None, [line])


def test_a_tar_file_without_the_program(mirror, hello, workshop, program, monkeypatch):
    release = dataclasses.replace(releases.PUBLISHED["hi"], members={"hi": "bin/hi"})
    monkeypatch.setitem(releases.PUBLISHED, "hi", release)
    there = dataclasses.replace(_here(mirror, release), members={"hi": "other"})
    mirror.files[there.sums.removeprefix(mirror.base)] = b""
    mirror.publish(there, {"hi": program})
    assert fetch(workshop, hello) == (
        None,
        ["building instead, because hi holds no file bin/hi"],
    )


# --- the way back to the build ---


def test_a_wrong_checksum_ends_in_a_build(mirror, hello):
    mirror.files["/hello.example/v1.2.3/hi"] += b"?"
    view = Lines()
    made = toolchain.ensure(view, hello)
    assert toolchain.describe(made, hello) == {"hi": "v1.2.3"}
    (line,) = view.lines
    assert line.startswith("building instead, because hi of 127.0.0.1:")
    assert "has another SHA-256" in line


def test_with_builds_switched_off_it_is_an_error_that_has_its_reason_above(
    mirror, hello, monkeypatch
):
    """A builder with 2 GB of memory would be killed in the middle of a build."""
    monkeypatch.setenv("LAB_NO_BUILD", "1")
    path = "/hello.example/v1.2.3/hi"
    content = mirror.files.pop(path)
    view = Lines()
    with pytest.raises(errors.BuildsOff, match="^hi did not come, and LAB_NO_BUILD"):
        toolchain.ensure(view, hello)
    assert view.lines == [f"no download, because 404 for {mirror.base}{path}"]
    mirror.files[path] = content
    made = toolchain.ensure(view, hello)
    assert (made / "hi").read_bytes() == content and len(view.lines) == 1


def test_with_builds_switched_off_what_came_is_kept(mirror, hello, monkeypatch):
    monkeypatch.setenv("LAB_NO_BUILD", "1")
    (step,) = hello.steps
    other = dataclasses.replace(step, programs={"ho": "binaries/hello"})
    both = Recipe(hello.root, hello.version, (step, other))
    with pytest.raises(errors.BuildsOff) as caught:
        toolchain.ensure(Silent(), both)
    assert caught.value.programs == ["ho"]
    assert mirror.times("hello.example/v1.2.3/hi") == 1
    with pytest.raises(errors.BuildsOff):
        toolchain.ensure(Silent(), both)
    assert mirror.times("hello.example/v1.2.3/hi") == 1


def test_what_came_stays_and_only_the_rest_is_built(mirror, hello):
    (step,) = hello.steps
    other = dataclasses.replace(step, programs={"ho": "binaries/hello"})
    both = Recipe(hello.root, hello.version, (step, other))
    made = toolchain.ensure(Silent(), both)
    assert (made / "hi").read_bytes().endswith(b"of the mirror")
    assert not (made / "ho").read_bytes().endswith(b"of the mirror")
    assert toolchain.describe(made, both)["ho"] == "v1.2.3"


def test_a_host_out_of_reach_costs_a_moment_and_a_line(hello, workshop, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("LAB_MIRROR", f"https://{host}")
    began = time.monotonic()
    found = fetch(workshop)
    assert time.monotonic() - began < patience(3)
    reason = f"{host} cannot be reached (Connection refused)"
    assert found == (None, [f"building instead, because {reason}"])


def test_what_came_half_is_gone_on_with_by_the_next_call(mirror, hello, workshop):
    path = "/hello.example/v1.2.3/hi"
    mirror.faults[path] = m.truncated(part=0.2)
    assert fetch(workshop, hello)[0] is None
    del mirror.faults[path]
    assert fetch(workshop, hello) == (["hi"], [])
    name, begin = mirror.asked[-1]
    assert name == path and int(begin.removeprefix("bytes=").rstrip("-")) > 10**5


# --- asked for nothing ---


def test_downloads_can_be_switched_off(mirror, hello, workshop, monkeypatch):
    monkeypatch.setenv("LAB_NO_DOWNLOADS", "1")
    line = "building instead, because LAB_NO_DOWNLOADS is set"
    assert fetch(workshop, hello) == (None, [line])
    assert mirror.asked == []
    assert download.hosts() == ""


def test_a_machine_that_nothing_is_published_for(hello, workshop, monkeypatch):
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    line = "building instead, because nothing is published for riscv64"
    assert fetch(workshop, hello) == (None, [line])


def test_what_nobody_publishes_is_built_without_a_word(mirror, source, workshop):
    assert fetch(workshop, gobox.recipe(source)) == (None, [])
    assert mirror.asked == []


def test_a_mirror_without_https_is_refused(hello, workshop, monkeypatch):
    monkeypatch.setenv("LAB_MIRROR", "http://mirror.example")
    with pytest.raises(errors.BadSetting) as caught:
        fetch(workshop, hello)
    assert (caught.value.name, caught.value.value) == (
        "LAB_MIRROR",
        "http://mirror.example",
    )
    assert str(caught.value).count("\n") == 1


def test_who_is_asked_is_known_without_asking(monkeypatch):
    for name in ("LAB_MIRROR", "LAB_NO_DOWNLOADS"):
        monkeypatch.delenv(name, raising=False)
    assert download.hosts() == "dl.k8s.io, github.com"
    monkeypatch.setenv("LAB_MIRROR", "https://mirror.example/k8s")
    assert download.hosts() == "https://mirror.example/k8s"
