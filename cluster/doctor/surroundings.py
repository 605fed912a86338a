"""Look at what the learner's environment brings along: Python, proxies, clusters.

Environment variables are only read. Above all, another cluster is never contacted.
"""

import importlib.metadata
import os
import sys
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster import versions
from cluster.doctor.findings import Finding, fatal, ok, warning

PYTHON = (3, 11)
#: It sent no Authorization header from inside a pod.
BROKEN_CLIENT = "36.0.0"
TOKEN = Path("/var/run/secrets/kubernetes.io/serviceaccount/token")


@dataclass(frozen=True)
class Python:
    """The interpreter that runs this."""

    version: tuple[int, int, int]
    executable: str

    @classmethod
    def read(cls) -> "Python":
        """Ask the interpreter."""
        return cls(tuple(sys.version_info[:3]), sys.executable)

    def findings(self) -> Iterator[Finding]:
        """Judge."""
        found = ".".join(map(str, self.version))
        known = f"{found} ({self.executable})"
        if self.version < PYTHON:
            yield fatal(
                "Python",
                f"{known} is too old: 3.11 or newer is needed.",
                "Install one and run `make setup PYTHON=/path/to/python3`.",
            )
        else:
            yield ok("Python", known)


@dataclass(frozen=True)
class Client:
    """The version of the Python package `kubernetes`, None without it."""

    version: str | None

    @classmethod
    def read(cls) -> "Client":
        """Read the package's metadata; it is slow to import."""
        try:
            return cls(importlib.metadata.version("kubernetes"))
        except importlib.metadata.PackageNotFoundError:
            return cls(None)

    def findings(self) -> Iterator[Finding]:
        """Judge: client N is made for Kubernetes 1.N."""
        wanted = versions.KUBERNETES.split(".")[1]
        way_out = "Run `make setup`, and use `.venv/bin/python`."
        if self.version is None:
            fact = "the Python package `kubernetes` is not installed here."
            yield warning("client", fact, way_out)
        elif self.version == BROKEN_CLIENT:
            fact = f"kubernetes {self.version} sends no token from inside a pod."
            yield fatal("client", fact, way_out)
        elif self.version.split(".")[0] != wanted:
            fact = f"kubernetes {self.version} is not made for 1.{wanted}."
            yield warning("client", fact, way_out)
        else:
            yield ok("client", f"Python package kubernetes {self.version}")


@dataclass(frozen=True)
class Proxies:
    """HTTP proxies by scheme; `bypassed` if requests to 127.0.0.1 avoid them."""

    proxies: tuple[str, ...]
    bypassed: bool

    @classmethod
    def read(cls) -> "Proxies":
        """Read the environment as curl and Python do; values may hold passwords."""
        found = urllib.request.getproxies_environment()
        names = tuple(sorted(name for name in found if name != "no"))
        return cls(names, bool(urllib.request.proxy_bypass_environment("127.0.0.1")))

    def findings(self) -> Iterator[Finding]:
        """Judge: a proxy cannot reach a cluster on our loopback device."""
        if not self.proxies:
            yield ok("proxy", "none set")
            return
        names = ", ".join(f"{name}_proxy" for name in self.proxies)
        if self.bypassed:
            yield ok("proxy", f"{names}; 127.0.0.1 is excepted")
        else:
            yield warning(
                "proxy",
                f"{names} is set and 127.0.0.1 is not excepted: curl in a shell asks "
                "the proxy for the cluster. In notebooks connect() excepts it.",
                "export NO_PROXY=127.0.0.1,localhost no_proxy=127.0.0.1,localhost",
            )


@dataclass(frozen=True)
class Kubeconfigs:
    """Traces of other clusters: KUBECONFIG, and the one that hosts this machine.

    `host` is the hosting cluster's address, `token` says whether it gave us one.
    """

    kubeconfig: str
    host: str
    token: bool

    @classmethod
    def read(cls) -> "Kubeconfigs":
        """Look at names only; nothing is opened and nobody is asked."""
        return cls(
            os.environ.get("KUBECONFIG", ""),
            os.environ.get("KUBERNETES_SERVICE_HOST", ""),
            TOKEN.exists(),
        )

    def findings(self) -> Iterator[Finding]:
        """Judge: nothing here is a problem, but it must be seen."""
        if self.kubeconfig:
            yield ok(
                "KUBECONFIG",
                f"{self.kubeconfig}; neither read nor written: connect() sets its own "
                "in a notebook",
            )
        if self.host:
            token = "with" if self.token else "without"
            yield ok(
                "hosting cluster",
                f"this machine is a pod of another cluster ({self.host}), {token} a "
                "token for it; it is never contacted",
            )
