"""Describe the control plane as plain processes of the host; nothing runs here.

The differences from the local cluster are in cluster/docs/cluster.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from cluster.machine import components, layout
from cluster.machine.components import Component, Facts
from cluster.usermode import components as usermode

#: components of a node, which are not there
ABSENT = ("containerd", "kubelet", "coredns", "kube-proxy")
#: The state directory, the components' working directory: a short path, without
#: characters that a URL or a list of values would take for its own.
STATE = "/proc/self/cwd"
PKI = layout.PKI.replace(layout.STATE, STATE)
#: ports in the local cluster's descriptions, in the order of `Ports`
_FIXED = (layout.API_PORT, 2381, 10257, 10259)


@dataclass(frozen=True)
class Ports:
    """Ports on 127.0.0.1: `etcd` only for its health, `egress` to kubelet and pods."""

    apiserver: int
    etcd: int
    controller_manager: int
    scheduler: int
    egress: int


def describe(
    ports: Ports,
    binaries: str,
    *,
    bootstrapped: bool,
    node: bool = False,
    flags: Mapping[str, Mapping[str, str]] = {},
) -> tuple[Component, ...]:
    """Return the components in the order in which they are started.

    Their working directory must be the state directory, that of the programs is
    `binaries`; `flags` are more options, by component.
    """
    facts = Facts(bootstrapped=bootstrapped)
    changes = _options(ports)
    egress = {}
    if node:
        api = changes["kube-apiserver"]
        api["--egress-selector-config-file"] = f"{STATE}/{usermode.EGRESS}"
        # For pods it is where the node's relay is.
        del api["--endpoint-reconciler-type"]
        egress = {f"{STATE}/{usermode.EGRESS}": usermode.egress_config(STATE)}
    for name, more in flags.items():
        changes[name] |= more
    parts = [part for part in components.describe(facts) if part.name in changes]
    moved = [_move(part, ports, binaries, changes) for part in parts]
    return tuple(
        replace(part, files={**part.files, **egress})
        if part.name == "kube-apiserver"
        else part
        for part in moved
    )


def api_server(parts: tuple[Component, ...]) -> tuple[Component, ...]:
    """Return the components of only an API server: etcd and kube-apiserver."""
    store, server = parts[:2]
    return store, replace(server, stop_after=())


def _options(ports: Ports) -> dict[str, dict[str, str]]:
    """Return the options that differ from the machine's, by component."""
    # We hold the ports, so that nobody takes them in between.
    shared = {"--permit-port-sharing": "true"}
    return {
        "etcd": {"--socket-reuse-port": "true"},
        "kube-apiserver": shared
        | {
            "--bind-address": "127.0.0.1",
            "--secure-port": str(ports.apiserver),
            "--endpoint-reconciler-type": "none",
        },
        "kube-controller-manager": shared
        | {"--secure-port": str(ports.controller_manager)},
        "kube-scheduler": shared | {"--secure-port": str(ports.scheduler)},
    }


def _move(
    part: Component,
    ports: Ports,
    binaries: str,
    changes: Mapping[str, Mapping[str, str]],
) -> Component:
    program, *words = part.argv
    words = [_move_text(word, ports) for word in words]
    changed = changes[part.name]
    kept = [word for word in words if word.partition("=")[0] not in changed]
    return replace(
        part,
        argv=(
            program.replace(layout.BIN, binaries),
            *kept,
            *(f"{option}={value}" for option, value in changed.items()),
        ),
        ready=_move_text(part.ready, ports),
        after=_move_text(part.after, ports),
        files={_move_text(name, ports): text for name, text in part.files.items()},
        stop_after=tuple(name for name in part.stop_after if name in changes),
    )


def _move_text(text: str, ports: Ports) -> str:
    taken = (ports.apiserver, ports.etcd, ports.controller_manager, ports.scheduler)
    for fixed, port in zip(_FIXED, taken, strict=True):
        text = text.replace(f"//127.0.0.1:{fixed}", f"//127.0.0.1:{port}")
    return text.replace(layout.STATE, STATE)
