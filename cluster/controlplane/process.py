"""Start and be the control plane: one process on the host, without namespaces.

This process takes the place of the local cluster's outer process and of PID 1: the lock
that says "running" is its own and its components', and the kernel kills them with it.
With a lifeline it runs only etcd and kube-apiserver, for one notebook.
"""

import dataclasses
import json
import os
import shutil
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from cluster import die_with_parent
from cluster.controlplane import components
from cluster.kubeconfig import write_embedded
from cluster.language import mark
from cluster.local import init
from cluster.machine import bootstrap, identity, ports, probes, storage
from cluster.machine.components import Component
from cluster.machine.host import Launch, Machine, Program
from cluster.machine.layout import CONTEXT
from cluster.machine.lifecycle import Lifecycle, Task
from cluster.machine.supervisor import Supervisor
from cluster.usermode import components as usermode, files, kernel, launcher

_MAIN = "cluster.controlplane.process.main"
#: users that ask the API server by its port on the host, see `files` for the node's
_HOST = ("super-admin", "controller-manager", "scheduler")


@dataclasses.dataclass(frozen=True)
class ProcessPlan:
    """The order of a start. `lock` is an open descriptor, `lifeline` another or None.

    `node` are the programs of a node in user-mode Linux, or None; `flags` are more
    options, by component.
    """

    state: str
    binaries: str
    python: str
    lock: int
    port: int
    node: dict | None = None
    flags: Mapping[str, Mapping[str, str]] = dataclasses.field(default_factory=dict)
    lifeline: int | None = None


def control_plane(state: Path) -> Machine:
    """Return the control plane; its start takes a node's disk for an archive."""
    words = mark("starting the control plane")
    program = Program(_MAIN, _plan, words, "outer", ports.hold)
    return Machine(state, program)


def api_server(
    state: Path, lifeline: int, flags: Mapping[str, Mapping[str, str]]
) -> Machine:
    """Return the machine of only an API server with its etcd.

    It ends when nobody holds the other end of the pipe `lifeline` any more. `flags`
    are more command line options of the two, by component.
    """

    def plan(launch: Launch) -> ProcessPlan:
        return dataclasses.replace(_common_plan(launch), lifeline=lifeline, flags=flags)

    words = mark("starting the API server")
    program = Program(_MAIN, plan, words, "outer", ports.hold, (lifeline,))
    return Machine(state, program)


def _plan(launch: Launch) -> ProcessPlan:
    plan = _common_plan(launch)
    server = f"https://127.0.0.1:{plan.port}"
    write_embedded(launch.state / "pki", _HOST, server=server, context=CONTEXT)
    programs = kernel.find()[0] if launch.archive else None
    if not programs:
        return plan
    files.prepare(launch, plan.python)
    return dataclasses.replace(plan, node=dataclasses.asdict(programs))


def _common_plan(launch: Launch) -> ProcessPlan:
    return ProcessPlan(
        state=str(launch.state),
        binaries=str(launch.binaries.resolve()),
        python=str(Path(sys.executable).resolve()),
        lock=launch.lock,
        port=launch.listener.getsockname()[1],
    )


def main(plan_file: str, report: str) -> int:
    """Run the control plane that `plan_file` describes, in a child, until SIGTERM.

    The descriptor `report` is closed when the components are about to start.
    """
    if os.fork():
        os._exit(0)
    plan = ProcessPlan(**json.loads(Path(plan_file).read_text()))
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # the one that listed them is closed by now
            os.set_inheritable(descriptor, descriptor <= 2 or descriptor == plan.lock)
    os.umask(0o077)
    # The components find all their files by way of it.
    os.chdir(plan.state)
    # From now on `stop` knows whom to ask.
    identity.write_state(Path(plan.state), None)
    if plan.lifeline is not None:
        threading.Thread(target=_end_with, args=(plan.lifeline,), daemon=True).start()
    # Open as long as this process is there, so that the ports are ours.
    held = [ports.hold() for _ in range(4)]
    lifecycle = _lifecycle(plan, [listener.getsockname()[1] for listener in held])
    os.close(int(report))
    return lifecycle.run()


def _end_with(lifeline: int) -> None:
    # The read returns when the process that holds the other end is gone; none writes.
    os.read(lifeline, 1)
    os._exit(1)


def _lifecycle(plan: ProcessPlan, free: list[int]) -> Lifecycle:
    etcd = f"{components.STATE}/etcd"
    # With only an API server nobody waits for roles and classes.
    bootstrapped = plan.lifeline is not None or storage.is_bootstrapped(
        etcd, plan.binaries
    )
    taken = components.Ports(plan.port, *free)
    parts = components.describe(
        taken,
        plan.binaries,
        bootstrapped=bootstrapped,
        node=bool(plan.node),
        flags=plan.flags,
    )
    if plan.lifeline is not None:
        parts = components.api_server(parts)
    if plan.node:
        programs = kernel.Kernel(**plan.node)
        parts += (usermode.launcher(programs, plan.python, plan.state, taken.egress),)
    for part in parts:
        init.write_files(part)
    api = probes.Prober(components.PKI, plan.port)
    node = _Node(api)
    supervisor = Supervisor(
        tuple(_tie_to_parent(part, plan.python) for part in parts),
        lambda part: (
            node.ready(supervisor.states[part.name].pid)
            if part.background
            else api.ready(part.ready)
        ),
        logs=f"{components.STATE}/logs",
        env={"PATH": os.defpath, "HOME": components.STATE, "LANG": "C.UTF-8"},
    )
    return Lifecycle(
        supervisor,
        () if plan.lifeline is not None else _tasks(api, with_node=bool(plan.node)),
        status=Path(components.STATE, "run/status.json"),
        facts={
            "absent": () if plan.node else components.ABSENT,
            "limits": True if plan.node else None,
        },
        finish=lambda: storage.remember_bootstrap(etcd, plan.binaries),
    )


def _tasks(api: probes.Prober, *, with_node: bool) -> tuple[Task, ...]:
    # A node that cannot enforce limits does not start, see cluster.usermode.guest.
    posts = (
        bootstrap.posts(limits=True, ca=Path(components.PKI, "ca.crt").read_text())
        if with_node
        else bootstrap.control_plane_posts()
    )
    return (
        Task(mark("first objects"), lambda: bootstrap.make(api, posts)),
        Task(mark("first accounts"), lambda: bootstrap.accounts_ready(api)),
    )


class _Node:
    """Probes the node of the control plane, each of its starts separately."""

    def __init__(self, api: probes.Prober) -> None:
        self._api = api
        self._marked: int | None = None

    def ready(self, pid: int | None) -> bool:
        """Return whether the node of process `pid` is Ready, not an earlier node."""
        try:
            if pid != self._marked:
                if bootstrap.mark_node_unknown(self._api):
                    self._marked = pid
                return False
            room = min(launcher.SIZE, shutil.disk_usage(components.STATE).free)
            return bootstrap.node_ready(self._api) and bootstrap.set_storage(
                self._api, room
            )
        except OSError:
            return False  # the API server is being restarted


def _tie_to_parent(part: Component, python: str) -> Component:
    command = die_with_parent.command(*part.argv, python=python)
    return dataclasses.replace(part, argv=tuple(command))
