"""Make the namespaces of the machine and start its PID 1: the outer process.

The only place that calls `unshare`. The outer process stays on the host as PID 1's
parent; it holds the lock that says "running", so the lock is gone exactly when both
are, and no pid has to be believed. When it is killed, the kernel kills PID 1.
"""

import dataclasses
import fcntl
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from helpers.local import idmap, init, rootfs
from helpers.local import syscalls as sc

#: Everything but the mount namespace, which PID 1 makes: the outer process goes on
#: seeing the host's files.
NAMESPACES = (
    sc.CLONE_NEWPID
    | sc.CLONE_NEWNET
    | sc.CLONE_NEWIPC
    | sc.CLONE_NEWUTS
    | sc.CLONE_NEWCGROUP
)


def main(plan_file: str, report: int) -> int:
    """Start the machine that `plan_file` describes and wait for its end.

    A step that the kernel refuses is written to the descriptor `report` as JSON;
    the descriptor is closed without a word when the machine runs.
    """
    plan = init.Plan(**json.loads(Path(plan_file).read_text()))
    lock = os.open(Path(plan.state, "machine.lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return _refused(report, rootfs.StepRefused("locking the state", "running"))
    try:
        enter()
    except rootfs.StepRefused as refusal:
        return _refused(report, refusal)
    child = os.fork()
    if child == 0:
        os._exit(_pid_1(plan, report))
    os.close(report)
    os.close(plan.listener)
    write_state(Path(plan.state), child)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: os.kill(child, number))
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def enter(ids: idmap.Map | None = None) -> None:
    """Move this process into new namespaces, as uid 0 of them; raise StepRefused."""
    ids = ids or idmap.decide(idmap.read_facts())
    try:
        _new_user_namespace(ids)
    except rootfs.StepRefused:
        # Root needs no user namespace; without one the machine works as well.
        if ids.how != "direct":
            raise
    with rootfs.step("making namespaces"):
        sc.unshare(NAMESPACES)


def _new_user_namespace(ids: idmap.Map) -> None:
    """Unshare, and let a helper that stayed outside write the map."""
    target = os.getpid()
    unshared_r, unshared_w = os.pipe()
    answer_r, answer_w = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(unshared_w)
        go = os.read(unshared_r, 1)
        os.write(answer_w, (_write_map(ids, target) if go else "").encode())
        os._exit(0)
    os.close(answer_w)
    try:
        with rootfs.step("making a user namespace"):
            sc.unshare(sc.CLONE_NEWUSER)
        os.write(unshared_w, b"x")
        problem = os.read(answer_r, 4096).decode()
    finally:
        os.close(unshared_w)
        os.close(unshared_r)
        os.close(answer_r)
        os.waitpid(helper, 0)
    if problem:
        raise rootfs.StepRefused("mapping user ids", problem)
    os.setresgid(0, 0, 0)
    os.setresuid(0, 0, 0)


def _write_map(ids: idmap.Map, pid: int) -> str:
    """Write the maps of `pid`; return what went wrong, or nothing."""
    lines = {
        name: "\n".join(" ".join(map(str, row)) for row in rows)
        for name, rows in (("uid", ids.uids), ("gid", ids.gids))
    }
    try:
        if ids.how == "single":
            # Without it an ordinary user may not write the group map.
            Path(f"/proc/{pid}/setgroups").write_text("deny")
        for name, text in lines.items():
            if ids.how == "newuidmap":
                argv = [f"new{name}map", str(pid), *text.split()]
                done = subprocess.run(argv, capture_output=True, text=True)
                if done.returncode:
                    return done.stderr.strip() or f"{argv[0]} failed"
            else:
                Path(f"/proc/{pid}/{name}_map").write_text(text)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _pid_1(plan: init.Plan, report: int) -> int:
    sc.die_with_parent()
    if os.getppid() != 0:
        # 0 is a parent outside of this namespace. Anything else is a mistake of ours.
        return 1
    try:
        with rootfs.step("making a mount namespace"):
            sc.unshare(sc.CLONE_NEWNS)
        return init.run(plan, lambda: os.close(report))
    except rootfs.StepRefused as refusal:
        return _refused(report, refusal)


def _refused(report: int, refusal: rootfs.StepRefused) -> int:
    document = {"step": refusal.step, "reason": refusal.reason}
    os.write(report, json.dumps(document).encode())
    return 1


def write_state(directory: Path, pid: int) -> None:
    """Write who PID 1 is, as the host sees it, with what tells it from a later pid."""
    document = {"pid": pid, "start": start_time(pid), "outer": os.getpid()}
    temporary = directory / f".machine.json.{os.getpid()}"
    temporary.write_text(json.dumps(document))
    temporary.replace(directory / "machine.json")


def start_time(pid: int) -> int | None:
    """Return when `pid` started, in clock ticks since boot, or None if it is gone.

    Together with the pid it names a process for good: proc(5), /proc/pid/stat (22).
    """
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    # The command may hold blanks and brackets; what follows the last one is fixed.
    return int(text.rpartition(")")[2].split()[19])


def plan_to_json(plan: init.Plan) -> str:
    """Return the plan as the outer process reads it."""
    return json.dumps(dataclasses.asdict(plan))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], int(sys.argv[2])))
