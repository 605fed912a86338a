"""Be PID 1 of the machine: run the components in its namespaces, write the status.

It is told what to do by a `MachinePlan` and tells others by `run/status.json`. When it
dies, the kernel ends everything in the machine: nothing can be left behind.
"""

import dataclasses
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from cluster import syscalls as sc
from cluster.image import store
from cluster.local import network, rootfs
from cluster.machine import bootstrap, cgroups, layout, probes, storage
from cluster.machine.components import Component, Facts, describe
from cluster.machine.lifecycle import BUDGET, Lifecycle, Task
from cluster.machine.supervisor import Supervisor
from cluster.permissions import make_private
from cluster.programs.check import find_runc
from cluster.statedir import write_private
from cluster.waiting import until

#: seconds that pods get between SIGTERM and SIGKILL when the machine stops
POD_GRACE = 0.5
CONTAINERD = Path("/var/lib/containerd")
#: says which archive containerd has; beside its data, so that it goes with them
IMPORTED = CONTAINERD / "imported"
#: is there where the kernel can filter system calls
_FILTERS = Path("/proc/sys/kernel/seccomp/actions_avail")


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


def find_facts(
    python: str, archive_key: str | None, *, service_proxy: bool = False
) -> Facts:
    """Return the facts.

    `archive_key` identifies the archive that is shown, None where there is none: what
    was imported before is not again. `service_proxy` says whether `nft` works.
    """
    runc = find_runc(Path(layout.BIN))
    assert runc, "the start has made sure that there is one"
    return Facts(
        python=python,
        runc=runc.path,
        seccomp=runc.seccomp and _FILTERS.exists(),
        snapshotter="overlayfs" if rootfs.can_overlay(str(CONTAINERD)) else "native",
        service_proxy=service_proxy,
        bootstrapped=storage.bootstrapped(layout.ETCD, layout.BIN),
        empty=not storage.was_ready(Path(layout.ETCD)),
        import_archive=layout.ARCHIVE
        if archive_key and not storage.says(IMPORTED, archive_key)
        else None,
        limits=cgroups.divide(),
        single_id=ids() == 1,
        oom_score=int(Path("/proc/self/oom_score_adj").read_text()),
    )


def ids() -> int:
    """Count the ids of this user namespace."""
    with open("/proc/self/uid_map") as file:
        return sum(int(line.split()[2]) for line in file)


def remember(found: Facts, archive_key: str | None) -> None:
    """Keep the work of this start for the next; call it when all is ready."""
    storage.remember_bootstrap(layout.ETCD, layout.BIN)
    if found.import_archive and archive_key:
        write_private(IMPORTED, archive_key)


def begin_with_store(key: str) -> None:
    """Let a new containerd begin with the mounted store.

    `key` identifies the archive of the store. A containerd that has begun with another
    store keeps it, and the images that were added: the archive is imported there. A
    containerd whose store is gone begins anew.
    """
    if IMPORTED.exists() and store.is_whole(CONTAINERD):
        return
    _empty(CONTAINERD)
    shown = Path(layout.IMAGES, store.name(key))
    if not (shown.exists() and rootfs.can_overlay(str(CONTAINERD), str(shown))):
        return
    try:
        store.begin(shown, CONTAINERD)
    except OSError:
        # The disk is full, or the store was removed just now: the import tells why.
        _empty(CONTAINERD)
    else:
        write_private(IMPORTED, key)


def _empty(directory: Path) -> None:
    # A pod may have nested directories deeper than Python's own function goes.
    if names := [str(path) for path in directory.iterdir()]:
        command = ["rm", "-rf", "--", *names]
        subprocess.run(command, check=False, env={"PATH": layout.PATH})


class _Init:
    """What the lifecycle of this cluster is made of."""

    def __init__(self, plan: MachinePlan) -> None:
        self._key = plan.archive_key
        self._probes = probes.Prober()
        self._facts = find_facts(
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
                "ids": ids(),
            },
            finish=lambda: remember(self._facts, self._key),
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
