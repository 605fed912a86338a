"""Programs and image out of one archive, into the cache whole or not at all."""

import hashlib
import json
import lzma
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from cluster import errors, programs, release as own
from cluster.bundle import fetch, ready, unpack
from cluster.bundle.manifest import MANIFEST
from cluster.image import find as image_find
from cluster.programs import check, download, releases
from cluster.programs.recipe import CONTROL_PLANE, KUBECTL, RECIPE
from cluster.programs.topics import Shell
from cluster.progress import Silent
from cluster.tests.bundle import archives as bundles
from cluster.tests.commandline import ROOT, environment
from cluster.tests.programs import mirror as m
from cluster.tests.progress import Notes
from cluster.tests.slowness import scaled
from cluster.tests.waiting import until

WITHOUT = "no ready-made programs and image, because "
OFF = ("LAB_ASSETS", "LAB_NO_DOWNLOADS", "LAB_MIRROR", "LAB_BUNDLE")
PLACE = "/github.com/ann/notebooks/releases/download/v{}"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """An empty cache, on a machine that has no curl and cannot build an image."""
    for name in (*OFF, "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", "/nonexistent")
    monkeypatch.setattr(download, "TIMEOUT", (scaled(1.0), scaled(1.0)))
    monkeypatch.setattr(download, "RETRIES", 0)
    return tmp_path / "cache"


@pytest.fixture
def mirror(tmp_path, monkeypatch, cache):
    with m.running(tmp_path / "certificates") as mirror:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(mirror.ca))
        yield mirror


@pytest.fixture
def release(mirror, monkeypatch):
    """The release of this version, in the repository that this checkout is from."""
    monkeypatch.setattr(own, "_repository", lambda: "ann/notebooks")
    monkeypatch.setenv("LAB_MIRROR", mirror.base)
    return bundles.small().publish(mirror, PLACE.format(own.version()))


def take(**options):
    """Take what is missing; return whether all is there, and what was said."""
    view = Notes()
    return ready.ensure(view, **options), view.kept


def left(cache):
    """Return what is in the cache besides its locks."""
    found = {str(path.relative_to(cache)) for path in cache.rglob("*")}
    return found - {"build", "build/lock", "build/downloads", "images"}


def nothing(cache):
    return not left(cache) and not programs.find()


# --- what comes of it ---


def test_programs_and_image_come_from_the_release(release, mirror, cache):
    whole, said = take()
    name = release.rpartition("/")[2]
    assert whole and said == [f"programs and image are those of {name}"]
    binaries = programs.find()
    assert binaries == cache / "bin" / RECIPE.key()
    for step in RECIPE.steps:
        assert check.step_problem(step, binaries) is None
    found = image_find.usable_archive(binaries)
    assert found.read_bytes() == b"layers"
    # The client in it is another than here, but for that it is what would be built.
    first = image_find.expected_archive(binaries).stem.partition("-")[0]
    assert found.stem.partition("-")[0] == first
    assert image_find.is_substitute(found, binaries)
    assert {path.name for path in (cache / "build").iterdir()} == {"lock"}
    asked = [*mirror.asked]
    assert take() == (True, []) and mirror.asked == asked


def test_it_is_the_image_that_would_be_built_here_if_the_client_is_the_same(cache):
    file = bundles.small(image_find.client_pins()).write(cache.parent / "dist")
    os.environ["LAB_BUNDLE"] = str(file)
    assert take()[0]
    binaries = programs.find()
    assert image_find.usable_archive(binaries) == image_find.expected_archive(binaries)


def test_an_image_with_another_client_is_not_built_anew(cache, monkeypatch, tmp_path):
    """Not even where one could be built: that would take minutes and change little."""
    monkeypatch.setenv("LAB_BUNDLE", str(bundles.small().write(tmp_path / "dist")))
    assert take()[0]
    monkeypatch.setattr(image_find, "can_build", lambda: True)
    found = image_find.usable_archive(programs.find())
    assert found and image_find.ensure(programs.find(), Silent()) == found
    assert json.loads(image_find.manifest_of(found).read_text())["image"]["client"]


def test_curl_and_jq_come_with_it_where_there_are_none(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_BUNDLE", str(bundles.small().write(tmp_path / "dist")))
    assert Shell.read().shell == ()
    before = os.umask(0o077)
    try:
        assert take()[0]
    finally:
        os.umask(before)
    assert Shell.read().shell == Shell.NAMES
    curl = programs.find() / "curl"
    said = subprocess.run([curl], env={"PATH": "/bin:/usr/bin"}, capture_output=True)
    assert said.stdout == b"ours\n"
    modes = {path.stat().st_mode & 0o777 for path in programs.find().rglob("*")}
    assert modes == {0o755}


def test_curl_and_jq_of_the_machine_stay_what_is_called(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_BUNDLE", str(bundles.small().write(tmp_path / "dist")))
    monkeypatch.setenv("PATH", str(tmp_path / "system"))
    (tmp_path / "system").mkdir()
    for name in Shell.NAMES:
        (tmp_path / "system" / name).touch(0o755)
    assert take()[0]
    assert {*os.listdir(programs.find())} == {*RECIPE.programs()}


def test_one_program_that_does_not_run_here_leaves_nothing(
    cache, monkeypatch, tmp_path
):
    """Neither its names nor the program, which nothing would lead to."""
    made = bundles.small()
    file = "kubernetes"
    links = [name for name, to in RECIPE.links().items() if to == file]
    true = Path(os.path.realpath(shutil.which("true", path="/bin:/usr/bin")))
    for name in links:
        del made.manifest["files"][f"bin/{name}"]
    made.members = [(n, c) for n, c in made.members if n[4:] not in links]
    made.members.append((f"bin/{file}", b""))
    replace(made, f"bin/{file}", true.read_bytes())
    monkeypatch.setenv("LAB_BUNDLE", str(made.write(tmp_path / "dist")))
    whole, said = take()
    assert not whole and said[0].endswith(f", but {links[0]} does not run here")
    left = {path.name for path in (cache / "bin" / RECIPE.key()).iterdir()}
    assert not left & {file, *links} and "kubectl" in left


def test_a_runc_that_does_not_run_here_is_left_to_the_next_way(
    cache, monkeypatch, tmp_path
):
    """As one that is linked with a newer C library than this machine has."""
    made = bundles.small()
    true = Path(os.path.realpath(shutil.which("true", path="/bin:/usr/bin")))
    replace(made, "bin/runc", true.read_bytes())
    monkeypatch.setenv("LAB_BUNDLE", str(made.write(tmp_path / "dist")))
    monkeypatch.setattr(check, "system_has", lambda step: False)
    whole, said = take()
    assert not whole and said[0].endswith(", but runc does not run here")
    assert programs.problems(cache / "bin" / RECIPE.key()) == {"runc": "is missing"}
    monkeypatch.setattr(check, "system_has", lambda step: step.substitute)
    assert take() == (True, [])


def replace(made, name, content):
    """Put other bytes into an archive, as the manifest then has them."""
    digest = hashlib.sha256(content).hexdigest()
    made.manifest["files"][name] = {"size": len(content), "sha256": digest}
    made.members = [(n, content if n == name else c) for n, c in made.members]


# --- where it is looked for ---


def test_lab_assets_and_the_cache_come_first(release, mirror, cache, monkeypatch):
    assets = cache.parent / "assets"
    assets.mkdir()
    for name in RECIPE.programs():
        shutil.copy(os.path.realpath("/bin/true"), assets / name)
    monkeypatch.setenv("LAB_ASSETS", str(assets))
    monkeypatch.setattr(image_find, "can_build", lambda: True)
    assert take() == (False, []) and mirror.asked == []
    (assets / "kubectl").unlink()
    with pytest.raises(errors.IncompleteAssets):
        take()


def test_a_control_plane_alone_takes_it_as_well(release, cache):
    assert take(recipe=CONTROL_PLANE, image=False)[0]
    assert programs.find(CONTROL_PLANE, or_any=(RECIPE,)) == programs.find()
    assert take(recipe=KUBECTL) == (True, [])


def test_a_url_is_asked_as_it_is_named(mirror, cache, monkeypatch):
    path = bundles.small().publish(mirror, "/class")
    monkeypatch.setenv("LAB_MIRROR", "https://127.0.0.1:9")
    monkeypatch.setenv("LAB_BUNDLE", f"{mirror.base}{path}")
    assert take()[0]
    described = path.replace(".tar.xz", ".json")
    sums = f"/class/{fetch.SUMS}"
    assert mirror.asked == [sums, described, sums, path]


def test_none_asks_nobody(release, mirror, cache, monkeypatch):
    monkeypatch.setenv("LAB_BUNDLE", "none")
    assert take() == (False, []) and mirror.asked == []


def test_downloads_that_are_off_are_off_here_too(release, mirror, cache, monkeypatch):
    monkeypatch.setenv("LAB_NO_DOWNLOADS", "1")
    assert take() == (False, [])
    monkeypatch.setenv("LAB_BUNDLE", f"{mirror.base}{release}")
    assert take() == (False, [f"{WITHOUT}LAB_NO_DOWNLOADS is set"])
    assert mirror.asked == [] and nothing(cache)


def test_a_proxy_is_asked(release, mirror, cache, monkeypatch):
    with m.proxy() as (address, connected):
        monkeypatch.setenv("https_proxy", address)
        assert take()[0]
    assert set(connected) == {f"127.0.0.1:{mirror.port}"}


def test_sums_in_the_package_are_those_that_count(
    release, mirror, cache, monkeypatch, tmp_path
):
    """As in a wheel: then whoever can change the release can change nothing here."""
    sums = mirror.files.pop(f"{release.rpartition('/')[0]}/{fetch.SUMS}")
    (tmp_path / fetch.SUMS).write_bytes(sums)
    monkeypatch.setattr(fetch, "PACKAGED", tmp_path / fetch.SUMS)
    assert take()[0]
    assert not any(path.endswith(fetch.SUMS) for path in mirror.asked)


def test_the_line_of_progress_counts_megabytes(release, mirror, cache, monkeypatch):
    monkeypatch.setattr(download, "STEADY", 0)
    mirror.faults[release] = m.dripping(mirror, 300)
    view = Notes()
    assert ready.ensure(view)
    name = release.rpartition("/")[2]
    assert f"downloading {name}: 0 of 0 MB" in view.shown
    assert any(line.startswith("unpacking programs and image: ") for line in view.shown)


# --- bad input: one line, nothing half-made, and the next way ---


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        (m.status(404), "404 for {url}"),
        (m.truncated, "127.0.0.1:{port} cannot be reached (the connection broke)"),
        (
            lambda handler, content: handler.say(200, content[::-1]),
            "{name} of 127.0.0.1:{port} has another SHA-256 than the published",
        ),
        (
            lambda handler, _: handler.say(200, b"<html>Sign in</html>"),
            "{name} of 127.0.0.1:{port} has another SHA-256 than the published",
        ),
    ],
    ids=["404", "short", "wrong", "html"],
)
def test_a_release_that_does_not_give_it(release, mirror, cache, fault, reason):
    mirror.faults[release] = fault
    facts = {
        "url": f"{mirror.base}{release}",
        "port": mirror.port,
        "name": release.rpartition("/")[2],
    }
    whole, [line] = take()
    assert not whole and line.startswith(WITHOUT + reason.format(**facts))
    assert nothing(cache)
    del mirror.faults[release]
    assert take()[0]


@pytest.mark.parametrize("ending", [fetch.SUMS, ".json"])
def test_a_release_with_a_page_of_html_in_the_place_of_a_file(
    release, mirror, cache, ending
):
    for path in [path for path in mirror.files if path.endswith(ending)]:
        mirror.files[path] = b"<html>Sign in to this network</html>"
    whole, [line] = take()
    assert not whole and line.startswith(WITHOUT) and "SHA-256" in line
    assert nothing(cache) and release not in mirror.asked


def test_a_release_that_is_not_there(release, mirror, cache):
    mirror.files.clear()
    sums = f"{mirror.base}{release.rpartition('/')[0]}/{fetch.SUMS}"
    assert take() == (False, [f"{WITHOUT}404 for {sums}"])


def test_a_host_that_nobody_reaches(release, cache, monkeypatch):
    monkeypatch.setenv("LAB_MIRROR", "https://127.0.0.1:1")
    line = f"{WITHOUT}127.0.0.1:1 cannot be reached (Connection refused)"
    assert take() == (False, [line])


@pytest.mark.parametrize("size", [0, 30, 0.5, 0.9])
def test_a_file_that_is_cut_short(cache, monkeypatch, tmp_path, size):
    file = bundles.small().write(tmp_path / "dist", sums=False)
    whole = file.stat().st_size
    os.truncate(file, int(whole * size) if size < 1 else size)
    monkeypatch.setenv("LAB_BUNDLE", str(file))
    done, [line] = take()
    assert not done and line.startswith(f"{WITHOUT}{file.name} ")
    assert nothing(cache)


def test_a_file_with_another_sum_than_the_one_beside_it(cache, monkeypatch, tmp_path):
    file = bundles.small().write(tmp_path / "dist")
    file.write_bytes(bundles.small(image=b"other").packed())
    monkeypatch.setenv("LAB_BUNDLE", str(file))
    sums = tmp_path / "dist" / fetch.SUMS
    line = f"{WITHOUT}{file} has another SHA-256 than {sums} says"
    assert take() == (False, [line]) and nothing(cache)


def test_a_file_that_others_can_change(cache, monkeypatch, tmp_path):
    file = bundles.small().write(tmp_path / "dist")
    file.chmod(0o666)
    monkeypatch.setenv("LAB_BUNDLE", str(file))
    whole, [line] = take()
    assert not whole and "every account can write to it" in line and nothing(cache)


@pytest.mark.parametrize(
    ("named", "reason"),
    [
        ("/no/such.tar.xz", "No such file or directory: /no/such.tar.xz"),
        ("/", "Is a directory"),
        ("http://a/b.tar.xz", "LAB_BUNDLE=http://a/b.tar.xz is no https:// address"),
        ("https://a/b.zip", "LAB_BUNDLE=https://a/b.zip is no https:// address"),
        ("ftp://a/b.tar.xz", "LAB_BUNDLE=ftp://a/b.tar.xz is no https:// address"),
    ],
)
def test_a_setting_that_leads_to_none(cache, monkeypatch, named, reason):
    monkeypatch.setenv("LAB_BUNDLE", named)
    whole, [line] = take()
    assert not whole and line.startswith(WITHOUT + reason) and nothing(cache)


@pytest.mark.parametrize("local", [True, False], ids=["path", "release"])
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"architecture": "s390x"}, "it is for s390x, and this machine is "),
        ({"programs": "v1.2.3-a"}, f"it is of version {own.version()} with v1.2.3"),
        ({"format": 2}, f"it is of version {own.version()} with {RECIPE.key()}"),
        ({"files": []}, "its manifest cannot be read"),
        ({"image": 3}, "its manifest cannot be read"),
    ],
    ids=["machine", "version", "format", "files", "image"],
)
def test_an_archive_for_others(
    release, mirror, cache, monkeypatch, tmp_path, local, changes, reason
):
    """The manifest of a release tells it before 100 MB are fetched."""
    made = bundles.small()
    made.manifest |= changes
    if local:
        monkeypatch.setenv("LAB_BUNDLE", str(made.write(tmp_path / "dist")))
        reason = f"{releases.bundle_name()} cannot be used: {reason}"
    else:
        made.publish(mirror, release.rpartition("/")[0])
    whole, [line] = take()
    assert not whole and line.startswith(WITHOUT + reason)
    assert nothing(cache) and release not in mirror.asked


def test_an_image_of_another_state_of_the_checkout(cache, monkeypatch, tmp_path):
    """The programs of such an archive serve all the same."""
    made = bundles.small()
    made.manifest["image"]["name"] = "0" * 16 + made.manifest["image"]["name"][16:]
    monkeypatch.setenv("LAB_BUNDLE", str(made.write(tmp_path / "dist")))
    whole, [line] = take()
    assert not whole and line == (
        f"{WITHOUT}its image was made by another version of these notebooks"
    )
    assert programs.find() and image_find.usable_archive(programs.find()) is None


def test_an_image_for_another_kubectl(cache, monkeypatch, tmp_path):
    monkeypatch.setenv("LAB_BUNDLE", str(bundles.small().write(tmp_path / "dist")))
    assert take()[0]
    for path in (cache / "images").glob("*.tar"):
        path.unlink()
    kubectl = programs.find() / "kubectl"
    kubectl.write_bytes(kubectl.read_bytes() + b"built here")
    line = f"{WITHOUT}the kubectl of its image is not the one in {kubectl.parent}"
    assert take() == (False, [line])


def entry(name, kind=tarfile.REGTYPE, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode = kind, link, 0o755
    return info


@pytest.mark.parametrize(
    ("extra", "reason"),
    [
        (entry("../../outside"), "'../../outside' in it is not in its manifest"),
        (entry("/tmp/outside"), "'/tmp/outside' in it is not in its manifest"),
        (entry("bin/other"), "'bin/other' in it is not in its manifest"),
        (entry("bin/kubectl"), "'bin/kubectl' in it is not in its manifest"),
        (entry("bin", tarfile.DIRTYPE), "'bin' in it is not in its manifest"),
    ],
    ids=["up", "absolute", "other", "twice", "directory"],
)
def test_a_member_that_does_not_belong_there(
    cache, monkeypatch, tmp_path, extra, reason
):
    file = tmp_path / "bad.tar.xz"
    file.write_bytes(bundles.small().packed([extra]))
    monkeypatch.setenv("LAB_BUNDLE", str(file))
    line = f"{WITHOUT}bad.tar.xz cannot be used: {reason}"
    assert take() == (False, [line]) and nothing(cache)


@pytest.mark.parametrize(
    "kind",
    [
        tarfile.SYMTYPE,
        tarfile.LNKTYPE,
        tarfile.CHRTYPE,
        tarfile.BLKTYPE,
        tarfile.FIFOTYPE,
        tarfile.GNUTYPE_SPARSE,
    ],
    ids=["symlink", "link", "device", "disk", "pipe", "sparse"],
)
@pytest.mark.parametrize("name", ["bin/kubectl", MANIFEST])
def test_a_member_that_is_no_plain_file(cache, monkeypatch, tmp_path, kind, name):
    """Though the manifest has one of that name and size."""
    made = bundles.small()
    replace(made, "bin/kubectl", b"")
    made.members = [one for one in made.members if one[0] != "bin/kubectl"]
    content = made.packed([entry(name, kind, "/etc/passwd")])
    if name == MANIFEST:
        packed = lzma.compress(entry(name, kind, "/etc/passwd").tobuf())
        content = packed + content
    file = tmp_path / "bad.tar.xz"
    file.write_bytes(content)
    monkeypatch.setenv("LAB_BUNDLE", str(file))
    whole, [line] = take()
    assert not whole and line.startswith(f"{WITHOUT}bad.tar.xz ") and nothing(cache)


@pytest.mark.parametrize(
    "name", ["../x", "/x", "bin/../x", "bin/.x", "bin/a/b", "", "bin", "bin/", "a\nb"]
)
def test_a_manifest_that_names_what_is_not_ours(cache, monkeypatch, tmp_path, name):
    made = bundles.small()
    made.members.append((name, b""))
    replace(made, name, b"")
    monkeypatch.setenv("LAB_BUNDLE", str(made.write(tmp_path / "dist")))
    whole, [line] = take()
    assert not whole and line.endswith(f"its manifest names {name!r}")
    assert nothing(cache) and not (tmp_path / "x").exists()


def test_a_file_that_is_not_what_the_manifest_says(cache, monkeypatch, tmp_path):
    made = bundles.small()
    made.members = [
        (name, content[::-1] if name == "bin/etcd" else content)
        for name, content in made.members
    ]
    monkeypatch.setenv("LAB_BUNDLE", str(made.write(tmp_path / "dist")))
    whole, [line] = take()
    assert not whole and nothing(cache)
    assert line.endswith("bin/etcd in it has another SHA-256 than it says")
    made = bundles.small()
    made.members.pop()
    monkeypatch.setenv("LAB_BUNDLE", str(made.write(tmp_path / "dist")))
    whole, [line] = take()
    assert not whole and line.endswith(" is not in it") and nothing(cache)


def test_a_disk_with_too_little_room_is_told_before_it_is_full(
    release, cache, monkeypatch
):
    monkeypatch.setattr(unpack.preflight, "disk_available", lambda path: 1000)
    whole, [line] = take()
    assert not whole and " MB are needed in " in line and nothing(cache)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can mount a small disk")
@pytest.mark.parametrize("free", [4096, 20_000], ids=["download", "unpack"])
def test_a_disk_that_fills_up_in_the_middle(release, mirror, cache, free):
    """By another program, so that the look before it did not help."""
    image = os.urandom(40_000)
    bundles.small(image=image).publish(mirror, release.rpartition("/")[0])
    text = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from cluster import syscalls as sc
from cluster.bundle import ready
from cluster import release as own
from cluster.bundle import unpack
from cluster.programs import download
from cluster.progress import Terminal
own._repository = lambda: "ann/notebooks"
unpack.preflight.disk_available = lambda path: 1 << 40
sc.unshare(sc.CLONE_NEWNS)
sc.mount("none", "/", "", sc.MS_REC | sc.MS_PRIVATE)
sc.mount("tmpfs", {str(cache)!r}, "tmpfs", 0, "size={free // 4096 * 4096},mode=700")
print(ready.ensure(Terminal()))
print(sorted(str(p.relative_to({str(cache)!r}))
             for p in __import__("pathlib").Path({str(cache)!r}).rglob("*")))
"""
    cache.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", text],
        env=environment({"PATH": "/usr/bin:/bin"}),
        capture_output=True,
        text=True,
        timeout=60,
    )
    said, there = done.stdout.splitlines()
    assert said == "False", done.stderr
    assert f"{WITHOUT}No space left on device" in done.stderr
    found = {*__import__("ast").literal_eval(there)}
    assert found <= {"build", "build/lock", "build/downloads"}


def test_an_interrupt_leaves_nothing_half_and_the_next_goes_on(release, mirror, cache):
    class Impatient(Silent):
        def update(self, message, detail=""):
            if message.startswith("unpacking "):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        ready.ensure(Impatient())
    name = release.rpartition("/")[2]
    assert f"build/downloads/archive/{name}" in left(cache)
    assert not [path for path in left(cache) if "stage" in path or "bin" in path]
    assert take()[0]
    assert mirror.asked.count(release) == 1 and not (cache / "build/downloads").exists()


def test_of_two_at_once_one_fetches_it(release, mirror, cache):
    begun = threading.Event()

    def slow(handler, content):
        begun.set()
        until(lambda: "another process gets the programs; waiting" in second.shown)
        handler.say(200, content)

    mirror.faults[release] = slow
    first, second = Notes(), Notes()
    with ThreadPoolExecutor() as pool:
        one = pool.submit(ready.ensure, first)
        assert begun.wait(10)
        two = pool.submit(ready.ensure, second)
        assert one.result() and two.result()
    assert mirror.asked.count(release) == 1 and second.kept == []


def test_the_next_way_is_the_releases_of_the_projects(release, mirror, cache):
    """As if there had been no archive."""
    mirror.files.pop(release)
    architecture = releases.ARCHITECTURES[platform.machine()]
    contents = {
        name.removeprefix("bin/"): content for name, content in bundles.small().members
    }
    for one in releases.published_files(RECIPE.programs()):
        mirror.publish(one.at(architecture, mirror.base), contents)
    assert take()[0] is False
    made = programs.ensure(Silent())
    assert made == programs.find() and mirror.asked.count(release) == 1


def test_the_cache_that_cannot_be_used_is_named(release, cache):
    cache.write_text("a file")
    with pytest.raises(errors.StateError):
        take()
