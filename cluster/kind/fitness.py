"""Judge by what an engine tells of itself whether kind can make a node on it.

===================  ==================================  ============================
engine               what kind asks of it                where it is told
===================  ==================================  ============================
with root            nothing                             --
rootless             cgroup v2, and systemd must have    docker: CgroupVersion,
                     delegated memory, pids and cpu      CgroupDriver, MemoryLimit,
                     (`validateProvider` in kind's       PidsLimit, CPUShares; podman:
                     create.go)                          host.cgroupControllers
of the host, its     nothing; but the API server's port  its host's name is not ours
socket mounted into  would be on the host's loopback
our container        device, where we cannot ask
===================  ==================================  ============================
"""

import json
import socket
from pathlib import Path

#: what Docker and Podman leave in each container, as seen from `/`
MARKS = (".dockerenv", "run/.containerenv")
#: what is rootless and lacks them gets from kind the advice to set `Delegate=yes`
CONTROLLERS = ("memory", "pids", "cpu")


def lack(program: str, told: str, root: Path = Path("/")) -> str:
    """Return why kind can make no node there, a clause without its subject, or "".

    `program` is docker or podman, `told` its `info` as JSON. An engine that tells
    nothing is taken as it is: kind says best what is wrong with it.
    """
    try:
        info = json.loads(told)
        tells = _podman if program == "podman" else _docker
        name, rootless, unified, controllers = tells(info)
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
    contained = any((root / mark).exists() for mark in MARKS)
    if contained and name and name != socket.gethostname():
        return f"is that of the host ({name}), whose 127.0.0.1 is not this container's"
    if rootless and not unified:
        return "is rootless, and kind needs cgroup v2 for that"
    missing = [name for name in CONTROLLERS if name not in controllers]
    if rootless and missing:
        lacks = f"lacks the cgroup controllers {', '.join(missing)}"
        return f"is rootless and {lacks} (systemd: Delegate=yes)"
    return ""


def _docker(info: dict) -> tuple[str, bool, bool, list[str]]:
    options = [
        word for line in info["SecurityOptions"] or () for word in line.split(",")
    ]
    # Without a driver the limits say nothing (moby issue 42151).
    driven = info.get("CgroupDriver") != "none"
    limits = zip(CONTROLLERS, ("MemoryLimit", "PidsLimit", "CPUShares"), strict=True)
    controllers = [name for name, key in limits if driven and info.get(key)]
    unified = info.get("CgroupVersion") == "2"
    return info.get("Name", ""), "name=rootless" in options, unified, controllers


def _podman(info: dict) -> tuple[str, bool, bool, list[str]]:
    host = info["host"]
    controllers = host.get("cgroupControllers") or []
    unified = host.get("cgroupVersion") == "v2"
    return host.get("hostname", ""), host["security"]["rootless"], unified, controllers
