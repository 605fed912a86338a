"""The archive that `make bundle` writes: what is in it, always the same bytes."""

import json
import lzma
import os
import shutil
import subprocess
import tarfile

import pytest

from cluster import errors, programs
from cluster.bundle import ready
from cluster.bundle.fetch import SUMS
from cluster.bundle.manifest import IMAGE, MANIFEST
from cluster.image import archive, find as image_find
from cluster.programs import check, releases, runc
from cluster.programs.recipe import RECIPE
from cluster.programs.topics import Shell
from cluster.progress import Silent
from cluster.tests.bundle import tinyelf
from tools import bundle as writer

NAME = releases.bundle_name()


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """A cache with tiny programs, and an image of one file."""
    monkeypatch.delenv("LAB_ASSETS", raising=False)
    return fill(tmp_path / "cache", monkeypatch)


def fill(cache, monkeypatch, names=None):
    monkeypatch.setenv("LAB_CACHE_DIR", str(cache))
    entry = cache / "bin" / RECIPE.key()
    entry.mkdir(parents=True)
    cache.chmod(0o700)
    for name in names or RECIPE.programs():
        (entry / name).write_bytes(tinyelf.program(f"{name} v1.2.3"))
        (entry / name).chmod(0o755)
    image_find.build_once(image_find.expected_archive(entry), image, Silent())
    return cache


def image(work):
    layer = archive.write_layer({"etc/x": archive.Entry(content=b"x")}, work / "layer")
    made = archive.Image(("toolbox:1",), (layer,))
    archive.write_archive([made], releases.ARCHITECTURE, work / "image")
    return work / "image"


def test_it_is_the_same_bytes_for_the_same_cache(cache, tmp_path):
    first = writer.write(tmp_path / "one", Silent(), 0)
    before = os.umask(0o077)
    try:
        for path in cache.rglob("*"):
            os.utime(path, (1, 1))
        second = writer.write(tmp_path / "two", Silent(), 0)
    finally:
        os.umask(before)
    names = {NAME, NAME.replace(".tar.xz", ".json"), SUMS}
    assert {*os.listdir(first.parent)} == {*os.listdir(second.parent)} == names
    for name in names:
        assert (tmp_path / "one" / name).read_bytes() == (
            tmp_path / "two" / name
        ).read_bytes()


def test_sums_are_as_sha256sum_reads_them_and_others_stay(cache, tmp_path):
    target = tmp_path / "dist"
    target.mkdir()
    (target / "a.whl").write_text("wheel")
    sums = subprocess.run(["sha256sum", "a.whl"], cwd=target, capture_output=True)
    (target / SUMS).write_bytes(sums.stdout + b"0" * 64 + b"  " + NAME.encode())
    writer.write(target, Silent(), 0)
    lines = (target / SUMS).read_text().splitlines()
    assert [line.split()[1] for line in lines] == [
        "a.whl",
        NAME,
        NAME.replace(".tar.xz", ".json"),
    ]
    words = ["sha256sum", "--check", "--strict", SUMS]
    assert subprocess.run(words, cwd=target, capture_output=True).returncode == 0


def test_its_manifest_describes_every_file(cache, tmp_path):
    file = writer.write(tmp_path / "dist", Silent(), 0)
    outside = json.loads(file.with_name(NAME.replace(".tar.xz", ".json")).read_text())
    with tarfile.open(file) as tar:
        members = {member.name: member for member in tar}
        inside = json.load(tar.extractfile(MANIFEST))
    assert inside == outside and [*members][0] == MANIFEST
    # The image ends with the kubectl that comes next, so that it is there once.
    names = [*members]
    assert names[names.index(IMAGE) + 1] == "bin/kubectl"
    assert {*inside["files"]} == {*names} - {MANIFEST}
    assert {f"bin/{name}" for name in RECIPE.programs()} <= {*names}
    assert inside["versions"]["kubernetes"] == RECIPE.version
    assert inside["programs"] == RECIPE.key()
    for name, member in members.items():
        owner = (member.uid, member.gid, member.uname, member.gname)
        assert member.isreg() and owner == (0, 0, "", "")
        assert member.mode == (0o755 if name.startswith("bin/") else 0o644)


def test_what_it_writes_is_what_a_set_up_reads(cache, tmp_path, monkeypatch):
    file = writer.write(tmp_path / "dist", Silent(), 0)
    theirs, packed = (
        programs.find(),
        image_find.usable_archive(programs.find()).read_bytes(),
    )
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "new"))
    monkeypatch.setenv("LAB_BUNDLE", str(file))
    assert ready.ensure(Silent())
    ours = programs.find()
    assert ours.is_relative_to(tmp_path / "new") and ours != theirs
    for name in RECIPE.programs():
        assert (ours / name).read_bytes() == (theirs / name).read_bytes()
    assert image_find.usable_archive(ours).read_bytes() == packed


def test_a_program_that_is_several_is_packed_once(cache, tmp_path, monkeypatch):
    """As a build makes it; downloads, as above, are a file for each name."""
    entry, links = programs.find(), RECIPE.links()
    for name, file in links.items():
        (entry / name).unlink()
        (entry / file).write_bytes(tinyelf.program(f"{file} v1.2.3"))
        (entry / file).chmod(0o755)
        (entry / name).symlink_to(file)
    file = writer.write(tmp_path / "dist", Silent(), 0)
    with tarfile.open(file) as tar:
        packed = {name.removeprefix("bin/") for name in tar.getnames()}
    assert {*links.values()} <= packed and not packed & links.keys()
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "new"))
    monkeypatch.setenv("LAB_BUNDLE", str(file))
    assert ready.ensure(Silent())
    ours = programs.find()
    assert {name: os.readlink(ours / name) for name in links} == links
    for step in RECIPE.steps:
        assert check.step_problem(step, ours) is None


def test_a_runc_that_was_not_built_is_the_distributions(tmp_path, monkeypatch, request):
    monkeypatch.delenv("LAB_ASSETS", raising=False)
    names = [name for name in RECIPE.programs() if name != "runc"]
    monkeypatch.setattr(check, "system_has", lambda step: step.substitute)
    fill(tmp_path / "cache", monkeypatch, names)
    system = tmp_path / "runc"
    system.write_bytes(tinyelf.program("runc v9.9.9"))
    found = runc.Runc(str(system), seccomp=True, system=True)
    for name, runs in (("one", found), ("two", None)):
        monkeypatch.setattr(writer, "find_runc", lambda binaries, runs=runs: runs)
        file = writer.write(tmp_path / name, Silent(), 0)
        with tarfile.open(file) as tar:
            assert ("bin/runc" in tar.getnames()) == bool(runs)


def test_a_cache_that_lacks_something_is_refused(cache, tmp_path, monkeypatch):
    [made] = (cache / "images").glob("*.tar")
    made.rename(made.with_name(f"{made.stem.partition('-')[0]}-{'0' * 16}.tar"))
    said = "programs and the toolbox image of this checkout are not in the cache"
    with pytest.raises(errors.LabError, match=said):
        writer.write(tmp_path / "dist", Silent(), 0)
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path / "empty"))
    with pytest.raises(errors.LabError, match=said):
        writer.write(tmp_path / "dist", Silent(), 0)
    assert not (tmp_path / "dist").exists()


def test_a_disk_that_fills_up_leaves_the_archive_of_before(
    cache, tmp_path, monkeypatch
):
    file = writer.write(tmp_path / "dist", Silent(), 0)
    before = {path: path.read_bytes() for path in file.parent.iterdir()}

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(lzma, "open", full)
    with pytest.raises(OSError, match="No space"):
        writer.write(tmp_path / "dist", Silent(), 0)
    assert {path: path.read_bytes() for path in file.parent.iterdir()} == before


def test_curl_and_jq_of_the_image_use_no_library_of_this_system(tmp_path):
    binaries = programs.find()
    made = binaries and image_find.usable_archive(binaries)
    if not made:
        pytest.skip("no image yet. Run: make setup")
    entry = tmp_path / "entry"
    shell = entry / "shell"
    shell.mkdir(parents=True)
    for name, path in writer._shell(made, tmp_path).items():
        copy = entry / name.removeprefix("bin/")
        shutil.copy(path, copy)
        copy.chmod(0o755)
    for name in Shell.NAMES:
        assert name in output(entry / name, "--version")
        words = ("--library-path", shell, "--list", shell / name)
        lines = output(shell / "ld.so", *words).splitlines()
        used = [line.split(" => ")[1] for line in lines if " => " in line]
        assert used and all(path.startswith(str(shell)) for path in used)
    assert output(entry / "jq", "-nc", "[1, 2]") == "[1,2]\n"


def output(*command):
    done = subprocess.run(command, capture_output=True, text=True, timeout=20)
    assert done.returncode == 0, done.stderr
    return done.stdout
