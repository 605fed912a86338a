"""The making of a machine says what is missing, and goes on when run again."""

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from cluster.programs import golang
from cluster.progress import Silent
from cluster.tests.machines import (
    __main__ as making,
    arm64,
    install,
    kernel,
    root,
    suite,
)
from cluster.tests.machines.systems import NEWEST


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """Return the directory of all that is kept, where nothing is but the keys."""
    monkeypatch.setenv("LAB_CACHE_DIR", str(tmp_path))
    install.machines().mkdir()
    (install.machines() / Path(install.KEYRING).name).touch()
    return install.machines()


def test_without_the_archive_its_address_and_the_reason_are_one_line(cache):
    if reason := root.lacks():
        pytest.skip(reason)
    nowhere = "http://127.0.0.1:9/ubuntu"
    lost = dataclasses.replace(NEWEST, mirrors=(f"deb {nowhere} {NEWEST.suite} main",))
    with pytest.raises(AssertionError) as raised:
        install.install(lost, cache / "tree", "--variant=apt")
    address = f"{nowhere}/dists/{NEWEST.suite}/InRelease"
    said = f"{NEWEST} cannot be installed: {address}: [Errno 111] Connection refused"
    assert str(raised.value) == said


def test_too_little_disk_or_memory_is_said_before_anything_is_made(cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1.25e9))
    with pytest.raises(AssertionError) as raised:
        kernel.ensure(Silent())
    disk = f"4 GB of disk below {cache}, and 1.2 GB are free"
    assert str(raised.value) == f"Ubuntu's kernel needs {disk}"
    few = SimpleNamespace(available=2.25e9)
    monkeypatch.setattr(psutil, "virtual_memory", lambda: few)
    memory = "a machine needs 4 GB of memory, and 2.2 GB are available"
    assert making.main([]) == f"There is no machine here: {memory}."


def test_a_system_that_nobody_knows_is_told_those_that_are():
    known = (
        "ubuntu-24.04, ubuntu-26.04, debian-13-selinux, debian-13-services, "
        "debian-13-arm64"
    )
    assert making.main(["ubuntu-1"]) == f"unknown: ubuntu-1. Known: {known}."


def test_a_program_that_does_not_end_is_named_with_its_patience(monkeypatch):
    monkeypatch.setattr(install, "PROGRAM", 1.0)
    monkeypatch.setattr(install, "scaled", lambda seconds: seconds)
    with pytest.raises(AssertionError) as raised:
        install.run("sleep", "60")
    assert str(raised.value) == "sleep was not done after 1 s"


def test_an_interrupted_compilation_goes_on_with_what_is_there(cache, monkeypatch):
    """A half-made kernel is not taken for a whole one, and older kernels go."""
    installed, entered = [], []

    def installing(system, tree, *_):
        installed.append(system)
        tree.mkdir()

    def enter(tools, line, *_):
        entered.append(line)
        if line.startswith("make") and len(entered) < 4:
            (tools / "compiled").touch()
            raise KeyboardInterrupt
        if line == kernel.TAKE:
            (tools / "made").mkdir()
            (tools / "made/version").write_text("7.0.0-1\n")

    monkeypatch.setattr(kernel, "install", installing)
    monkeypatch.setattr(kernel, "_enter", enter)
    monkeypatch.setattr(kernel, "SIZE", 0)
    monkeypatch.setattr(making, "lacks", lambda: "")
    monkeypatch.setitem(making.MACHINES, NEWEST.name, (lambda: "", kernel.ensure))
    (cache / "kernel/older").mkdir(parents=True)
    assert making.main([NEWEST.name]) == 130
    [left] = [path for path in (cache / "kernel").iterdir() if path.is_dir()]
    assert left.suffix == ".part" and (left / "tools/compiled").exists()
    assert making.main([NEWEST.name]) == 0
    assert installed == [NEWEST]
    [made] = [path for path in (cache / "kernel").iterdir() if path.is_dir()]
    assert (made.name, [*made.iterdir()]) == (kernel.key(), [made / "version"])


def test_an_interrupted_build_of_the_suite_goes_on_with_what_is_there(
    cache, monkeypatch
):
    """Half of a suite is not taken for a whole one, and older suites go."""
    built = []

    def build(*command, cwd, **_):
        if "-o" in command:
            built.append(command[command.index("-o") + 1])
            Path(cwd, built[-1]).touch()
            if len(built) == 2:
                raise KeyboardInterrupt
        return f"{cache}/module\n"

    image = cache / "module/test/images/kitten"
    image.mkdir(parents=True)
    (image / "kitten.jpg").touch()
    monkeypatch.setattr(suite, "DATA_FILES", ("kitten/kitten.jpg",))
    go = SimpleNamespace(path="go", module_cache=cache / "modules")
    monkeypatch.setattr(golang, "find", lambda: go)
    monkeypatch.setattr(suite, "run", build)
    monkeypatch.setattr(suite, "ROOM", 0)
    suites = cache / "conformance"
    (suites / "older").mkdir(parents=True)
    with pytest.raises(KeyboardInterrupt):
        suite.ensure()
    [left] = [path for path in suites.iterdir() if path.is_dir()]
    assert left.suffix == ".part" and (left / built[0]).exists()
    # Nothing new is needed of a disk that has most of it.
    monkeypatch.setattr(suite, "ROOM", 1e18)
    made = suite.ensure()
    programs = {"e2e.test", *suite.PROGRAMS}
    assert {path.name for path in made.iterdir()} == programs | {suite.DATA}
    assert (made / suite.DATA / "kitten/kitten.jpg").exists()
    assert len(built) == 2 + len(programs)
    left.mkdir()
    assert suite.ensure() == made
    assert [path for path in suites.iterdir() if path.is_dir()] == [made]
    assert len(built) == 2 + len(programs)


def test_a_machine_of_arm64_without_qemu_names_its_package(tmp_path, monkeypatch):
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(making, "lacks", lambda: "")
    monkeypatch.setattr(root, "SYSTEM_PATH", str(tmp_path))
    for name in arm64.PROGRAMS.keys() - {"qemu-system-aarch64"}:
        (tmp_path / name).touch(0o755)
    said = "There is no machine here: qemu-system-arm is not installed."
    assert making.main([arm64.NAME]) == said


def test_programs_of_arm64_need_room_before_one_is_built(cache, monkeypatch):
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1.25e9))
    with pytest.raises(AssertionError) as raised:
        arm64.ensure(Silent())
    disk = f"10 GB of disk below {cache}, and 1.2 GB are free"
    assert str(raised.value) == f"a build of arm64's programs needs {disk}"


def test_what_a_kernel_begins_with_is_an_archive_that_cpio_reads(tmp_path):
    """An odd length, none, and a directory; a later change of the form shows."""
    if not shutil.which("cpio"):
        pytest.skip("cpio is not installed")
    files = {
        "dev": (0o40755, b""),
        "init": (0o100755, b"#!/x\n"),
        "no": (0o100644, b""),
    }
    command = ["cpio", "--extract", "--quiet"]
    done = subprocess.run(
        command, input=arm64.cpio(files), cwd=tmp_path, capture_output=True, check=True
    )
    assert done.stderr == b""
    assert {path.name for path in tmp_path.iterdir()} == {*files}
    assert (tmp_path / "init").read_bytes() == b"#!/x\n"
    assert (tmp_path / "init").stat().st_mode == 0o100755
    assert (tmp_path / "dev").is_dir()
