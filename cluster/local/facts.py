"""Find the facts that the components depend on, inside the machine.

Nothing is decided here: `components` describes by these facts what runs.
"""

from pathlib import Path

from cluster.local import rootfs
from cluster.machine import cgroups, layout, storage
from cluster.machine.components import Facts
from cluster.programs.check import find_runc
from cluster.statedir import write_private

#: says which archive containerd has; beside its data, so that it goes with them
IMPORTED = Path("/var/lib/containerd/imported")
#: is there where the kernel can filter system calls
_FILTERS = Path("/proc/sys/kernel/seccomp/actions_avail")


def find(python: str, archive_key: str | None, *, service_proxy: bool = False) -> Facts:
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
        snapshotter="overlayfs"
        if rootfs.can_overlay("/var/lib/containerd")
        else "native",
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
