"""Prepare the files of a node before a start, on the host: its directory and its plan.

Pods can read and write what is in that directory, see `components.STATE`.
"""

import dataclasses
import json
import shutil
import sys
from pathlib import Path

from cluster.machine import storage
from cluster.machine.host import Launch
from cluster.processes import PACKAGES
from cluster.statedir import write_private
from cluster.usermode import components

#: users whose kubeconfigs the node has
_USERS = ("kubelet", "coredns")


def prepare(launch: Launch, python: str) -> None:
    """Make the node's directory, its plan, and the links that its kernel starts by.

    `launch` has an archive: the disk with the images. `python` is the interpreter.
    """
    assert launch.archive, "a node without a disk of images runs no pod"
    state = launch.state
    directory = state / components.STATE
    directory.mkdir(mode=0o700, exist_ok=True)
    storage.prepare(directory)
    (directory / "root").mkdir(mode=0o700)
    _copy_keys(state / "pki", directory / "pki")
    guest = components.GuestPlan(
        str(directory),
        str(launch.binaries.resolve()),
        python,
        sys.base_prefix,
        launch.listener.getsockname()[1],
    )
    write_private(state / components.PLAN, json.dumps(dataclasses.asdict(guest)))
    # By a name that a kernel's command line can hold, wherever the cache is.
    (state / components.DISK).symlink_to(launch.archive.resolve())
    _link_package(state / components.PACKAGES_LINK)


def _copy_keys(source: Path, target: Path) -> None:
    """Copy neither the keys of the authorities nor the administrator's."""
    for name in ("ca.crt", *(f"{user}.*" for user in _USERS)):
        for path in source.glob(name):
            shutil.copy2(path, target)


def _link_package(directory: Path) -> None:
    """Link only our package: files beside it are not shown, not even their names."""
    directory.mkdir(mode=0o700)
    (directory / "cluster").symlink_to(Path(PACKAGES, "cluster"))
