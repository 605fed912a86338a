"""Give the machine's containerd the images, from a store or by an import.

In the machine: nothing here needs more than the standard library.
"""

import subprocess
import threading
from dataclasses import replace
from pathlib import Path

from cluster.image import store
from cluster.local import facts, init, rootfs
from cluster.machine import components, layout, probes
from cluster.machine.components import Component, Facts
from cluster.machine.supervisor import Supervisor
from cluster.statedir import write_private

CONTAINERD = Path("/var/lib/containerd")
#: what overlayfs leaves of its own in a layer's directory, closed even to its owner
_WORK = "io.containerd.snapshotter.v1.overlayfs/snapshots/*/work/work"


def begin(key: str) -> None:
    """Let a new containerd begin with the mounted store.

    `key` identifies the archive of the store. A containerd that has begun with another
    store keeps it, and the images that were added: the archive is imported there. A
    containerd whose store is gone begins anew.
    """
    if facts.IMPORTED.exists() and store.is_whole(CONTAINERD):
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
        write_private(facts.IMPORTED, key)


def _empty(directory: Path) -> None:
    # A pod may have nested directories deeper than Python's own function goes.
    if names := [str(path) for path in directory.iterdir()]:
        command = ["rm", "-rf", "--", *names]
        subprocess.run(command, check=False, env={"PATH": layout.PATH})


def importing(found: Facts) -> tuple[Component, ...]:
    """Return the components that import the archive into containerd's directory."""
    return (
        replace(components.containerd(found), stop_after=()),
        components.image_import(layout.ARCHIVE, found.snapshotter),
        components.image_prune(),
    )


def fill(found: Facts) -> bool:
    """Import the images and end containerd; say whether all went well."""
    changed = threading.Event()
    supervisor = supervised(importing(found))
    supervisor.changed = changed.set
    supervisor.start()
    threading.Thread(target=supervisor.reap, daemon=True).start()
    while not (supervisor.all_ready() or supervisor.failed):
        changed.wait()
        changed.clear()
    supervisor.stop()
    for work in CONTAINERD.glob(_WORK):
        work.rmdir()
    return not supervisor.failed


def supervised(parts: tuple[Component, ...]) -> Supervisor:
    """Return the supervisor of the components, and write their files."""
    for part in parts:
        init.write_files(part)
    return Supervisor(
        parts,
        lambda part: probes.ready(part.ready),
        logs=layout.LOGS,
        env=init.environment(),
    )
