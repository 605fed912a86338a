"""Be PID 1 of the machine: run the components in its namespaces, write the status.

When PID 1 dies, the kernel ends everything in the machine: nothing can be left behind.
"""

import dataclasses
import os
import shutil
import signal
from collections.abc import Callable, Mapping
from pathlib import Path

from cluster import syscalls as sc
from cluster.language import mark
from cluster.local import images, network, rootfs
from cluster.machine import bootstrap, cgroups, layout, probes, storage
from cluster.machine.components import Component, Facts, describe
from cluster.machine.lifecycle import Lifecycle, Task
from cluster.machine.supervisor import Supervisor
from cluster.permissions import make_private
from cluster.programs.runc import find_runc
from cluster.statedir import write_private
from cluster.waiting import poll

#: seconds that pods get between SIGTERM and SIGKILL when the machine stops
POD_GRACE = 0.5
#: a file of kernels that can filter system calls
_FILTERS = Path("/proc/sys/kernel/seccomp/actions_avail")
#: For all components. Nothing of the learner's: it would be in the environment of pods.
_ENVIRONMENT = {
    "PATH": layout.PATH,
    "HOME": f"{layout.ROOT}/home",
    "LANG": "C.UTF-8",
}
#: facts that the status tells
_TOLD = ("service_proxy", "seccomp", "snapshotter", "limits")


@dataclasses.dataclass(frozen=True)
class MachinePlan:
    """The order of a start: the interpreter `python`, an open descriptor `listener`.

    `archive_key` identifies the archive of `sources`.
    """

    sources: rootfs.Sources
    python: str
    listener: int
    archive_key: str | None


def run(plan: MachinePlan, on_made: Callable[[], None]) -> int:
    """Be PID 1; return its exit code. Raise StepRefused before anything runs.

    `on_made` is called when the components are about to start.
    """
    sc.set_hostname(layout.NODE_NAME)
    network.configure_network()
    nft = network.guard_loopback()
    facts = find_facts(plan.python, plan.archive_key, service_proxy=nft)
    api = probes.Prober()
    copy_scripts()
    lifecycle = Lifecycle(
        make_supervisor(describe(facts), api.ready),
        _tasks(api, facts),
        status=Path(layout.RUN, "status.json"),
        facts={**{name: getattr(facts, name) for name in _TOLD}, "ids": count_ids()},
        finish=lambda: _remember(facts, plan.archive_key),
        clean_up=_end_pods,
    )
    on_made()
    return lifecycle.run()


def _tasks(api: probes.Prober, facts: Facts) -> tuple[Task, ...]:
    ca = Path(layout.PKI, "ca.crt").read_text()
    posts = bootstrap.posts(limits=facts.limits, single_id=facts.single_id, ca=ca)
    machine = Path("/etc/machine-id").read_text().strip()

    def storage_known() -> bool:
        return bootstrap.set_storage(api, shutil.disk_usage("/var/lib/kubelet").free)

    def controllers_work() -> bool:
        return not facts.empty or bootstrap.controllers_work(api)

    def service_answers() -> bool:
        return bootstrap.service_answers(api)

    return (
        Task(mark("first objects"), lambda: bootstrap.make(api, posts)),
        Task(mark("node Ready"), lambda: bootstrap.node_ready(api, machine)),
        Task(mark("the Node's storage"), storage_known),
        Task(mark("the controllers"), controllers_work, after_all=True),
        Task(mark("the Service kubernetes"), service_answers, after_all=True),
    )


def find_facts(
    python: str, archive_key: str | None, *, service_proxy: bool = False
) -> Facts:
    """Find what the components depend on; nothing is decided here.

    `archive_key` identifies the archive that is shown, None where there is none: an
    archive is imported once. `service_proxy` says whether `nft` works.
    """
    runc = find_runc(Path(layout.BIN))
    assert runc, "a start gets a missing runc"
    return Facts(
        python=python,
        runc=runc.path,
        seccomp=runc.seccomp and _FILTERS.exists(),
        snapshotter="overlayfs"
        if rootfs.can_overlay(str(images.CONTAINERD))
        else "native",
        service_proxy=service_proxy,
        bootstrapped=storage.is_bootstrapped(layout.ETCD, layout.BIN),
        empty=not storage.was_ready(Path(layout.ETCD)),
        import_archive=layout.ARCHIVE
        if archive_key and not storage.says(images.IMPORTED, archive_key)
        else None,
        limits=cgroups.divide(),
        single_id=count_ids() == 1,
        oom_score=int(Path("/proc/self/oom_score_adj").read_text()),
    )


def count_ids() -> int:
    """Count the ids of this user namespace."""
    with open("/proc/self/uid_map") as file:
        return sum(int(line.split()[2]) for line in file)


def _remember(facts: Facts, archive_key: str | None) -> None:
    """Keep the work of this start for the next; call it when all is ready."""
    storage.remember_bootstrap(layout.ETCD, layout.BIN)
    if facts.import_archive and archive_key:
        write_private(images.IMPORTED, archive_key)


def make_supervisor(
    parts: tuple[Component, ...],
    ready: Callable[[str], bool] = probes.ready,
) -> Supervisor:
    """Return the supervisor of the components, and write their files."""
    for part in parts:
        write_files(part)
    return Supervisor(
        parts, lambda part: ready(part.ready), logs=layout.LOGS, env=_ENVIRONMENT
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


def _end_pods() -> None:
    """Ask the remaining processes, pods too, to end, before the kernel kills them."""

    def alone() -> bool:
        return sum(map(str.isdigit, os.listdir("/proc"))) == 1

    for number, seconds in ((signal.SIGTERM, POD_GRACE), (signal.SIGKILL, 0.5)):
        try:
            os.kill(-1, number)
        except ProcessLookupError:
            return
        poll(alone, seconds, pause=0.02)


#: Scripts need only the standard library, and are started with `python -ISE`. Read
#: while the package can still be seen: PID 1 leaves the host's files behind.
SCRIPTS = {
    name: Path(__file__).with_name(name).read_text()
    for name in ("oci.py", "pretend.py", "registry.py", "seed.py", "seed.jsonl")
}
