"""Run the control plane: one process on the host, the parent of all its components.

It is nobody's child and outlives whoever started it. The lock that says "running" is
its own and its components', so the lock is gone exactly when the last of them is. When
it is killed, the kernel kills them.
"""

import dataclasses
import json
import os
from contextlib import suppress
from pathlib import Path

from cluster import die_with_parent, ports
from cluster.controlplane import components
from cluster.lifecycle import Lifecycle, Task
from cluster.local import bootstrap, facts, firstobjects, init, namespaces, probes
from cluster.local.components import Component
from cluster.supervisor import Supervisor
from cluster.usermode import components as usermode
from cluster.usermode.kernel import Kernel

#: what tells our process from any other, whatever its pid
PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); "
    "from cluster.controlplane.process import main; "
    "sys.exit(main(sys.argv[2], int(sys.argv[3])))"
)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What is asked of the process. `lock` is an open descriptor, `port` the API's.

    `node` are the programs of a node in user-mode Linux, or None for none.
    """

    state: str
    binaries: str
    python: str
    lock: int
    port: int
    node: dict | None = None


def command(plan_file: Path, report: int) -> list[str]:
    """Return the command line of the process, which calls `main`."""
    python = namespaces.command(plan_file, report)
    return [*python[:3], PROGRAM, *python[4:]]


def main(plan_file: str, report: int) -> int:
    """Run the control plane that `plan_file` describes, until SIGTERM.

    The caller's child ends at once and leaves that to a child of its own. The
    descriptor `report` is closed when the components are about to start.
    """
    if os.fork():
        os._exit(0)
    plan = Plan(**json.loads(Path(plan_file).read_text()))
    for descriptor in map(int, os.listdir("/proc/self/fd")):
        with suppress(OSError):  # the one that listed them is closed by now
            os.set_inheritable(descriptor, descriptor <= 2 or descriptor == plan.lock)
    os.umask(0o077)
    # The components find all their files by way of it.
    os.chdir(plan.state)
    # From now on `stop` knows whom to ask.
    namespaces.write_state(Path(plan.state), None)
    # They stay open, and the ports ours, as long as this process is there.
    held = [ports.hold() for _ in range(4)]
    lifecycle = _lifecycle(plan, [each.getsockname()[1] for each in held])
    os.close(report)
    return lifecycle.run()


def _lifecycle(plan: Plan, free: list[int]) -> Lifecycle:
    etcd = f"{components.STATE}/etcd"
    known = facts.bootstrapped(etcd, plan.binaries)
    taken = components.Ports(plan.port, *free)
    parts = components.describe(
        taken, plan.binaries, bootstrapped=known, node=bool(plan.node)
    )
    if plan.node:
        kernel = Kernel(**plan.node)
        parts += (usermode.keeper(kernel, plan.python, plan.state, taken.egress),)
    for part in parts:
        init.write_files(part)
    api = probes.Prober(components.PKI, plan.port)
    supervisor = Supervisor(
        tuple(dying_with_us(part, plan.python) for part in parts),
        lambda part: node.ready() if part.background else api.ready(part.ready),
        answers=lambda part: part.answers is not None and api.ready(part.answers),
        logs=f"{components.STATE}/logs",
        env={
            "PATH": os.defpath,
            "HOME": components.STATE,
            "LANG": "C.UTF-8",
        },
    )
    node = _Node(supervisor, api)
    posts = bootstrap.posts() if plan.node else bootstrap.control_plane_posts()
    return Lifecycle(
        supervisor,
        (
            Task("first objects", lambda: firstobjects.make(api, posts)),
            Task("first accounts", lambda: firstobjects.accounts_ready(api)),
        ),
        status=Path(components.STATE, "run/status.json"),
        budget=init.BUDGET,
        facts={"absent": () if plan.node else components.ABSENT},
        finish=lambda: facts.remember_bootstrap(etcd, plan.binaries),
    )


class _Node:
    """Asks after the node of the control plane, each start of it for itself."""

    def __init__(self, supervisor: Supervisor, api: probes.Prober) -> None:
        self._supervisor, self._api = supervisor, api
        self._disowned: int | None = None

    def ready(self) -> bool:
        """Say whether this node, and not one before it, is Ready."""
        pid = self._supervisor.states[usermode.NAME].pid
        try:
            if pid != self._disowned:
                if firstobjects.disown_node(self._api):
                    self._disowned = pid
                return False
            return firstobjects.node_ready(self._api)
        except OSError:
            return False  # the API server is being restarted


def dying_with_us(part: Component, python: str) -> Component:
    """Return the component started so that it ends with this process."""
    command = die_with_parent.command(*part.argv, python=python)
    return dataclasses.replace(part, argv=tuple(command))
