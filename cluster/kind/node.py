"""Talk to the node of a kind cluster, a container, through the engine's `exec`."""

import functools
import io
import json
import subprocess
import tarfile
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cluster import errors, versions
from cluster.image import load as images
from cluster.kind.engine import LONGEST, Engine
from cluster.kind.plan import AUDIT, START_TIMEOUT, KindPlan
from cluster.kind.programs import Commands
from cluster.language import say
from cluster.machine import audit
from cluster.progress import Progress, Silent
from cluster.waiting import poll

#: services of the node itself; everything else runs in containers
SERVICES = ("kubelet", "containerd")
#: port of the API server in the node
API_PORT = 6443
#: seconds that one answer of the API server may take
ANSWER = 5.0


@dataclass(frozen=True)
class Node:
    """The node of the cluster of `plan`; `kubectl` is the directory of ours."""

    plan: KindPlan
    engine: Engine
    kubectl: Path

    def run(self, *command: str, timeout: float = LONGEST) -> str:
        """Return the output of a command in the node; raise EngineFailed."""
        return self.engine.ask("exec", self.plan.node, *command, timeout=timeout)

    def asks(self, *arguments: str) -> list[str]:
        """Return the command by which our kubectl asks this cluster and no other."""
        return [
            str(self.kubectl / "kubectl"),
            f"--kubeconfig={self.plan.kubeconfig}",
            f"--context={self.plan.context}",
            *arguments,
        ]

    def server(self) -> str:
        """Return the URL of the API server; raise EngineFailed."""
        # Each address has a line; there is one address.
        where = self.engine.ask("port", self.plan.node, f"{API_PORT}/tcp")
        return f"https://{where.splitlines()[0]}" if where else ""

    def answers(self) -> bool:
        """Return whether the API server calls itself ready."""
        return self._get("--raw=/readyz") == "ok"

    def pods(self) -> list[dict]:
        """Return the pods of kube-system, [] if the API server does not answer."""
        answer = self._get("pods", "--namespace=kube-system", "-o", "json")
        return json.loads(answer)["items"] if answer else []

    def _get(self, *arguments: str) -> str:
        command = self.asks("get", *arguments, f"--request-timeout={ANSWER:.0f}s")
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                timeout=ANSWER + 1,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""

    def log(self, component: str, lines: int, *, previous: bool) -> str:
        """Return the end of a log, also without the API server; raise LabError."""
        if component == "node":
            return self.engine.ask("logs", f"--tail={lines}", self.plan.node)
        if component in SERVICES:
            return self.run(
                "journalctl", f"--unit={component}", "--no-pager", f"--lines={lines}"
            )
        # The newest first.
        containers = self.run(
            "crictl", "ps", "--all", "--quiet", f"--name=^{component}$"
        )
        container = containers.split()[1:2] if previous else containers.split()[:1]
        if not container:
            raise errors.NoLog(component)
        # A container's two streams are one log; crictl parts them again.
        both = 'exec crictl logs --tail="$1" "$2" 2>&1'
        return self.run("sh", "-c", both, "sh", str(lines), *container)

    def audit_log(self) -> str:
        """Return the content of the audit log's files; raise EngineFailed."""
        # A pattern that fits no file stays as it is.
        script = f'for file in "$1"/{audit.FULL} "$1"/{audit.NAME}; do '
        script += '[ ! -e "$file" ] || cat "$file"; done'
        return self.run("sh", "-c", script, "sh", AUDIT)

    def images(self) -> list[images.StoredImage]:
        """Return the images that pods can use without a pull, sorted by name."""
        listed = json.loads(self.run("crictl", "images", "-o", "json"))["images"]
        return sorted(
            (
                images.StoredImage(name, image["id"], int(image["size"]))
                for image in listed
                for name in image.get("repoTags") or ()
            ),
            key=lambda image: image.name,
        )


def await_ready(node: Node, commands: Commands, progress: Progress) -> None:
    """Wait for server, node, ServiceAccount and DNS; raise NotReady or KindFailed."""
    began = time.monotonic()
    _await_answer(node, progress)
    for what, arguments in node.plan.conditions().items():
        left = max(1, int(START_TIMEOUT - (time.monotonic() - began)))
        step = say("waiting for {what}", what=say(what))
        show = functools.partial(progress.update, step)
        commands.run(node.asks(*arguments, f"--timeout={left}s"), step, show)


def _await_answer(node: Node, progress: Progress) -> None:
    """Raise NotReady for a node that ends, or whose API server does not answer."""
    began = time.monotonic()

    def alive() -> None:
        state = node.engine.state(node.plan.cluster)
        if state != "running":
            waited = time.monotonic() - began
            last = say("its container is {state}", state=state or say("gone"))
            raise errors.NotReady(say("The start of the node"), waited, last)
        progress.update(say("waiting for {what}", what=say("the API server")))

    if not poll(node.answers, START_TIMEOUT, on_miss=alive):
        raise errors.NotReady(
            say("An answer of the API server"),
            START_TIMEOUT,
            say("its node runs"),
            say("See `.venv/bin/kapi logs kube-apiserver` and `logs kubelet`."),
        )


def component_rows(pods: list[dict]) -> dict[str, dict]:
    """Return the rows of a status from the pods of kube-system; pure."""
    return {
        container["name"]: _row(container, pod["metadata"]["creationTimestamp"])
        for pod in pods
        for container in pod.get("status", {}).get("containerStatuses") or ()
    }


def _row(container: dict, created: str) -> dict:
    states: dict[str, dict] = container.get("state") or {"waiting": {}}
    state, facts = next(iter(states.items()))
    last = container.get("lastState", {}).get("terminated") or {}
    began = facts.get("startedAt") or created
    return {
        "state": state if state == "running" else facts.get("reason", state),
        "pid": None,
        "restarts": container.get("restartCount", 0),
        "last_exit": last.get("reason"),
        "since": datetime.fromisoformat(began).timestamp(),
    }


@dataclass(frozen=True)
class NodeClient(images.ContainerdClient):
    """Queries the containerd of a node; kind streams an archive into the node."""

    node: Node
    commands: Commands
    progress: Progress = Silent()

    def load(self, archive: Path) -> None:
        """Import an archive by kind; raise Refused."""
        try:
            self.commands.kind(self.node.plan.load(archive), self.progress)
        except errors.KindFailed as error:
            raise images.Refused(error.message.splitlines()[-1]) from None

    def ask(self, *arguments: str) -> str:
        """Return the output of `ctr` in the node; raise Refused."""
        try:
            return self.node.run("ctr", "--namespace=k8s.io", *arguments)
        except errors.EngineFailed as error:
            *_, last = ("", *error.stderr.strip().splitlines())
            raise images.Refused(last.removeprefix("ctr: ")) from None


def ensure_toolbox(
    node: Node, commands: Commands, archive: Path, progress: Progress
) -> None:
    """Load the image of the lessons from the suite's archive, unless the node has it.

    Alone: the archive holds a pause image too, and the node has its own.
    """
    name = versions.TOOLBOX_IMAGE
    alone = node.plan.state / "toolbox.tar"
    with tarfile.open(archive) as source:
        file = source.extractfile("manifest.json")
        assert file  # no directory
        entry = next(
            found
            for found in json.load(file)
            if name in map(images.full_name, found["RepoTags"])
        )
        # An image's id is the digest of its configuration.
        image_here = (name, f"sha256:{Path(entry['Config']).stem}")
        if any((image.name, image.digest) == image_here for image in node.images()):
            return
        try:
            _extract(source, entry, alone)
            images.add(NodeClient(node, commands, progress), alone)
        finally:
            alone.unlink(missing_ok=True)


def _extract(source: tarfile.TarFile, entry: dict, target: Path) -> None:
    """Write an archive of the image that `entry` of a manifest describes."""
    with tarfile.open(target, "w") as copy:
        for part in (entry["Config"], *entry["Layers"]):
            member = source.getmember(part)
            copy.addfile(member, source.extractfile(member))
        manifest = json.dumps([entry]).encode()
        info = tarfile.TarInfo("manifest.json")
        info.size = len(manifest)
        copy.addfile(info, io.BytesIO(manifest))
