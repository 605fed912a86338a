"""A profile of AppArmor gives one program, a copy of Python, what others lack."""

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.errors import LabError
from cluster.local import trial
from cluster.machine import apparmor
from cluster.processes import python_command


def test_the_profile_is_for_one_program_and_has_one_rule():
    text = apparmor.profile(Path("/home/ann/my lab, (1) ü'x/.venv/bin/p"))
    head, _, body = text.partition("profile ")
    assert "abi <abi/4.0>,\ninclude <tunables/global>\n" in head
    assert body.splitlines() == [
        'kubernetes-api-notebooks "/home/ann/my lab, (1) ü\'x/.venv/bin/p" '
        "flags=(unconfined) {",
        "  userns,",
        "",
        "  include if exists <local/kubernetes-api-notebooks>",
        "}",
    ]


@pytest.mark.parametrize("name", ['a"b', "a*", "[a]", "{a,b}", "a?", "a\\b", "a\nb"])
def test_a_path_that_is_a_pattern_is_refused(name):
    """The profile would be attached to other programs, or to none."""
    with pytest.raises(LabError, match="Move the checkout"):
        apparmor.profile(Path("/home", name, "p"))


def test_the_command_is_one_line_to_paste(monkeypatch):
    """The first word is the program that prints the profile, spaces and all."""
    monkeypatch.setattr(sys, "executable", "/home/ann/my lab/.venv/bin/python")
    words = shlex.split(apparmor.command())
    file = "/etc/apparmor.d/kubernetes-api-notebooks"
    ours = ["/home/ann/my lab/.venv/bin/python", "-m", "helpers", "apparmor"]
    load = ["sudo", "apparmor_parser", "-r", file]
    assert words == [*ours, "|", "sudo", "tee", file, "&&", *load]


@pytest.fixture
def copy(tmp_path, monkeypatch):
    """Return where the copy will be, as if there was a profile for it."""
    profile = tmp_path / "profile"
    profile.touch()
    monkeypatch.setattr(apparmor, "FILE", profile)
    monkeypatch.setattr(apparmor, "program", lambda: tmp_path / "bin" / "copy")
    (tmp_path / "bin").mkdir()
    return apparmor.program()


def test_without_a_profile_or_a_place_for_it_no_copy_is_made(copy, monkeypatch):
    monkeypatch.setattr(apparmor, "program", lambda: Path("/proc/copy"))
    assert apparmor.interpreter() == sys.executable
    apparmor.FILE.unlink()
    monkeypatch.setattr(apparmor, "program", lambda: copy)
    assert apparmor.interpreter() == sys.executable
    assert not copy.exists()


def test_the_copy_runs_with_our_packages(copy):
    """AppArmor sees a program of its own, Python sees the virtual environment."""

    def ask(function, *words):
        command = python_command(function, *words)
        program = apparmor.interpreter()
        return subprocess.run(command, executable=program, capture_output=True).stderr

    assert ask("os.readlink", "/proc/self/exe").decode().strip() == str(copy)
    assert not copy.is_symlink()
    assert trial.attempt(copy.parent).step == ""
    assert os.listdir(copy.parent) == [copy.name]


def test_the_copy_is_made_anew_when_python_was_updated(copy):
    assert apparmor.interpreter() == str(copy)
    first = copy.stat().st_ino
    assert apparmor.interpreter() == str(copy) and copy.stat().st_ino == first
    copy.write_bytes(b"an older one")
    assert apparmor.interpreter() == str(copy)
    assert copy.read_bytes() == Path(sys.executable).read_bytes()


def test_selinux_is_named_where_it_enforces(tmp_path, monkeypatch):
    file = tmp_path / "selinux" / "enforce"
    file.parent.mkdir()
    file.write_text("1")
    monkeypatch.setattr(trial, "_SETTINGS", ((str(file), "1", ""),))
    assert "SELinux " in trial.hint_of("making namespaces")


def test_an_account_that_selinux_confines_is_told_how_that_ends(tmp_path):
    label = tmp_path / "current"
    assert "SELinux is enforcing here" in trial._selinux(label)
    for other in ("unconfined_u:unconfined_r:unconfined_t", "system_u:system_r:hub_t"):
        label.write_text(f"{other}:s0-s0:c0.c1023\0")
        assert "SELinux is enforcing here" in trial._selinux(label)
    label.write_text("user_u:user_r:user_t:s0\0")
    told = trial._selinux(label)
    assert "SELinux confines this account, which is user_t." in told
    assert "`sudo semanage login -a -s unconfined_u $USER`" in told
