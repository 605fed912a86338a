"""Find the container engine of this machine, and ask it about the node of a cluster.

Its own command line is asked, as kind does. Where a container uses the engine of its
host, the API server's port would be on the host's loopback device, which cannot be
reached. For a rootless engine kind needs more (`validateProvider` in its create.go):

kind asks for        `docker info`                       `podman info`, in `host`
rootless             SecurityOptions has name=rootless   security.rootless
cgroup v2            CgroupVersion "2"                   cgroupVersion "v2"
delegated memory     MemoryLimit                         cgroupControllers
delegated pids       PidsLimit                           cgroupControllers
delegated cpu        CPUShares                           cgroupControllers
a cgroup driver      CgroupDriver is not "none"          --

In a container, Name or hostname must be ours: else the engine is the host's.
"""

import json
import os
import re
import shutil
import socket
from dataclasses import dataclass
from pathlib import Path

from cluster import errors
from cluster.image.engine import PROGRAMS, ask, version
from cluster.language import mark, say

#: kind's own variable; who has set it has chosen
CHOSEN = "KIND_EXPERIMENTAL_PROVIDER"
#: the endpoint of an engine that needs no address
HERE = "this machine"
#: seconds for work, as stopping a node
LONGEST = 60.0

#: asks for what kind asks for, too
_INFO = {"docker": "{{json .}}", "podman": "json"}
_LABEL = "io.x-k8s.kind.cluster"
#: files that Docker and Podman put into each container, as seen from `/`
MARKS = (".dockerenv", "run/.containerenv")
#: controllers that kind requires of a rootless engine: else it says `Delegate=yes`
CONTROLLERS = ("memory", "pids", "cpu")


@dataclass(frozen=True)
class Engine:
    """A container engine that answered: `docker` or `podman`, and its version."""

    program: str
    version: str = ""

    def __str__(self) -> str:
        """Return both as a person says them."""
        return f"{self.program} {self.version}".rstrip()

    @property
    def endpoint(self) -> str:
        """Return the address that the command line uses, "" if unknown.

        For Docker that of the context in use, or DOCKER_HOST; for Podman
        CONTAINER_HOST. No daemon is asked.
        """
        if self.program == "podman":
            return os.environ.get("CONTAINER_HOST") or HERE
        form = "{{.Endpoints.docker.Host}}"
        answer = ask(self.program, "context", "inspect", "--format", form)
        return answer.stdout.strip()

    def environment(self) -> dict[str, str]:
        """Return the environment for kind: this engine, and no kubeconfig but ours."""
        return {**os.environ, CHOSEN: self.program, "KUBECONFIG": ""}

    def state(self, cluster: str) -> str:
        """Return the state of a node, as `running`, "" for none; raise EngineFailed."""
        label = f"label={_LABEL}={cluster}"
        return self.ask("ps", "--all", f"--filter={label}", "--format={{.State}}")

    def stop(self, container: str) -> None:
        """Stop a container; raise EngineFailed."""
        # systemd in it wants a moment to end the containers of pods.
        self.ask("stop", "-t", "20", container)

    def has_image(self, image: str) -> bool:
        """Return whether an image need not be pulled."""
        done = ask(self.program, "image", "inspect", image, timeout=LONGEST)
        return done.returncode == 0

    def ask(self, *arguments: str, timeout: float = LONGEST) -> str:
        """Return the output of the engine; raise EngineFailed."""
        done = ask(self.program, *arguments, timeout=timeout)
        if done.returncode:
            what = f"{self.program} {' '.join(arguments[:2])}"
            raise errors.EngineFailed(what, done.returncode, done.stderr)
        return done.stdout.strip()


def detect() -> tuple[Engine | None, str]:
    """Return the first engine that answers here, and "", or why there is none."""
    chosen = os.environ.get(CHOSEN)
    programs = [name for name in PROGRAMS if chosen in (None, "", name)]
    reasons = []
    for name in filter(shutil.which, programs):
        engine, reason = _answer(name)
        if engine:
            return engine, ""
        reasons.append(reason)
    if reasons:
        return None, ", ".join(reasons)
    if not chosen:
        return None, say("docker and podman not found")
    return None, say("{program} not found", program=chosen)


def _answer(program: str) -> tuple[Engine | None, str]:
    """Ask one program."""
    name = ask(program, "--version").stdout
    if not name.lower().startswith(f"{program} version"):
        # As of the podman package that calls itself docker: kind knows it as podman.
        return None, say("{program} is not {program} here", program=program)
    # kind would publish the API server's port there, on its 127.0.0.1.
    place = Engine(program).endpoint
    if re.match(r"(tcp|ssh|https?)://", place):
        text = mark("{program} works on another machine ({place})")
        return None, say(text, program=program, place=place)
    number, complaint = version(program)
    if not number:
        text = mark("{program} does not answer ({reason})")
        return None, say(text, program=program, reason=_shorten(complaint))
    info = ask(program, "info", "--format", _INFO[program])
    reason = problem(program, info.stdout)
    return (None, reason) if reason else (Engine(program, number), "")


def _shorten(complaint: str) -> str:
    *_, last = ("", *complaint.strip().splitlines())
    sentence = re.split(r"(?<=[^.])[.:;] ", last.strip())[0]
    return sentence.rstrip(".")[:100] or say("it says nothing")


def problem(program: str, info: str, root: Path = Path("/")) -> str | None:
    """Return why kind cannot use the engine of an `info`, in JSON, or None.

    Without JSON it is None: kind says best what is wrong with such an engine.
    """
    try:
        read = _podman if program == "podman" else _docker
        name, rootless, unified, controllers = read(json.loads(info))
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    contained = any((root / mark).exists() for mark in MARKS)
    if contained and name and name != socket.gethostname():
        text = mark(
            "{program} is that of the host ({name}), whose 127.0.0.1 is not this "
            "container's"
        )
        return say(text, program=program, name=name)
    if rootless and not unified:
        text = mark("{program} is rootless, and kind needs cgroup v2 for that")
        return say(text, program=program)
    missing = [name for name in CONTROLLERS if name not in controllers]
    if rootless and missing:
        text = mark(
            "{program} is rootless and lacks the cgroup controllers {names} (systemd: "
            "Delegate=yes)"
        )
        return say(text, program=program, names=", ".join(missing))
    return None


def _docker(info: dict) -> tuple[str, bool, bool, list[str]]:
    options = ",".join(info["SecurityOptions"] or ()).split(",")
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
