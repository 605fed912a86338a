"""Look at what a cluster made by kind needs: an engine, kind, kubectl, two images."""

from collections.abc import Iterator
from dataclasses import dataclass

from cluster import binaries, errors, versions
from cluster.binaries import releases
from cluster.doctor.findings import Finding, fatal, ok
from cluster.kind import engine, programs

_TO_GET = "none yet; the first `up` gets or builds it, once"


@dataclass(frozen=True)
class Engine:
    """The container engine: its name and version, or why there is none.

    `node` says whether it has the image of the node.
    """

    engine: str
    reason: str
    node: bool

    @classmethod
    def read(cls) -> "Engine":
        """Ask it."""
        found, why = engine.detect()
        node = found is not None and found.has_image(versions.KIND_NODE)
        return cls(str(found or ""), why, node)

    def findings(self) -> Iterator[Finding]:
        """Judge: without an engine there is no node."""
        if not self.engine:
            error = errors.NoEngine(self.reason)
            yield fatal("engine", error.fact, error.way_out)
            return
        yield ok("engine", self.engine)
        image = versions.KIND_NODE.partition("@")[0]
        yield ok("node image", image if self.node else f"{image} will be pulled")


@dataclass(frozen=True)
class Programs:
    """Where kind and kubectl are, "" before they are got; `hosts` is who is asked."""

    kind: str
    kubectl: str
    hosts: str

    @classmethod
    def read(cls) -> "Programs":
        """Look for them."""
        return cls(
            str(programs.find_kind() or ""),
            str(binaries.find_kubectl() or ""),
            releases.hosts(),
        )

    def findings(self) -> Iterator[Finding]:
        """Say it; what is missing is got."""
        yield ok("kind", self.kind or _TO_GET)
        yield ok("binaries", self.kubectl or _TO_GET)
        if not (self.kind and self.kubectl):
            yield ok("downloads", self.hosts or f"off: {releases.OFF} is set")
