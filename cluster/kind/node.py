"""Talk to the node of a kind cluster: its images, its logs, its cluster's answers.

The node is a container; what runs in it is asked through the engine's `exec`.
"""

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cluster import audit, errors
from cluster.image import load as images
from cluster.kind.engine import LONGEST, Engine
from cluster.kind.plan import AUDIT, Plan

#: services of the node itself; everything else runs in containers
SERVICES = ("kubelet", "containerd")
#: of the API server, in the node
API_PORT = 6443
#: seconds that one answer of the API server may take
ANSWER = 5.0


@dataclass(frozen=True)
class Node:
    """The node of the cluster of `plan`; `kubectl` is the directory of ours."""

    plan: Plan
    engine: Engine
    kubectl: Path

    def run(self, *command: str, timeout: float = LONGEST) -> str:
        """Return what a command in the node prints; raise EngineFailed."""
        return self.engine.ask("exec", self.plan.node, *command, timeout=timeout)

    # --- its cluster ---

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
        # One line per address; there is one.
        where = self.engine.ask("port", self.plan.node, f"{API_PORT}/tcp")
        return f"https://{where.splitlines()[0]}" if where else ""

    def answers(self) -> bool:
        """Say whether the API server calls itself ready."""
        return self._get("--raw=/readyz") == "ok"

    def pods(self) -> list[dict]:
        """Return the pods that make the cluster, [] if nobody answers."""
        said = self._get("pods", "--namespace=kube-system", "-o", "json")
        return json.loads(said)["items"] if said else []

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

    # --- its logs ---

    def log(self, component: str, lines: int, *, previous: bool) -> str:
        """Return the last lines of a component; raise EngineFailed, NotRunning.

        Of the node's own tools, which answer when the API server does not.
        """
        if component == "node":
            return self.engine.ask("logs", f"--tail={lines}", self.plan.node)
        if component in SERVICES:
            return self.run(
                *("journalctl", f"--unit={component}", "--no-pager", f"--lines={lines}")
            )
        # The newest first.
        found = self.run("crictl", "ps", "--all", "--quiet", f"--name=^{component}$")
        wanted = found.split()[1:2] if previous else found.split()[:1]
        if not wanted:
            raise errors.NotRunning(f"There is no such log of {component} yet.")
        # A container's two streams are one log; crictl parts them again.
        both = 'exec crictl logs --tail="$1" "$2" 2>&1'
        return self.run("sh", "-c", both, "sh", str(lines), *wanted)

    def audit_log(self) -> str:
        """Return what is in the files of the audit log; raise EngineFailed."""
        # A pattern that fits no file stays as it is.
        script = f'for file in "$1"/{audit.FULL} "$1"/{audit.NAME}; do '
        script += '[ ! -e "$file" ] || cat "$file"; done'
        return self.run("sh", "-c", script, "sh", AUDIT)

    # --- its images ---

    def images(self) -> list[images.Image]:
        """Return the images that pods can use without a pull, sorted by name."""
        listed = json.loads(self.run("crictl", "images", "-o", "json"))["images"]
        return sorted(
            (
                images.Image(name, image["id"], int(image["size"]))
                for image in listed
                for name in image.get("repoTags") or ()
            ),
            key=lambda image: image.name,
        )
