"""Programs from a server with the layout of the projects' hosts, and the way back."""

import dataclasses
import hashlib
import os
import platform
import random
import shutil
import socket
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from cluster import errors, programs
from cluster.programs import check, download, releases
from cluster.programs.build import WorkDir
from cluster.programs.recipe import RECIPE, Recipe
from cluster.progress import Silent
from cluster.tests.programs import gobox, mirror as m
from cluster.tests.progress import Notes
from cluster.tests.slowness import scaled

MUTE = Path(shutil.which("true")).resolve()
CONTENT = random.Random(8).randbytes(655_360)
PROXIES = tuple(
    name
    for lower in ("no_proxy", "https_proxy", "all_proxy")
    for name in (lower, lower.upper())
)
AUTHORITIES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A mirror that this process is told to use, in a cache of its own."""
    with m.running(tmp_path) as mirror:
        for name in ("LAB_NO_DOWNLOADS", "LAB_ASSETS", *PROXIES, *AUTHORITIES):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(mirror.ca))
        monkeypatch.setenv("LAB_MIRROR", mirror.base)
        yield mirror


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "downloads"


@pytest.fixture
def one(directory, monkeypatch):
    """Fetch one release; return its content, or the reason why there is none."""
    # From a server on this machine, which may be busy; a network wants more.
    monkeypatch.setattr(download, "TIMEOUT", (scaled(1.0), scaled(1.0)))

    def one(release, retries: int | None = 0):
        if retries is not None:
            monkeypatch.setattr(download, "RETRIES", retries)
        fetched, failed = download.fetch([release], directory, Silent())
        assert len(fetched) + len(failed) == 1
        return failed.get(release) or fetched[release].read_bytes()

    return one


# --- one file ---


def test_a_file_comes_whole_once_and_is_private(mirror, one, directory, monkeypatch):
    netrc = directory.with_name("netrc")
    netrc.write_text("machine 127.0.0.1 login ann password hunter2\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    release = mirror.release("app", CONTENT)
    before = os.umask(0)
    try:
        assert one(release) == one(release) == CONTENT
    finally:
        os.umask(before)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert [path.name for path in directory.iterdir()] == ["app"]
    assert mirror.times("app") == 1
    # Passwords of netrc stay here.
    assert not any("Authorization" in headers for headers in mirror.headers)


def test_a_wrong_checksum_is_refused(mirror, one, directory):
    release = mirror.release("app", CONTENT)
    mirror.files["/app"] = CONTENT[:-1] + b"?"
    wanted = hashlib.sha256(CONTENT).hexdigest()[:12]
    assert one(release) == (
        f"app of 127.0.0.1:{mirror.port} has another SHA-256 than the published "
        f"{wanted}…"
    )
    assert list(directory.iterdir()) == []


def test_a_text_without_the_sum_is_refused(mirror, one):
    release = mirror.release("app", CONTENT)
    mirror.files["/app.sha256"] = b"<html>Sign in to this network</html>"
    assert one(release) == f"{release.sums} holds no SHA-256 of app"
    assert mirror.times("app") == 0


@pytest.mark.parametrize("name", ["app", "app.sha256"])
def test_an_error_that_passes_is_waited_out_and_one_that_stays_is_named(
    mirror, one, directory, name
):
    release = mirror.release("app", CONTENT)
    mirror.faults[f"/{name}"] = m.status(502)
    assert one(release) == f"502 for {mirror.base}/{name}"
    mirror.faults[f"/{name}"] = m.status(404)
    assert one(release) == f"404 for {mirror.base}/{name}"
    del mirror.faults[f"/{name}"]
    mirror.once[f"/{name}"] = m.status(503)
    assert one(release, retries=1) == CONTENT


def test_each_error_that_passes_is_known():
    def error(code):
        request = httpx.Request("GET", "https://127.0.0.1/app")
        response = httpx.Response(code, request=request)
        return httpx.HTTPStatusError("", request=request, response=response)

    passing = [code for code in range(400, 600) if download._is_passing(error(code))]
    assert passing == [416, 429, 500, 502, 503, 504]


def test_a_file_is_asked_for_three_times_as_a_rule(mirror, one):
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = m.status(503)
    assert one(release, retries=None) == f"503 for {mirror.base}/app"
    assert mirror.times("app") == 3


def test_a_file_that_breaks_off_is_fetched_again(mirror, one, directory):
    release = mirror.release("app", CONTENT)
    mirror.once["/app"] = m.truncated
    assert "the connection broke" in one(release)
    assert list(directory.iterdir()) == []
    mirror.once["/app"] = m.truncated
    assert one(release, retries=1) == CONTENT


def test_a_file_is_asked_for_so_often_and_no_more(mirror, one):
    """A wrong SHA-256 may come of a cache on the way that was filled too early."""
    release = mirror.release("app", CONTENT)
    mirror.once["/app"] = lambda handler, content: handler.say(200, content[::-1])
    assert one(release, retries=1) == CONTENT
    release = mirror.release("other", CONTENT)
    mirror.faults["/other"] = m.truncated
    assert "the connection broke" in one(release, retries=1)
    assert (mirror.times("app"), mirror.times("other")) == (2, 2)


def ranges(mirror):
    """Return which part was asked for each time, or None for all."""
    pairs = zip(mirror.asked, mirror.headers, strict=True)
    return [headers.get("Range") for path, headers in pairs if path == "/app"]


@pytest.mark.parametrize("server", [m.continued, None], ids=["continued", "restarted"])
def test_a_half_is_continued_if_the_server_can_and_else_begun_anew(mirror, one, server):
    release = mirror.release("app", CONTENT)
    mirror.once["/app"] = m.truncated
    mirror.faults["/app"] = server
    assert one(release, retries=1) == CONTENT
    assert ranges(mirror) == [None, f"bytes={len(CONTENT) // 2}-"]


@pytest.mark.parametrize("size", [1000, 1_000_000], ids=["smaller", "larger"])
def test_a_half_of_another_file_is_begun_anew(mirror, one, directory, size):
    """A process that was killed has left it, and another version is wanted now."""
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = m.continued
    directory.mkdir(mode=0o700)
    (directory / "app.half").write_bytes(bytes(size))
    assert one(release, retries=1) == CONTENT
    assert ranges(mirror) == [f"bytes={size}-", None]


def test_a_server_that_falls_silent_is_given_up(mirror, one, monkeypatch):
    monkeypatch.setattr(download, "TIMEOUT", (scaled(1.0), 1.0))
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = lambda *_: mirror.ended.wait()
    assert one(release) == f"127.0.0.1:{mirror.port} says nothing for 1 s"


def test_a_host_that_cannot_be_trusted(mirror, one, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    reason = one(mirror.release("app", CONTENT))
    assert reason == f"the certificate of 127.0.0.1:{mirror.port} is not trusted"
    assert mirror.asked == []


@pytest.mark.parametrize("name", AUTHORITIES)
def test_an_authority_of_your_own_is_trusted(mirror, one, monkeypatch, tmp_path, name):
    release = mirror.release("app", CONTENT)
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    if name == "SSL_CERT_DIR":
        path = tmp_path / "authorities"
        path.mkdir()
        # Here files are found by the hash of their subject.
        command = ["openssl", "x509", "-noout", "-subject_hash", "-in", mirror.ca]
        found = subprocess.run(command, capture_output=True, text=True, check=True)
        (path / f"{found.stdout.strip()}.0").symlink_to(mirror.ca)
    else:
        path = mirror.ca
    monkeypatch.setenv(name, str(path))
    assert one(release) == CONTENT


def test_a_file_of_authorities_that_is_not_there_is_named(mirror, one, monkeypatch):
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/no/such")
    reason = one(mirror.release("app", CONTENT))
    assert reason.startswith("REQUESTS_CA_BUNDLE, SSL_CERT_FILE or ")
    assert "No such file" in reason and mirror.asked == []


def test_a_proxy_is_asked_unless_the_host_is_an_exception(mirror, one, monkeypatch):
    with m.proxy() as (address, connected):
        monkeypatch.setenv("HTTPS_PROXY", address)
        assert one(mirror.release("app", CONTENT)) == CONTENT
        assert set(connected) == {f"127.0.0.1:{mirror.port}"}
        connected.clear()
        monkeypatch.setenv("NO_PROXY", "[::1],127.0.0.1")
        assert one(mirror.release("other", CONTENT)) == CONTENT
        assert connected == []
    monkeypatch.delenv("NO_PROXY")
    # Nobody is there any more.
    reason = f"the proxy does not lead to 127.0.0.1:{mirror.port}"
    assert one(mirror.release("third", CONTENT)) == reason


def test_a_redirect_is_followed_as_long_as_it_is_https(mirror, one):
    release = mirror.release("app", CONTENT)
    # Nobody is there, and nobody is asked.
    mirror.faults["/app"] = m.moved("http://127.0.0.1:9/app")
    assert one(release) == f"{release.url} leads to http://127.0.0.1:9/app"
    mirror.files["/elsewhere"] = CONTENT
    mirror.faults["/app"] = m.moved("/elsewhere")
    assert one(release) == CONTENT


# --- several at once ---


def test_one_that_fails_does_not_keep_the_others(mirror, directory):
    wanted = [mirror.release(f"app{n}", CONTENT[n:]) for n in range(6)]
    del mirror.files["/app5.sha256"]
    fetched, failed = download.fetch(wanted, directory, Silent())
    assert failed == {wanted[5]: f"404 for {mirror.base}/app5.sha256"}
    contents = {release.name: path.read_bytes() for release, path in fetched.items()}
    assert contents == {f"app{n}": CONTENT[n:] for n in range(5)}


def test_the_line_of_progress_counts_what_has_come(mirror, directory, monkeypatch):
    monkeypatch.setattr(download, "STEADY", 0)
    release = mirror.release("app", CONTENT * 5)
    mirror.faults["/app"] = m.dripping(mirror, len(CONTENT) // 4)
    view = Notes()
    download.fetch([release], directory, view)
    steps = [f"downloading 1 files, 0 done, {n} MB, now app" for n in range(4)]
    assert view.shown == sorted(view.shown)
    assert set(view.shown) <= set(steps) and len(set(view.shown)) > 1


def test_an_interrupt_ends_it_and_leaves_nothing_half(mirror, directory):
    release = mirror.release("app", CONTENT)
    mirror.faults["/app"] = m.dripping(mirror)

    class Impatient(Silent):
        def update(self, message, detail=""):
            assert message.startswith("downloading 1 files, 0 done, 0 MB")
            if "/app" in mirror.asked:
                raise KeyboardInterrupt

    before = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        download.fetch([release], directory, Impatient())
    assert time.monotonic() - before < scaled(5)
    assert list(directory.iterdir()) == []


def test_a_fault_of_our_own_disk_is_the_callers(mirror, directory):
    release = mirror.release("app", CONTENT)
    (directory / "app").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        download.fetch([release], directory, Silent())


# --- programs ---


@pytest.fixture(scope="module")
def program(compiled):
    """A program of this machine that tells a version, whatever it is asked."""
    return compiled.program.read_bytes()


@pytest.fixture
def everything(mirror, program):
    """The mirror with all programs, each with its name at the end."""
    contents = {name: program + name.encode() for name in RECIPE.programs()}
    for release in releases.published_files(contents):
        mirror.publish(_here(mirror, release), contents)
    return contents


def _here(mirror, release):
    architecture = releases.ARCHITECTURES[platform.machine()]
    return release.at(architecture, mirror.base)


@pytest.fixture
def hello(mirror, source, cache, program, monkeypatch):
    """A small recipe; its project publishes the program as well."""
    base = "https://hello.example/v1.2.3"
    release = releases.Release(f"{base}/hi", f"{base}/hi.sha256", ("hi",))
    monkeypatch.setitem(releases.PUBLISHED, "hi", release)
    mirror.publish(_here(mirror, release), {"hi": program + b"of the mirror"})
    return gobox.recipe(source)


@pytest.fixture
def work(tmp_path):
    work = WorkDir(tmp_path / "work")
    work.root.mkdir()
    return work


def fetch(work, recipe=RECIPE):
    """Download; return the programs by name, and the lines that stay on the screen."""
    view = Notes()
    made = download.download(recipe, recipe.steps, work, view)
    names = [path.name for path in made.iterdir()] if made else None
    return names and sorted(names), view.kept


def test_all_programs_come_into_the_cache_and_nothing_is_built(
    everything, tmp_path, monkeypatch
):
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    view = Notes()
    made = programs.ensure(view, RECIPE)
    assert made == tmp_path / "cache" / "bin" / RECIPE.key() == programs.find(RECIPE)
    assert {path.name: path.read_bytes() for path in made.iterdir()} == everything
    assert not any(check.problem(path) for path in made.iterdir())
    assert not any("building" in line for line in view.shown)
    left = {path.name for path in (tmp_path / "cache" / "build").iterdir()}
    assert left <= {"lock"}


def test_what_does_not_come_is_left_to_the_build_by_whole_steps(
    everything, mirror, work
):
    release = _here(mirror, releases.PUBLISHED["kube-proxy"])
    del mirror.files[release.sums.removeprefix(mirror.base)]
    names, lines = fetch(work)
    # What is built together comes together.
    (step,) = (step for step in RECIPE.steps if "kube-proxy" in step.programs)
    assert names == sorted(everything.keys() - step.programs.keys())
    assert lines == [f"building kubernetes instead, because 404 for {release.sums}"]


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (lambda _: MUTE.read_bytes(), "does not run here"),
        (lambda p: p[:100_000], "is cut short"),
    ],
    ids=["mute", "short"],
)
def test_a_program_that_cannot_run_here_is_not_taken(
    mirror, hello, work, program, spoil, reason
):
    mirror.files["/hello.example/v1.2.3/hi.sha256"] = b""
    mirror.publish(_here(mirror, releases.PUBLISHED["hi"]), {"hi": spoil(program)})
    line = f"building instead, because the published hi {reason}"
    assert fetch(work, hello) == (None, [line])


def test_a_tar_file_without_the_program(mirror, hello, work, program, monkeypatch):
    release = dataclasses.replace(releases.PUBLISHED["hi"], members={"hi": "bin/hi"})
    monkeypatch.setitem(releases.PUBLISHED, "hi", release)
    there = dataclasses.replace(_here(mirror, release), members={"hi": "other"})
    mirror.files[there.sums.removeprefix(mirror.base)] = b""
    mirror.publish(there, {"hi": program})
    line = "building instead, because hi holds no file bin/hi"
    assert fetch(work, hello) == (None, [line])


# --- the way back to the build ---


def test_with_builds_switched_off_it_is_an_error_that_has_its_reason_above(
    mirror, hello, monkeypatch
):
    """A builder with 2 GB of memory would be killed in the middle of a build."""
    monkeypatch.setenv("LAB_NO_BUILD", "1")
    path = "/hello.example/v1.2.3/hi"
    content = mirror.files.pop(path)
    view = Notes()
    said = r"^hi could not be downloaded, and builds are off \(LAB_NO_BUILD\)"
    with pytest.raises(errors.LabError, match=said):
        programs.ensure(view, hello)
    assert view.kept == [f"no download, because 404 for {mirror.base}{path}"]
    mirror.files[path] = content
    made = programs.ensure(view, hello)
    assert (made / "hi").read_bytes() == content and len(view.kept) == 1


def test_what_came_stays_and_only_the_rest_is_built(mirror, hello, monkeypatch):
    (step,) = hello.steps
    other = dataclasses.replace(step, programs={"ho": "binaries/hello"})
    both = Recipe(hello.root, hello.version, (step, other))
    with monkeypatch.context() as off:
        off.setenv("LAB_NO_BUILD", "1")
        with pytest.raises(errors.LabError, match="^ho could not be downloaded"):
            programs.ensure(Silent(), both)
    made = programs.ensure(Silent(), both)
    assert mirror.times("hello.example/v1.2.3/hi") == 1
    assert (made / "hi").read_bytes().endswith(b"of the mirror")
    assert not (made / "ho").read_bytes().endswith(b"of the mirror")
    assert check.program_version([made / "ho", "--version"]) == "v1.2.3"


def test_a_host_out_of_reach_costs_a_moment_and_a_line(work, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        host = f"127.0.0.1:{taken.getsockname()[1]}"
    monkeypatch.setenv("LAB_MIRROR", f"https://{host}")
    for name in PROXIES:
        monkeypatch.delenv(name, raising=False)
    began = time.monotonic()
    found = fetch(work)
    assert time.monotonic() - began < scaled(3)
    reason = f"{host} cannot be reached (Connection refused)"
    assert found == (None, [f"building instead, because {reason}"])


# --- asked for nothing ---


def test_nobody_is_asked_without_need(mirror, hello, source, work, monkeypatch):
    # What nobody publishes is built without a word.
    monkeypatch.delitem(releases.PUBLISHED, "hi")
    assert fetch(work, hello) == (None, [])
    assert releases.hosts() == mirror.base
    monkeypatch.setattr(platform, "machine", lambda: "riscv64")
    line = "building instead, because nothing is published for riscv64"
    assert fetch(work) == (None, [line])
    monkeypatch.setenv("LAB_NO_DOWNLOADS", "1")
    line = "building instead, because LAB_NO_DOWNLOADS is set"
    assert fetch(work) == (None, [line])
    assert releases.hosts() == ""
    assert mirror.asked == []


def test_a_mirror_without_https_is_refused(work, monkeypatch):
    monkeypatch.delenv("LAB_NO_DOWNLOADS", raising=False)
    monkeypatch.setenv("LAB_MIRROR", "http://mirror.example")
    with pytest.raises(errors.LabError, match="LAB_MIRROR=http://mirror.example"):
        fetch(work)
    monkeypatch.delenv("LAB_MIRROR")
    assert releases.hosts() == "dl.k8s.io, github.com"
