"""Directories are ours alone whatever the umask, and others' are not believed."""

import os
import shutil
import stat
import sys
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from cluster import errors, paths, permissions, programs, statedir
from cluster.image import find as image_find
from cluster.programs import check
from cluster.progress import Silent

#: an account of a classmate
OTHER = 65533
root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")


@pytest.fixture(autouse=True)
def home(tmp_path, monkeypatch):
    """A home with nothing in it, that the variables do not lead away from."""
    home = tmp_path / "home"
    home.mkdir(mode=0o755)
    monkeypatch.setenv("HOME", str(home))
    for name in ("LAB_STATE_DIR", "LAB_CACHE_DIR", "LAB_ASSETS"):
        monkeypatch.delenv(name, raising=False)
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    return home


@pytest.fixture
def umask(request):
    before = os.umask(request.param)
    yield
    os.umask(before)


def modes(directory):
    """Return the modes of all that is below it, and what others can do to them."""
    return {path: stat.S_IMODE(path.lstat().st_mode) for path in directory.rglob("*")}


def refused(look, *arguments):
    with pytest.raises(errors.StateError) as caught:
        look(*arguments)
    assert str(caught.value).count("\n") == 1
    return caught.value


# --- what we make ---


@pytest.mark.parametrize("umask", [0o000, 0o002, 0o077], indirect=True)
def test_all_directories_are_private_whatever_the_umask(umask, home):
    statedir.make(paths.state_dir())
    permissions.make_private(paths.cache_dir() / "build")
    made = modes(home)
    directories = {mode for path, mode in made.items() if path.is_dir()}
    assert directories == {0o700}
    assert {path.name for path in home.iterdir()} == {".local", ".cache"}


@pytest.mark.parametrize("umask", [0o000, 0o077], indirect=True)
def test_programs_and_images_can_be_read_and_not_written_by_others(umask, tmp_path):
    """By learners of a class, and by a machine that root has started."""
    made = tmp_path / "made"
    made.mkdir()
    (made / "kubectl").touch()
    programs._install(made, tmp_path / "bin" / "key")
    image = tmp_path / "images" / "one.tar"

    def make(work):
        (work / "archive").write_text("x")
        return work / "archive"

    image_find.build_once(image, make, Silent())
    found = modes(tmp_path / "bin") | modes(tmp_path / "images")
    assert found.pop(image.with_name("build.lock")) & 0o077 == 0
    assert set(found.values()) == {0o755, 0o644}
    assert image.parent.stat().st_mode & 0o777 == 0o755


# --- what is there ---


@pytest.mark.parametrize(
    ("look", "place", "variable"),
    [
        (paths.state_dir, ".local/state/kubernetes-api-notebooks", "LAB_STATE_DIR"),
        (paths.cache_dir, ".cache/kubernetes-api-notebooks", "LAB_CACHE_DIR"),
    ],
    ids=["state", "cache"],
)
def test_one_that_others_can_write_is_refused_and_each_above_it(
    home, look, place, variable
):
    directory = home / place
    permissions.make_private(directory)
    assert look() == directory
    for part in (directory, *directory.parents[: place.count("/")]):
        before = stat.S_IMODE(part.stat().st_mode)
        part.chmod(0o777)
        error = refused(look)
        assert error.path == part
        assert "every account can write" in error.message and variable in error.hint
        part.chmod(before)
        assert look() == directory


@root
@pytest.mark.parametrize("above", [0, 1], ids=["itself", "above"])
def test_one_of_another_account_is_refused(home, above):
    directory = home / ".cache" / "kubernetes-api-notebooks"
    permissions.make_private(directory)
    place = (directory, *directory.parents)[above]
    os.chown(place, OTHER, OTHER)
    error = refused(paths.cache_dir)
    assert error.path == place and f"belongs to uid {OTHER}" in error.message


@root
def test_a_state_directory_of_another_account_is_refused_though_it_is_named(
    tmp_path, monkeypatch
):
    """An account of the machine need only make it first, where anyone can."""
    os.chown(tmp_path, OTHER, OTHER)
    monkeypatch.setenv("LAB_STATE_DIR", str(tmp_path))
    error = refused(paths.state_dir)
    assert error.path == tmp_path and f"belongs to uid {OTHER}" in error.message


@root
def test_a_teachers_cache_is_used_where_it_is_named(tmp_path, monkeypatch):
    shared = tmp_path / "srv" / "lab-cache"
    shared.mkdir(mode=0o755, parents=True)
    os.chown(shared, OTHER, OTHER)
    monkeypatch.setenv("LAB_CACHE_DIR", str(shared))
    assert paths.cache_dir() == shared
    # The owner may write to it; its group may not.
    shared.chmod(0o775)
    error = refused(paths.cache_dir)
    assert error.path == shared and "its group can write" in error.message
    shared.chmod(0o755)
    # Where anybody could have made it, a name proves nothing.
    shared.parent.chmod(0o1777)
    assert refused(paths.cache_dir).path == shared.parent
    os.chown(shared, 0, 0)
    assert paths.cache_dir() == shared


def test_a_home_that_others_can_write_is_taken_as_it_is(home):
    """A home may be open, as on many a server; what we make in it is closed.

    Its owner may be another account: in a container job, root's home is the runner's.
    """
    home.chmod(0o777)
    if os.geteuid() == 0:
        os.chown(home, OTHER, OTHER)
    permissions.make_private(paths.state_dir())
    assert set(modes(home / ".local").values()) == {0o700}


def test_ready_programs_that_others_can_write_are_refused(tmp_path, monkeypatch):
    assets = tmp_path / "assets"
    assets.mkdir(mode=0o755)
    program = assets / "kubectl"
    shutil.copyfile(os.path.realpath(sys.executable), program)
    program.chmod(0o755)
    assert check.problem(program) is None
    program.chmod(0o757)
    assert check.problem(program) == "can be written by every account"
    monkeypatch.setenv("LAB_ASSETS", str(assets))
    with pytest.raises(errors.IncompleteAssets, match="kubectl can be written by"):
        programs.find()
    assets.chmod(0o777)
    assert refused(programs.find).path == assets


@pytest.mark.parametrize(
    ("members", "firsts", "private"),
    [
        ([], ["ann"], True),
        ([], [], False),
        (["bob"], ["ann"], False),
        ([], ["ann", "bob"], False),
        (["root"], ["ann"], True),
    ],
    ids=["hers", "unknown", "bob is in it", "bob's as well", "root"],
)
def test_a_group_of_ones_own_may_write(monkeypatch, members, firsts, private):
    uids = {"root": 0, "ann": os.geteuid() or 1000, "bob": 2000}
    accounts = [
        SimpleNamespace(pw_name=name, pw_uid=uid, pw_gid=7 if name in firsts else 1)
        for name, uid in uids.items()
    ]
    by_uid = {account.pw_uid: account for account in accounts}
    monkeypatch.setattr(permissions.os, "geteuid", lambda: uids["ann"])
    monkeypatch.setattr(permissions.pwd, "getpwall", lambda: accounts)
    monkeypatch.setattr(permissions.pwd, "getpwuid", by_uid.__getitem__)
    group = SimpleNamespace(gr_name="people", gr_mem=members)
    monkeypatch.setattr(permissions.grp, "getgrgid", lambda _: group)
    found = os.stat_result((0o40775, 0, 0, 1, uids["ann"], 7, 0, 0, 0, 0))
    assert permissions.other_writers(found) == ("" if private else "its group")


def test_the_file_system_of_a_path_is_known_by_its_name(monkeypatch):
    """No server is asked; the nearest mount counts, and the last of those there."""
    rows = (
        ("/", "ext4", "rw", "/dev/sdc"),
        ("/home", "xfs", "rw", "/dev/sdd"),
        ("/home", "nfs4", "rw", "server:/home"),
        ("/home/ann/x", "tmpfs", "rw", "tmpfs"),
        ("/mnt/c", "9p", r"rw,noatime,aname=drvfs;path=C:\;uid=1000", "C:\\"),
        ("/mnt/d", "virtiofs", "rw,noatime", "drvfsD0"),
        ("/mnt/shared", "9p", "rw,trans=virtio", "shared"),
        ("/mnt/other", "virtiofs", "rw", "other"),
    )
    names = ("mountpoint", "fstype", "opts", "device")
    parts = [SimpleNamespace(**dict(zip(names, row, strict=True))) for row in rows]
    monkeypatch.setattr(psutil, "disk_partitions", lambda all: parts)
    asked = ("/home/ann/lab", "/homes", "/mnt/c/Users/ann", "/mnt/d/lab")
    found = [permissions.file_system(Path(path)) for path in asked]
    assert found == ["nfs4", "ext4", "drvfs", "drvfs"]
    asked = ("/mnt/shared/a", "/mnt/other")
    found = [permissions.file_system(Path(path)) for path in asked]
    assert found == ["9p", "virtiofs"]
