"""A hostile pod: whatever it tries, it gets nothing of the host but what is meant."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from cluster.machine import layout
from cluster.tests.walls.cluster import SHARED, Cluster
from cluster.tests.walls.hostile import ROW_TIMEOUT, ROWS

#: mounts that a pod may write to: files of other pods, shared state, memory
MEANT = (
    "/",
    "/dev",
    "/dev/shm",
    "/run/containerd",
    layout.STATE,
    "/var/log/pods",
    "/var/lib/containerd",
    "/var/lib/kubelet",
)
#: settings of the host's kernel that attacks go for
SETTINGS = (
    "kernel/core_pattern",
    "kernel/modprobe",
    "kernel/sysrq",
    "kernel/panic",
    "kernel/panic_on_oops",
    "kernel/hostname",
    "vm/overcommit_memory",
)
#: a pod with a hostPath of `/` and no more; one with all that a pod can ask for; and
#: the same after it left its container: pod, and what is in WORLD
POSITIONS = {
    "plain": ("plain", {}),
    "privileged": ("privileged", {}),
    "in the node": ("privileged", {"node": True, "top": "/"}),
}


def attempts(lab: Cluster, timeout: int = ROW_TIMEOUT) -> dict[str, dict]:
    """Run everything from three places, `timeout` seconds a row; return the tables."""
    lab.run_pod("plain")
    node = {"hostPID": True, "hostIPC": True, "hostNetwork": True}
    lab.run_pod("privileged", privileged=True, **node)
    return {
        position: lab.attempts(pod, timeout=timeout, **more)
        for position, (pod, more) in POSITIONS.items()
    }


@pytest.fixture(scope="package")
def tables(lab):
    before = settings()
    found = attempts(lab)
    assert settings() == before
    return found


def settings() -> dict[str, str]:
    """Return what the host's kernel is set to."""
    found = map(Path("/proc/sys").joinpath, SETTINGS)
    return {str(path): path.read_text() for path in found if path.exists()}


@pytest.mark.parametrize("row", [row for row in ROWS if row != "writes"])
def test_it_gets_nothing(tables, row):
    """Each row has its words in cluster/tests/walls/hostile.py."""
    assert all(table[row]["tried"] for table in tables.values())
    got = {position: table[row]["got"] for position, table in tables.items()}
    assert got == {position: [] for position in POSITIONS}


def test_the_programs_that_it_tries_to_change_are_in_sight(lab, tables):
    """Or it would prove nothing that it cannot; one is of the image's store."""
    assert lab.layers()
    for path in lab.world["inside"]:
        lab.sh("plain", f"test -f '/host{path}'")


def test_the_system_calls_of_a_pod_are_filtered(lab, tables):
    mode = lab.sh("plain", "grep ^Seccomp: /proc/self/status").split()[1]
    assert mode == ("2" if lab.status()["seccomp"] else "0")


def test_the_node_has_no_device_of_the_hosts_and_no_way_out(lab, tables):
    """As a pod with hostNetwork sees it."""
    devices = lab.sh("privileged", "cat /proc/net/dev").splitlines()[2:]
    routes = lab.sh("privileged", "cat /proc/net/route").splitlines()[1:]
    inside = {line.partition(":")[0].strip() for line in devices}
    host = {name for _, name in socket.if_nameindex()} - {"lo"}
    assert "lo" in inside and not inside & host
    # None leads to everywhere, so none to the internet.
    assert routes and "00000000" not in {route.split()[1] for route in routes}


@pytest.mark.parametrize("position", POSITIONS)
def test_it_writes_where_it_may(tables, position):
    got = tables[position]["writes"]["got"]
    assert layout.ETC in got or layout.STATE in got
    below = tuple(f"{each}/" for each in MEANT if each != "/")
    assert [p for p in got if p not in MEANT and not p.startswith(below)] == []


def test_what_it_wrote_is_in_the_shared_directories_alone(lab, tables):
    """And it is nobody's who could do more on the host than an ordinary user."""
    # A package may not be written to: `programs that the host runs` has tried that.
    pruned = ("-path", "/usr", "-prune", "-o")
    # With the owner: the kubelet removes what lies among the logs of pods.
    what = ("-name", lab.mark, "-printf", r"%U %p\n")
    command = ["find", "/", "-xdev", *pruned, *what]
    found = subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout
    marks = dict(reversed(line.split(" ", 1)) for line in found.splitlines())
    assert marks
    where = {Path(path).relative_to(lab.state).parts[0] for path in marks}
    assert where <= {*SHARED} - {"pki"}
    assert "0" not in marks.values()
    lab.attempts("plain", rows=["clean"])


def test_code_in_the_machine_has_no_key_of_the_learners(lab, tables):
    """A pod may replace the runtime, which runs outside of all containers."""
    runtime = f"/host{layout.ETC}/runtime"
    python = os.path.realpath(sys.executable)
    script = f"""set -e
mv {runtime} {runtime}.own
cat >{runtime} <<'end' && chmod 755 {runtime}
#!/bin/sh
{python} -ISE -c 'import ctypes, os; libc = ctypes.CDLL(None)
number = 250 if os.uname().machine == "x86_64" else 219
print(libc.syscall(number, 10, -3, b"user", b"{lab.mark}", 0))' >/tmp/key-of-the-machine
exec {layout.ETC}/runtime.own "$@"
end"""
    lab.sh("plain", script)
    try:
        lab.run_pod("late")
        assert lab.sh("plain", "cat /host/tmp/key-of-the-machine") == "-1\n"
    finally:
        lab.sh("plain", f"mv {runtime}.own {runtime}")
