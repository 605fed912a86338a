"""Programs and modules of a node in user-mode Linux."""

import platform
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from cluster import packages
from cluster.processes import PACKAGES
from cluster.usermode import components, guest, kernel
from cluster.usermode.kernel import Kernel

KERNEL = Kernel(
    "/usr/bin/linux.uml",
    "/usr/bin/slirp4netns",
    "/usr/sbin/mkfs.ext4",
    "/usr/bin/mksquashfs",
)
STATE = '/home/a, "b"/state'


def test_no_path_of_the_learner_is_cut_by_the_kernels_command_line():
    argv = components.launcher(KERNEL, "/usr/bin/python3", STATE, 6005).argv
    line = " ".join(argv[argv.index(KERNEL.linux) :])
    words = shlex.split(line)
    assert STATE not in line
    assert bytes.fromhex(words[-1]).decode() == f"{STATE}/{components.PLAN}"
    # The kernel hands a program on to its PID 1, and no more words than that.
    program = words[words.index("-c") + 1]
    compile(program, "PID 1", "exec")
    assert '"' not in program


@pytest.fixture
def programs(tmp_path, monkeypatch):
    """Return a function that makes those that a node needs, and the processor."""

    def make(*, seccomp: bool, flags: str) -> None:
        lines = {
            "linux.uml": "mem=<size>" + "\\nseccomp=<on/auto/off>" * seccomp,
            "slirp4netns": "bess",
            "mkfs.ext4": "",
            "mksquashfs": "",
        }
        for name, line in lines.items():
            (tmp_path / name).write_text(f"#!/bin/sh\nprintf '{line}\\n'\n")
            (tmp_path / name).chmod(0o755)
        (tmp_path / "1").mkdir()
        (tmp_path / "1" / "modules.dep").touch()
        (tmp_path / "cpuinfo").write_text(f"flags\t\t: fpu {flags} sse\n")

    monkeypatch.delenv(kernel.VARIABLE, raising=False)
    monkeypatch.setattr(kernel, "SYSTEM_PATH", str(tmp_path))
    monkeypatch.setattr(kernel, "MODULES", str(tmp_path))
    monkeypatch.setattr(platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(packages, "has_package", lambda name: True)
    monkeypatch.setattr(kernel, "CPUINFO", str(tmp_path / "cpuinfo"))
    return make


@pytest.mark.parametrize(
    ("knows", "flags"), [(True, "avx512f"), (False, "avx512f"), (True, "amx_tile")]
)
def test_a_kernel_says_by_its_help_whether_it_knows_seccomp(programs, knows, flags):
    programs(seccomp=knows, flags=flags)
    found, why = kernel.find()
    assert why == "" and found
    assert found.seccomp is knows


def test_a_kernel_too_old_for_the_processor_is_none(programs):
    """Such a kernel panics at the first process: `ptrace set fp regs failed`."""
    programs(seccomp=False, flags="amx_bf16 amx_tile")
    found, why = kernel.find()
    assert found is None
    assert "6.13" in why and "AMX" in why


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["mksquashfs"], "squashfs-tools is not installed"),
        (
            ["linux.uml", "slirp4netns", "mkfs.ext4"],
            "user-mode-linux, slirp4netns and e2fsprogs are not installed",
        ),
    ],
)
def test_all_packages_that_are_missing_are_named(programs, tmp_path, missing, said):
    programs(seccomp=True, flags="avx512f")
    for name in missing:
        (tmp_path / name).unlink()
    assert kernel.find() == (None, said)


def test_what_cannot_be_installed_is_not_called_missing(
    programs, tmp_path, monkeypatch
):
    """On Ubuntu and Fedora, and on a machine that is no x86."""
    programs(seccomp=True, flags="avx512f")
    (tmp_path / "linux.uml").unlink()
    (tmp_path / "slirp4netns").unlink()
    monkeypatch.setattr(packages, "has_package", lambda name: name != "user-mode-linux")
    assert kernel.find() == (None, "only Debian has a package user-mode-linux")
    monkeypatch.setattr(platform, "machine", lambda: "aarch64")
    said = "user-mode-linux is for x86-64, and this is aarch64"
    assert kernel.find() == (None, said)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("bridge",), ["llc.ko", "stp.ko", "net/bridge.ko"]),
        (("veth", "bridge"), ["veth.ko", "llc.ko", "stp.ko", "net/bridge.ko"]),
        (("bridge", "stp"), ["llc.ko", "stp.ko", "net/bridge.ko"]),
        (("built-in",), []),
    ],
)
def test_modules_come_after_what_they_need_and_once(names, expected):
    lines = [
        "net/bridge.ko: stp.ko llc.ko",
        "stp.ko: llc.ko",
        "llc.ko:",
        "veth.ko:",
    ]
    assert list(guest.load_order(lines, names)) == expected


def test_pid_1_of_the_node_needs_the_standard_library_alone():
    """The node's Python is the base of our environment, without its packages."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import cluster.usermode.guest"
    )
    python = str(Path(sys.executable).resolve())
    done = subprocess.run(
        [python, "-I", "-S", "-c", program, PACKAGES], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
