"""Make the namespaces of the machine and start its PID 1: the outer process.

Three processes, each the child of the one before: when one is killed, the kernel kills
the next.

- The outer process holds the lock that says "running": the lock is gone exactly when
  all are, and no pid has to be believed.
- The builder puts the file system together, as the account that may read it, then
  enters the namespaces of the machine. Their user namespace is another, so that the
  kernel locks the mounts, see `rootfs`. It relays the learner's port: no process inside
  can see it.
- PID 1 is the first process that can be seen inside.
"""

import fcntl
import json
import os
import resource
import select
import signal
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from cluster import syscalls as sc
from cluster.die_with_parent import die_with_parent
from cluster.language import mark
from cluster.local import images, init, relay, rootfs
from cluster.machine import cgroups, identity, idmap, layout, storage

#: namespaces of the machine, beside its user namespace
MACHINE = (
    sc.CLONE_NEWNS
    | sc.CLONE_NEWPID
    | sc.CLONE_NEWNET
    | sc.CLONE_NEWIPC
    | sc.CLONE_NEWUTS
    | sc.CLONE_NEWCGROUP
)
#: threads that the whole machine may have: an idle one has about 150, each pod 15
THREADS = 4096


def main(plan_file: str, report_to: str) -> int:
    """Start the machine that `plan_file` describes and wait for its end, in a child.

    The caller's child ends at once: nobody has to wait for the machine. The descriptor
    `report_to` gets a step that the kernel refuses, as JSON, or is closed without a
    word when the machine runs.
    """
    report = int(report_to)
    if os.fork():
        os._exit(0)
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        # A component, let alone a pod, with the lock would be "the machine runs" after
        # this process and PID 1 are gone.
        with suppress(OSError):  # the one that listed them is closed by now
            os.set_inheritable(descriptor, descriptor <= 2)
    # Pods that are not root read what the kubelet writes.
    os.umask(0o022)
    document = json.loads(Path(plan_file).read_text())
    sources = rootfs.Sources(**document.pop("sources"))
    plan = init.MachinePlan(sources, **document)
    state = Path(sources.state)
    # First of all: from now on `stop` knows whom to ask.
    identity.write_state(state, None)
    cgroup, lack = make_cgroup(state)
    if lack:
        print(f"limits of pods are not enforced: {lack}", flush=True)
    receiver, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        receiver.close()
        os._exit(_build(plan, report, theirs, cgroup))
    theirs.close()
    os.close(report)
    os.close(plan.listener)
    for store in sources.stores:
        # So that nobody removes it from under the pods; see `image.find`.
        with suppress(OSError):  # a file system without locks
            fcntl.flock(os.open(store, os.O_RDONLY), fcntl.LOCK_SH)
    _pass_signals_to(child)
    pid_1 = receiver.recv(16)
    if pid_1:
        identity.write_state(state, int(pid_1))
    _, status = os.waitpid(child, 0)
    cgroups.remove(state)
    return os.waitstatus_to_exitcode(status)


def make_cgroup(state: Path) -> tuple[int | None, str]:
    """Make a cgroup that the machine's root owns, see `cgroups.make`."""
    return cgroups.make(state, idmap.decide(idmap.read_facts(state)).uids[0].outside)


def _pass_signals_to(child: int) -> None:
    def send(number: int, _: object) -> None:
        with suppress(ProcessLookupError):
            os.kill(child, number)

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, send)


def _build(
    plan: init.MachinePlan, report: int, outer: socket.socket, cgroup: int | None
) -> int:
    """Be the builder; return PID 1's exit code, whose cgroup is `cgroup`."""
    die_with_parent()
    # The parent may have been killed before that call.
    if select.select([outer], [], [], 0)[0]:
        return 1
    sc.forget_keys()

    def pid1_main() -> int:
        outer.close()
        os.close(plan.listener)
        try:
            rootfs.enter(cgroup)
            if plan.archive_key:
                images.begin_with_store(plan.archive_key)
            return init.run(plan, lambda: os.close(report))
        except sc.StepRefused as refusal:
            return _report_refusal(report, refusal)

    try:
        child, alive = start(plan.sources, pid1_main)
    except sc.StepRefused as refusal:
        return _report_refusal(report, refusal)
    os.close(report)
    _pass_signals_to(child)
    try:
        outer.send(str(child).encode())
    except BrokenPipeError:
        # The parent was killed before the second `die_with_parent`.
        return 1
    with socket.socket(fileno=plan.listener) as listener:
        relay.run(listener, ("127.0.0.1", layout.API_PORT), alive)
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status)


def start(
    sources: rootfs.Sources, pid1_main: Callable[[], int]
) -> tuple[int, socket.socket]:
    """Build a machine and start `pid1_main` as its PID 1; raise StepRefused.

    Return its pid, and a socket that ends with it. This process is then in the
    machine's namespaces, but not seen there. `pid1_main` calls `rootfs.enter` first.

    Each step needs the ones before it:

    1. become root, in a user namespace if need be
    2. where the first of the machine's ids is not ours: give it the state directory,
       and take it, with all capabilities
    3. make mount and network namespaces of the builder
    4. put the file system together, while the learner's files can be read
    5. limit the threads of the user namespace that is made next
    6. make the namespaces of the machine, which locks the mounts of step 4
    7. fork PID 1
    """
    state = Path(sources.state)
    ids = idmap.become_root(state)
    first = ids.uids[0].outside
    if first:
        with sc.step(f"giving files to uid {first}"):
            storage.hand_over(state, range(first, first + idmap.RANGE))
        with sc.step(f"becoming uid {first}"):
            # New files belong to the machine; root's can still be read.
            sc.keep_capabilities()
            os.setgroups([])
            os.setresgid(first, first, first)
            os.setresuid(first, first, first)
    with sc.step(mark("making namespaces")):
        # The network only for /sys, which must not show the host's.
        sc.unshare(sc.CLONE_NEWNS | sc.CLONE_NEWNET)
    owner_namespace = _map_owner(sources.stores[0]) if sources.stores else None
    rootfs.build(sources, owner_namespace)
    if owner_namespace is not None:
        os.close(owner_namespace)
    # The limit binds the whole user namespace that is made now, user_namespaces(7).
    thread_limit = _thread_limit()
    resource.setrlimit(resource.RLIMIT_NPROC, (thread_limit, thread_limit))
    idmap.new_user_namespace(ids, MACHINE)
    # The change of ids has made the kernel forget it.
    die_with_parent()
    receiver, theirs = socket.socketpair()
    child = os.fork()
    if child == 0:
        receiver.close()
        die_with_parent()
        # As above. (getppid() says 0 either way, the parent being outside.)
        if select.select([theirs], [], [], 0)[0]:
            os._exit(1)
        # PID 1's program and log are the host's files, and not read-only.
        sc.hide_process()
        os._exit(pid1_main())
    theirs.close()
    return child, receiver


def _thread_limit() -> int:
    _, allowed = resource.getrlimit(resource.RLIMIT_NPROC)
    return THREADS if allowed == resource.RLIM_INFINITY else min(allowed, THREADS)


def _map_owner(store: str) -> int | None:
    """Return a user namespace that maps the owner of `store` to us, None without."""
    try:
        owner = os.stat(store)
    except FileNotFoundError:  # removed since it was listed
        return None
    uid, gid = os.geteuid(), os.getegid()
    if (owner.st_uid, owner.st_gid) == (uid, gid):
        return None
    ids = idmap.Map(
        "direct",
        (idmap.Row(owner.st_uid, uid, 1),),
        (idmap.Row(owner.st_gid, gid, 1),),
    )
    receiver, theirs = socket.socketpair()
    with receiver:
        child = os.fork()
        if child == 0:
            with suppress(sc.StepRefused):
                idmap.new_user_namespace(ids)
                namespace = os.open("/proc/self/ns/user", os.O_RDONLY)
                socket.send_fds(theirs, [b"x"], [namespace])
            os._exit(0)
        theirs.close()
        _, received, *_ = socket.recv_fds(receiver, 1, 1, socket.MSG_CMSG_CLOEXEC)
        os.waitpid(child, 0)
    return received[0] if received else None


def _report_refusal(report: int, refusal: sc.StepRefused) -> int:
    document = {"step": refusal.step, "reason": refusal.reason}
    os.write(report, json.dumps(document).encode())
    return 1
