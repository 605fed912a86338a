"""Be PID 1 of the machine: run the components in its namespaces, write the status.

It is told what to do by a `MachinePlan` and tells others by `run/status.json`. When it
dies, the kernel ends everything in the machine: nothing can be left behind.
"""

import dataclasses
import os
import shutil
import signal
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cluster import syscalls as sc
from cluster.local import facts, network, rootfs
from cluster.machine import bootstrap, layout, probes
from cluster.machine.components import Component, describe
from cluster.machine.lifecycle import BUDGET, Lifecycle, Task
from cluster.machine.supervisor import Supervisor
from cluster.paths import make_private
from cluster.statedir import write_private
from cluster.waiting import until

#: seconds that pods get between SIGTERM and SIGKILL when the machine stops
POD_GRACE = 0.5


@dataclasses.dataclass(frozen=True)
class MachinePlan:
    """What the host asks of the machine; paths are the host's.

    `python` is the interpreter, `python_home` its installation. `listener` is an
    open descriptor. `archive` is the image archive, `archive_key` what identifies it,
    `stores` what it and earlier ones are once imported, its own first if it is there.
    """

    state: str
    binaries: str
    python: str
    python_home: str
    listener: int
    archive: str | None = None
    archive_key: str | None = None
    stores: Sequence[str] = ()

    @property
    def sources(self) -> rootfs.Sources:
        """Return the sources of the machine's file system."""
        return rootfs.Sources(
            self.state, self.binaries, self.python_home, self.archive, self.stores
        )


def run(plan: MachinePlan, made: Callable[[], None]) -> int:
    """Be PID 1; return its exit code. Raise StepRefused before anything runs.

    `made` is called when the world is made and the components are about to start.
    """
    sc.set_hostname(layout.NODE_NAME)
    network.configure_network()
    pid_1 = _Init(plan)
    made()
    return pid_1.run()


class _Init:
    """What the lifecycle of this cluster is made of."""

    def __init__(self, plan: MachinePlan) -> None:
        self._key = plan.archive_key
        self._probes = probes.Prober()
        self._facts = facts.find(
            plan.python, plan.archive_key, service_proxy=network.guard_loopback()
        )
        components = describe(self._facts)
        for part in components:
            write_files(part)
        copy_scripts()
        supervisor = Supervisor(
            components,
            lambda part: self._probes.ready(part.ready),
            logs=layout.LOGS,
            env=environment(),
        )
        self._lifecycle = Lifecycle(
            supervisor,
            self._tasks(),
            status=Path(layout.RUN, "status.json"),
            budget=BUDGET,
            facts={
                "service_proxy": self._facts.service_proxy,
                "seccomp": self._facts.seccomp,
                "snapshotter": self._facts.snapshotter,
                "limits": self._facts.limits,
                "ids": facts.ids(),
            },
            finish=lambda: facts.remember(self._facts, self._key),
            clean_up=_end_pods,
        )

    def run(self) -> int:
        return self._lifecycle.run()

    def _tasks(self) -> tuple[Task, ...]:
        ca = Path(layout.PKI, "ca.crt").read_text()
        posts = bootstrap.posts(
            limits=self._facts.limits, single_id=self._facts.single_id, ca=ca
        )
        machine = Path("/etc/machine-id").read_text().strip()
        controllers = Task(
            "the controllers",
            lambda: bootstrap.controllers_work(self._probes),
            after_all=True,
        )
        return (
            Task(
                "first objects",
                lambda: bootstrap.make(self._probes, posts),
            ),
            Task("node Ready", lambda: bootstrap.node_ready(self._probes, machine)),
            Task(
                "the Node's storage",
                lambda: bootstrap.storage_known(
                    self._probes, shutil.disk_usage("/var/lib/kubelet").free
                ),
            ),
            *([controllers] if self._facts.empty else []),
            Task(
                "the Service kubernetes",
                lambda: bootstrap.service_answers(self._probes),
                after_all=True,
            ),
        )


def write_files(part: Component) -> None:
    """Write the component's files, in the machine."""
    for name, content in part.files.items():
        path = Path(name)
        make_private(path.parent)
        # The OCI runtime is started by its path.
        write_private(path, content, mode=0o700 if content[:2] == "#!" else 0o600)


def copy_scripts(more: Mapping[str, str] = {}) -> None:
    """Write the scripts that components run, ours and `more`."""
    for name, source in {**SCRIPTS, **more}.items():
        write_private(Path(layout.ETC, name), source)


def environment() -> dict[str, str]:
    """Return the environment of all components."""
    # Nothing of the learner's: it would end up in the environment of pods.
    return {"PATH": layout.PATH, "HOME": f"{layout.ROOT}/home", "LANG": "C.UTF-8"}


def _end_pods() -> None:
    """Ask the remaining processes, pods too, to end, before the kernel kills them."""
    for number, patience in ((signal.SIGTERM, POD_GRACE), (signal.SIGKILL, 0.5)):
        try:
            os.kill(-1, number)
        except ProcessLookupError:
            return
        until(lambda: not _others(), patience, pause=0.02)


def _others() -> list[str]:
    return [name for name in os.listdir("/proc") if name.isdigit() and name != "1"]


#: Read while the package can still be seen: PID 1 leaves the host's files behind.
SCRIPTS = {
    name: Path(__file__).with_name(name).read_text()
    for name in ("oci.py", "pretend.py", "registry.py", "seed.py", "seed.jsonl")
}
