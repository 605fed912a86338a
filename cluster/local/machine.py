"""Describe the program and the arguments of the local cluster's machine."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cluster import errors
from cluster.machine.host import Launch, Machine, Program

if TYPE_CHECKING:
    from cluster.local.init import MachinePlan


def _plan(launch: Launch) -> "MachinePlan":
    # Not at the top: `status` is asked often.
    from cluster.image import find as image_find
    from cluster.local.init import MachinePlan

    archive = launch.archive and launch.archive.resolve()
    stores = image_find.stores(launch.archive) if launch.archive else []
    return MachinePlan(
        state=str(launch.state),
        binaries=str(launch.binaries.resolve()),
        python=str(Path(sys.executable).resolve()),
        python_home=sys.base_prefix,
        listener=launch.listener.fileno(),
        archive=str(archive) if archive else None,
        archive_key=archive.stem if archive else None,
        stores=[str(store) for store in stores],
    )


def _refused(step: str, reason: str) -> errors.LabError:
    from cluster.local import trial

    return trial.refused(step, reason)


NAMESPACES = Program(
    "cluster.local.namespaces.main",
    _plan,
    "making the namespaces of the cluster",
    refused=_refused,
)


def local_machine(state: Path) -> Machine:
    """Return the machine of the local cluster in the directory `state`."""
    return Machine(state, NAMESPACES)
