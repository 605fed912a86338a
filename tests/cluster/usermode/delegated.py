"""Be PID 1 of a kernel without systemd, as containers are, and try our cgroups there.

Each case is a machine's way: a process in some cgroup makes one for the machine, and a
child of it moves there, leaves for namespaces and divides it as the kubelet wants it.
Then a "pod" takes more memory than it may.
"""

import ctypes
import json
import os
import subprocess
import sys
import traceback
from pathlib import Path

from cluster import syscalls as sc
from cluster.machine import cgroups
from tests import unprivileged

_PR_SET_DUMPABLE = 4
USER, GROUP = 1000, 100
MACHINE = "/mnt/root"
#: what an account was given, with the controllers on, and where its process is
GIVEN = cgroups.MOUNT / "given"
INSIDE = GIVEN / "inside"
FOREIGN = cgroups.MOUNT / "foreign"
#: which account in which cgroup
CASES = {
    "user": (USER, INSIDE),
    "elsewhere": (USER, FOREIGN),
    "root": (0, INSIDE),
    "alone": (0, cgroups.MOUNT),
}


def main(file: str) -> None:
    for kind, place in (("proc", "/proc"), ("sysfs", "/sys"), ("tmpfs", "/mnt")):
        sc.mount(kind, place, kind)
    sc.mount("cgroup2", str(cgroups.MOUNT), "cgroup2", 0, "nsdelegate")
    os.makedirs(f"{MACHINE}{cgroups.MOUNT}")
    os.mkdir(f"{MACHINE}/mnt")
    os.chmod("/mnt", 0o1777)
    # The host's systemd is not of this kernel.
    sc.mount("tmpfs", "/run", "tmpfs")
    _give()
    answers = {
        name: {**_in_child(lambda case=case: _case(*case)), "trial": _trial(*case)}
        for name, case in CASES.items()
    }
    Path(file).write_text(json.dumps(answers))
    sc.power_off()


def _give() -> None:
    for each in (GIVEN, INSIDE, FOREIGN):
        each.mkdir()
    for each in (cgroups.MOUNT, GIVEN):
        (each / "cgroup.subtree_control").write_text("+cpu +memory +pids")
    for each in (GIVEN, INSIDE):
        for name in ("", "cgroup.procs", "cgroup.subtree_control", "cgroup.threads"):
            os.chown(each / name, USER, GROUP)


def _in_child(act) -> dict:
    """Return what `act` returns in a process of its own, or why it does not."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            answer = act()
        except Exception:
            answer = {"error": traceback.format_exc()}
        os.write(write, json.dumps(answer).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return json.loads(said)


def _case(uid: int, here: Path) -> dict:
    _move_to(here)
    _become(uid)
    state = Path(f"/mnt/{uid}-{os.getpid()}")
    state.mkdir()
    # Root's machine runs as another.
    cgroup, why = cgroups.make(state, USER)
    if cgroup is None:
        return {"made": None, "why": why, "left": os.listdir(state)}
    [note] = state.iterdir()
    made = Path(note.read_text())
    inside = _in_child(lambda: _machine(cgroup))
    cgroups.remove(state)
    left = [str(made)] if made.exists() else []
    return {"made": str(made.parent), **inside, "left": left + os.listdir(state)}


def _trial(uid: int, here: Path) -> list[str]:
    """Return what the doctor finds out of limits, and which cgroups it leaves."""
    home = Path(f"/mnt/home-{uid}")
    program = "from cluster.local import trial; print(trial.attempt_here().limits)"
    command = [sys.executable, "-c", program]
    if uid:
        as_user = [sys.executable, unprivileged.__file__, f"--home={home}", "--"]
        command = [*as_user, *command]
    else:
        home.mkdir(exist_ok=True)
    done = subprocess.run(
        command,
        cwd=unprivileged.ROOT,
        env={"PATH": os.defpath, "HOME": str(home)},
        preexec_fn=lambda: _move_to(here),
        capture_output=True,
        text=True,
    )
    left = cgroups.MOUNT.rglob("kubernetes-lab-*")
    return [(done.stdout + done.stderr).strip(), *map(str, left)]


def _become(uid: int) -> None:
    # Groups are numbered on their own.
    os.setresgid(uid and GROUP, uid and GROUP, uid and GROUP)
    os.setresuid(uid, uid, uid)
    # Else /proc shows it as root's, and it may not write its own map.
    ctypes.CDLL(None).prctl(_PR_SET_DUMPABLE, 1)


def _machine(cgroup: int) -> dict:
    _become(USER)
    sc.unshare(sc.CLONE_NEWUSER | sc.CLONE_NEWNS)
    Path("/proc/self/uid_map").write_text(f"0 {USER} 1")
    os.chdir(MACHINE)
    root = Path(f"{MACHINE}{cgroups.MOUNT}")
    # As it is shown to those who have none of their own.
    sc.mount(str(cgroups.MOUNT), str(root), "", sc.MS_BIND)
    cgroups.enter(cgroup)
    divided = cgroups.divide(root)
    kubepods = root / "kubepods"
    kubepods.mkdir()
    (kubepods / "memory.max").write_text(str(16 << 20))
    return {
        "divided": divided,
        "ours": Path("/proc/self/cgroup").read_text().strip(),
        "hungry": _hungry(kubepods),
    }


def _move_to(cgroup: Path) -> None:
    (cgroup / "cgroup.procs").write_text("0")


def _hungry(pod: Path) -> int:
    child = os.fork()
    if child == 0:
        _move_to(pod)
        bytearray(64 << 20)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
