"""The making of Ubuntu's machines says what is missing, and goes on when run again."""

import dataclasses
import shutil
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from cluster.progress import Silent
from cluster.tests.machines import __main__ as making, install, kernel, root
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
    known = "ubuntu-24.04, ubuntu-26.04"
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
    monkeypatch.setattr(making, "lacks", lambda: "")
    monkeypatch.setattr(root, "ensure", lambda _, progress: kernel.ensure(progress))
    (cache / "kernel/older").mkdir(parents=True)
    assert making.main([]) == 130
    [left] = [path for path in (cache / "kernel").iterdir() if path.is_dir()]
    assert left.suffix == ".part" and (left / "tools/compiled").exists()
    assert making.main([]) == 0
    assert installed == [NEWEST]
    [made] = [path for path in (cache / "kernel").iterdir() if path.is_dir()]
    assert (made.name, [*made.iterdir()]) == (kernel.key(), [made / "version"])
