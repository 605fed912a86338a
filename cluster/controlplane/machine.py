"""Say how a control plane is started: as one process of the host, without namespaces.

All else is as with the local cluster's machine: this process takes the place of its
outer process and of its PID 1.
"""

import dataclasses
import functools
import json
import sys
from collections.abc import Mapping
from pathlib import Path

from cluster import ports
from cluster.controlplane.process import Plan
from cluster.kubeconfig import write_embedded
from cluster.local.layout import API_SERVER, CONTEXT, KUBECONFIG_STEMS
from cluster.local.machine import Launch, Machine, Program
from cluster.statedir import write_private
from cluster.usermode import components, kernel, layout

_MAIN = "cluster.controlplane.process.main"
#: components of the node that ask the API server
_NODE = ("kubelet", "coredns")


def control_plane(state: Path) -> Machine:
    """Return the control plane whose state is in the directory `state`.

    What a start takes for an archive of images is the disk of a node in user-mode
    Linux, or None for no node.
    """
    return Machine(
        state,
        Program(_MAIN, _plan, "starting the control plane", "outer", ports.hold),
    )


def api_server(
    state: Path, lifeline: int, flags: Mapping[str, Mapping[str, str]]
) -> Machine:
    """Return an API server with its etcd, and nothing else.

    It ends when nobody holds the other end of the pipe `lifeline` any more. `flags`
    are more command line options of the two, by component.
    """
    plan = functools.partial(_server_plan, lifeline, flags)
    return Machine(
        state,
        Program(
            _MAIN, plan, "starting the API server", "outer", ports.hold, (lifeline,)
        ),
    )


def _server_plan(lifeline: int, flags: Mapping, launch: Launch) -> Plan:
    return dataclasses.replace(_common_plan(launch), lifeline=lifeline, flags=flags)


def _plan(launch: Launch) -> Plan:
    plan = _common_plan(launch)
    server = f"https://127.0.0.1:{plan.port}"
    pki = launch.state / "pki"
    write_embedded(pki, KUBECONFIG_STEMS, server=server, context=CONTEXT)
    node = launch.archive and kernel.find()[0]
    if not launch.archive or not node:
        return plan
    write_embedded(pki, _NODE, server=API_SERVER, context=CONTEXT)
    # What the node is asked for.
    asked = components.Plan(
        state=plan.state,
        binaries=plan.binaries,
        python=plan.python,
        python_home=sys.base_prefix,
        port=plan.port,
    )
    text = json.dumps(dataclasses.asdict(asked))
    write_private(launch.state / layout.PLAN, text)
    # By a name that a kernel's command line can hold, wherever the cache is.
    (launch.state / layout.DISK).symlink_to(launch.archive.resolve())
    return dataclasses.replace(plan, node=dataclasses.asdict(node))


def _common_plan(launch: Launch) -> Plan:
    return Plan(
        state=str(launch.state),
        binaries=str(launch.binaries.resolve()),
        python=str(Path(sys.executable).resolve()),
        lock=launch.lock,
        port=launch.listener.getsockname()[1],
    )
