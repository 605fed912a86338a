"""Make the namespaces of the machine and start its PID 1: the outer process.

The only place that calls `unshare`. The outer process stays on the host as PID 1's
parent; it holds the lock that says "running", so the lock is gone exactly when both
are, and no pid has to be believed. When it is killed, the kernel kills PID 1.
"""

import json
import os
import select
import shutil
import signal
import subprocess
from contextlib import suppress
from pathlib import Path

from cluster import syscalls as sc
from cluster.die_with_parent import die_with_parent
from cluster.local import identity, idmap, init

#: Everything but the mount namespace, which PID 1 makes: the outer process goes on
#: seeing the host's files.
NAMESPACES = (
    sc.CLONE_NEWPID
    | sc.CLONE_NEWNET
    | sc.CLONE_NEWIPC
    | sc.CLONE_NEWUTS
    | sc.CLONE_NEWCGROUP
)


def main(plan_file: str, report_to: str) -> int:
    """Start the machine that `plan_file` describes and wait for its end.

    The caller's child ends at once and leaves that to a child of its own: nobody who
    started a cluster has to wait for it, or leaves a zombie when it ends. The lock
    that says "running" is inherited. A step that the kernel refuses is written to the
    descriptor `report_to` as JSON; the descriptor is closed without a word when the
    machine runs.
    """
    report = int(report_to)
    if os.fork():
        os._exit(0)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        # Ours and PID 1's. A component, let alone a pod, that had the lock too would
        # be "the machine runs" after both are gone.
        with suppress(OSError):  # the one that listed them is closed by now
            os.set_inheritable(descriptor, descriptor <= 2)
    # Whatever the learner's is: pods that are not root read what the kubelet writes.
    os.umask(0o022)
    plan = init.Plan(**json.loads(Path(plan_file).read_text()))
    state = Path(plan.state)
    # Before anything can take long: from now on `stop` knows whom to ask.
    identity.write_state(state, None)
    try:
        enter()
    except sc.StepRefused as refusal:
        return _refused(report, refusal)
    alive, ours = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ours)
        os._exit(_pid_1(plan, report, alive))
    os.close(alive)
    os.close(report)
    os.close(plan.listener)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: os.kill(child, number))
    identity.write_state(state, child)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def enter(ids: idmap.Map | None = None) -> None:
    """Move this process into new namespaces, as uid 0 of them; raise StepRefused."""
    ids = ids or idmap.decide(idmap.read_facts())
    if _new_user_namespace(ids):
        os.setresgid(0, 0, 0)
        os.setresuid(0, 0, 0)
        if Path("/proc/self/setgroups").read_text().strip() == "allow":
            os.setgroups([])
    with sc.step("making namespaces"):
        sc.unshare(NAMESPACES)


def remove_tree(path: str) -> None:
    """Remove a directory that ids of the user namespace own parts of."""
    enter()
    shutil.rmtree(path)


def _new_user_namespace(ids: idmap.Map) -> bool:
    """Unshare, and let a helper that stayed outside write the map.

    Return False where it is refused to root, who can do without.
    """
    target = os.getpid()
    unshared_r, unshared_w = os.pipe()
    answer_r, answer_w = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(unshared_w)
        if os.read(unshared_r, 1):
            os.write(answer_w, _map_or_single(ids, target).encode())
        os._exit(0)
    os.close(answer_w)
    try:
        with sc.step("making a user namespace"):
            sc.unshare(sc.CLONE_NEWUSER)
        os.write(unshared_w, b"x")
        problem = os.read(answer_r, 4096).decode()
    except sc.StepRefused:
        if ids.how != "direct":
            raise
        return False
    finally:
        os.close(unshared_w)
        os.close(unshared_r)
        os.close(answer_r)
        os.waitpid(helper, 0)
    if problem:
        raise sc.StepRefused("mapping user ids", problem)
    return True


def _map_or_single(ids: idmap.Map, pid: int) -> str:
    problem = write_map(ids, pid)
    # /etc/subuid may promise what newuidmap then refuses. Most lessons need one id.
    untouched = not Path(f"/proc/{pid}/uid_map").read_text().strip()
    if problem and ids.how == "newuidmap" and untouched:
        return write_map(idmap.single(os.geteuid(), os.getegid()), pid)
    return problem


def write_map(ids: idmap.Map, pid: int) -> str:
    """Write the maps of `pid`; return what went wrong, or nothing."""
    try:
        if ids.how == "newuidmap":
            for name, rows in (("uid", ids.uids), ("gid", ids.gids)):
                words = [str(number) for row in rows for number in row]
                done = subprocess.run(
                    [f"new{name}map", str(pid), *words], capture_output=True, text=True
                )
                if done.returncode:
                    return done.stderr.strip() or f"new{name}map failed"
            return ""
        if ids.how == "single":
            # Without it an ordinary user may not write the group map.
            Path(f"/proc/{pid}/setgroups").write_text("deny")
        for name, rows in (("uid", ids.uids), ("gid", ids.gids)):
            text = "\n".join(" ".join(map(str, row)) for row in rows)
            Path(f"/proc/{pid}/{name}_map").write_text(text)
    except OSError as error:
        return error.strerror or str(error)
    return ""


def _pid_1(plan: init.Plan, report: int, alive: int) -> int:
    die_with_parent()
    # The parent may have been killed before that call: then its end of the pipe is
    # closed. (getppid() says 0 either way, the parent being outside.)
    if select.select([alive], [], [], 0)[0]:
        return 1
    try:
        with sc.step("making a mount namespace"):
            sc.unshare(sc.CLONE_NEWNS)
        return init.run(plan, lambda: os.close(report))
    except sc.StepRefused as refusal:
        return _refused(report, refusal)


def _refused(report: int, refusal: sc.StepRefused) -> int:
    document = {"step": refusal.step, "reason": refusal.reason}
    os.write(report, json.dumps(document).encode())
    return 1
