"""Look at the cluster that runs, and at the kubectl that a shell would ask it with."""

import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass

from cluster import backends, versions
from cluster.backend import Backend
from cluster.doctor.findings import Finding, ok, warning


@dataclass(frozen=True)
class Cluster:
    """The cluster, if it runs: what `status` says, its version, and who we are.

    `kubectl` is the version of the one that a shell finds, "" without one.
    """

    status: dict | None
    server: str
    user: str
    groups: tuple[str, ...]
    kubectl: str
    kubectl_path: str

    @classmethod
    def read(cls) -> "Cluster":
        """Ask our own cluster, and no other."""
        lab = backends.kept()
        status = lab.status()
        server, user, groups = "", "", ()
        if status and status["phase"] == "ready":
            ours = (str(lab.binaries() / "kubectl"), *_options(lab))
            version = _json(*ours, "version")
            server = version.get("serverVersion", {}).get("gitVersion", "")
            review = _json(*ours, "auth", "whoami")
            info = review.get("status", {}).get("userInfo", {})
            user, groups = info.get("username", ""), tuple(info.get("groups", ()))
        path = shutil.which("kubectl") or ""
        client = (
            _json(path, "--context=none", "version", "--client", env=_NOBODY)
            if path
            else {}
        )
        found = client.get("clientVersion", {}).get("gitVersion", "")
        return cls(status, server, user, groups, found, path)

    def findings(self) -> Iterator[Finding]:
        """Judge the cluster, our identity, and the distance of the shell's kubectl."""
        if self.status is None:
            yield ok("cluster", "not running; `python -m helpers up` starts it")
        elif self.status["phase"] == "not answering":
            yield warning(
                "cluster",
                f"it runs and does not answer: {self.status['problem']}.",
                "Look at `python -m helpers status`; `stop` and `up` start it anew.",
            )
        else:
            version = f", {self.server}" if self.server else ""
            yield ok(
                "cluster", f"{self.status['phase']} at {self.status['server']}{version}"
            )
        if self.user:
            groups = ", ".join(self.groups)
            yield ok("identity", f"{self.user}, groups {groups}")
        yield self._skew()

    def _skew(self) -> Finding:
        if not self.kubectl:
            return ok(
                "kubectl", "none on PATH; connect() gives notebooks the suite's own"
            )
        server = self.server or versions.KUBERNETES
        distance = abs(_minor(self.kubectl) - _minor(server))
        known = f"{self.kubectl} ({self.kubectl_path})"
        if distance <= 1:
            return ok("kubectl", known)
        return warning(
            "kubectl",
            f"{known} is {distance} minor versions away from the server's {server}; "
            "one is supported. Notebooks use the suite's own.",
            "In a shell, put the directory that `python -m helpers up` prints first "
            "in PATH.",
        )


#: Some vendors' kubectl asks the server for its version first, and without a
#: kubeconfig it asks localhost:8080; a context that does not exist keeps it silent.
_NOBODY = {"KUBECONFIG": "/dev/null", "PATH": os.defpath}


def _options(lab: Backend) -> tuple[str, ...]:
    return (
        f"--kubeconfig={lab.kubeconfig}",
        f"--context={lab.context}",
        "--request-timeout=5s",
    )


def _json(kubectl: str, *arguments: str, env: dict | None = None) -> dict:
    """Return what kubectl answers as JSON, or {} if it does not."""
    try:
        done = subprocess.run(
            [kubectl, *arguments, "-o", "json"],
            stdin=subprocess.DEVNULL,
            env=env,
            capture_output=True,
            text=True,
            timeout=10,
        )
        return json.loads(done.stdout)
    except (OSError, subprocess.TimeoutExpired, ValueError):
        return {}


def _minor(version: str) -> int:
    return int(version.split(".")[1])
