"""What the descriptions of a node in user-mode Linux mean; nothing is started."""

import json
import shlex
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from cluster.controlplane import components as controlplane
from cluster.controlplane.components import Ports
from cluster.machine import layout as at
from cluster.machine.components import Facts
from cluster.processes import PACKAGES
from cluster.usermode import components, guest, kernel, layout
from cluster.usermode.kernel import Kernel
from tests import doctable

FACTS = Facts("/usr/bin/python3", "/usr/sbin/runc", True, "overlayfs", False)
KERNEL = Kernel(
    *("/usr/bin/linux.uml", "/usr/bin/slirp4netns", "/usr/sbin/mkfs.ext4"),
    "/usr/bin/mksquashfs",
)
STATE = '/home/a, "b"/state'
PORTS = Ports(6001, 6002, 6003, 6004, 6005)


def inside(**changes):
    return {part.name: part for part in components.describe(FACTS, 6443, **changes)}


def launcher(kernel=KERNEL):
    return components.launcher(kernel, "/usr/bin/python3", STATE, 6005)


def control_plane(*, node):
    parts = controlplane.describe(PORTS, "/bin", bootstrapped=False, node=node)
    return {part.name: part for part in parts}


def test_every_component_inside_has_a_name_in_the_list_of_logs():
    assert tuple(inside()) == components.INSIDE


def test_nothing_inside_waits_for_what_is_on_the_host():
    for part in inside().values():
        assert {*part.needs, *part.stop_after} <= set(inside())
    assert inside()["kubelet"].needs == ("containerd",)


def test_the_start_of_the_control_plane_does_not_wait_for_the_node():
    assert launcher().background
    assert not any(part.background for part in control_plane(node=True).values())
    assert set(launcher().needs) <= set(control_plane(node=True))


def test_no_path_of_the_learner_is_cut_by_the_kernels_command_line():
    argv = launcher().argv
    line = " ".join(argv[argv.index(KERNEL.linux) :])
    words = shlex.split(line)
    assert STATE not in line
    assert bytes.fromhex(words[-1]).decode() == f"{STATE}/{layout.PLAN}"
    # What the kernel hands on to its PID 1 is a program and no more words than that.
    program = words[words.index("-c") + 1]
    compile(program, "PID 1", "exec")
    assert '"' not in program


@pytest.mark.parametrize(("knows", "words"), [(True, ["seccomp=auto"]), (False, [])])
def test_only_a_kernel_that_knows_seccomp_is_told_of_it(knows, words):
    argv = launcher(replace(KERNEL, seccomp=knows)).argv
    assert [word for word in argv if word.startswith("seccomp")] == words


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
    """It would panic at the first process: `ptrace set fp regs failed`."""
    programs(seccomp=False, flags="amx_bf16 amx_tile")
    found, why = kernel.find()
    assert found is None
    assert "6.13" in why and "AMX" in why


@pytest.mark.parametrize(
    ("missing", "said"),
    [
        (["mksquashfs"], "squashfs-tools is not installed"),
        (["mkfs.ext4", "mksquashfs"], "e2fsprogs and squashfs-tools are not installed"),
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


def test_the_way_to_pods_is_there_with_a_node_and_only_then():
    with_node, without = (
        control_plane(node=node)["kube-apiserver"] for node in (True, False)
    )
    option = f"--egress-selector-config-file={controlplane.STATE}/{layout.EGRESS}"
    assert option in with_node.argv and option not in without.argv
    file = f"{controlplane.STATE}/{layout.EGRESS}"
    written = with_node.files[file]
    [selected] = json.loads(written)["egressSelections"]
    socket = selected["connection"]["transport"]["uds"]["udsName"]
    assert selected["name"] == "cluster"
    assert socket == f"{controlplane.STATE}/{layout.WAY}"
    assert file not in without.files


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
    assert list(guest.in_order(lines, names)) == expected


# The table at the top of the module, row by row, as facts of the descriptions.
TABLE = {
    "control plane": lambda: (
        not {"etcd", "kube-apiserver"} & set(inside())
        and inside()["relay"].argv[-3:] == (layout.HOST_IP, "6443", "443")
    ),
    "API server to pods": lambda: (
        "HTTPConnect" in components.egress_config("/socket")
        and inside()["tunnel"].argv[-2:] == (layout.GUEST_IP, "8132")
    ),
    "kube-proxy": lambda: "kube-proxy" not in inside(),
    "registry": lambda: "registry" not in inside(),
    "disk": lambda: (
        {f"ubd0={layout.WRITTEN}", f"ubd1r={layout.DISK}"} < set(launcher().argv)
    ),
}


def test_every_row_of_the_table_is_checked():
    assert doctable.rows(components) == list(TABLE)


@pytest.mark.parametrize("row", TABLE)
def test_the_table_is_true(row):
    assert TABLE[row]()


def test_the_node_is_where_its_certificate_says():
    assert f"--node-ip={at.NODE_IP}" in inside()["kubelet"].argv


def test_pid_1_of_the_node_needs_the_standard_library_alone():
    """Its Python is the one below our environment, and has none of its packages."""
    program = (
        "import sys; sys.path.insert(0, sys.argv[1]); import cluster.usermode.guest"
    )
    python = str(Path(sys.executable).resolve())
    done = subprocess.run(
        [python, "-I", "-S", "-c", program, PACKAGES], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
