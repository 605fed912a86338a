"""A profile of AppArmor gives one program, a copy of Python, what others lack."""

import os
import re
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


@pytest.fixture
def account(monkeypatch):
    """Return what makes this process seem an account that may write or not."""
    monkeypatch.setattr(sys, "executable", "/home/ann/my lab/.venv/bin/python")

    def account(uid, writes):
        monkeypatch.setattr(os, "geteuid", lambda: uid)
        monkeypatch.setattr(os, "access", lambda path, mode: writes)

    return account


def test_the_command_is_one_line_to_paste(account):
    """The first word is the program that prints the profile, spaces and all."""
    account(1000, writes=True)
    words = shlex.split(apparmor.command())
    file = "/etc/apparmor.d/kubernetes-api-notebooks"
    ours = ["/home/ann/my lab/.venv/bin/python", "-m", "helpers", "apparmor"]
    load = ["sudo", "apparmor_parser", "-r", file]
    assert words == [*ours, "|", "sudo", "tee", file, "&&", *load]


def test_of_an_environment_of_roots_the_command_is_roots(account):
    """An ordinary account cannot make the copy there; and `sudo` is not root's."""
    own = ["/home/ann/my lab/.venv/bin/kapi", "apparmor", "--write"]
    account(1000, writes=False)
    assert shlex.split(apparmor.command()) == ["sudo", *own]
    account(0, writes=True)
    assert shlex.split(apparmor.command()) == own


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


@pytest.fixture
def closed(copy, monkeypatch):
    """Return where the copy would be, in a directory that this account cannot write."""

    def refuse(*_, **__):
        raise PermissionError(13, "Permission denied", str(copy.parent))

    monkeypatch.setattr(apparmor.tempfile, "TemporaryDirectory", refuse)
    monkeypatch.setattr(os, "access", lambda path, mode: path != copy.parent)
    return copy


def test_a_copy_that_only_root_can_make_is_told_and_not_the_kernels_words_alone(
    closed, monkeypatch, tmp_path
):
    setting = tmp_path / "apparmor_restrict_unprivileged_userns"
    setting.write_text("1\n")
    monkeypatch.setattr(trial, "_SETTINGS", ((str(setting), "1", "0"),))
    kapi = f"sudo {apparmor._kapi()} apparmor --write"
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    for content, problem in (
        (
            None,
            f"{closed}, the copy of Python that AppArmor's profile is for, is missi",
        ),
        (
            b"an older one",
            f"{closed} is older than {os.path.realpath(sys.executable)}: ",
        ),
    ):
        if content:
            closed.write_bytes(content)
        assert apparmor.interpreter() == sys.executable
        hint = trial.hint_of("making namespaces")
        assert hint.startswith(problem)
        assert hint.endswith(f" An administrator makes it: `{kapi}`.")
    closed.write_bytes(Path(sys.executable).read_bytes())
    assert apparmor.interpreter() == str(closed)
    assert apparmor.copy_problem() == ""
    assert "alone: `sudo " in trial.hint_of("making namespaces")


@pytest.fixture
def root(copy, tmp_path, monkeypatch):
    """Return a function that sets what a parser answers, for root of a Ubuntu."""
    setting = tmp_path / "setting"
    setting.write_text("1\n")
    monkeypatch.setattr(apparmor, "SETTING", setting)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    parser = tmp_path / "apparmor_parser"
    monkeypatch.setattr(apparmor, "_parser", lambda: str(parser))
    apparmor.FILE.unlink()

    def answer(script):
        parser.write_text(f"#!/bin/sh\n{script}\n")
        parser.chmod(0o755)

    return answer


def test_root_loads_the_profile_and_makes_the_copy(root, copy, tmp_path):
    root(f'[ "$*" = --replace ] && cat >{tmp_path}/loaded')
    assert apparmor.task() == "no profile of AppArmor allows it"
    apparmor.load()
    assert apparmor.FILE.read_text() == apparmor.profile(copy)
    assert apparmor.FILE.read_text() == (tmp_path / "loaded").read_text()
    assert apparmor.FILE.stat().st_mode & 0o777 == 0o644
    assert copy.read_bytes() == Path(sys.executable).read_bytes()
    assert apparmor.task() == ""
    # A profile of another environment allows nothing here.
    apparmor.FILE.write_text('profile x "/opt/other/bin/python-for-namespaces" {}')
    assert apparmor.task() == "no profile of AppArmor allows it"


def test_a_profile_that_cannot_be_loaded_is_not_kept(root, copy):
    root("echo 'syntax error, unexpected TOK_USERNS' >&2; exit 1")
    with pytest.raises(
        LabError, match="not loaded: syntax error.*\nUser .* AppArmor 4"
    ):
        apparmor.load()
    assert not apparmor.FILE.exists()


def test_only_root_of_a_machine_that_restricts_others_has_something_to_do(
    root, monkeypatch
):
    assert apparmor.task()
    apparmor.SETTING.write_text("0\n")
    assert apparmor.task() == ""
    apparmor.SETTING.write_text("1\n")
    # A container of a Ubuntu: its parser is the host's.
    monkeypatch.setattr(apparmor, "_parser", lambda: None)
    assert apparmor.task() == ""
    with pytest.raises(LabError, match="apparmor_parser is not installed"):
        apparmor.load()
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert apparmor.task() == ""
    with pytest.raises(LabError, match="Only root can load"):
        apparmor.load()


def test_the_line_for_apt_makes_the_copy_anew_after_an_update_and_never_the_first(
    copy, tmp_path, monkeypatch
):
    python = tmp_path / "a python"
    python.write_text("new")
    monkeypatch.setattr(sys, "executable", str(python))
    [line] = re.findall(r'^DPkg::Post-Invoke \{"(.*)";\};$', apparmor.hook())
    subprocess.run(["sh", "-euc", line], check=True)
    assert not copy.exists()
    copy.write_text("old")
    before = copy.stat().st_ino
    # A cluster may be running it, and its number is no new file's.
    with copy.open():
        subprocess.run(["sh", "-euc", line], check=True)
    assert copy.read_text() == "new" and copy.stat().st_mode & 0o777 == 0o755
    after = copy.stat().st_ino
    subprocess.run(["sh", "-euc", line], check=True)
    assert before != after == copy.stat().st_ino


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become another user")
def test_an_account_that_cannot_read_the_environment_is_told_so(tmp_path, monkeypatch):
    """A start is tried as that account, as root checks it for a class."""
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    command = [str(closed / "python"), "-c", ""]
    monkeypatch.setattr(trial, "python_command", lambda *_: command)
    result = trial.attempt_as("nobody")
    assert result.reason == f"{closed}/python: Permission denied"
    assert result.problem


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
