"""Examine the container engine that runs a node."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from cluster import errors
from cluster.findings import Finding, fatal, ok
from cluster.kind import engine
from cluster.kind.programs import node_image


@dataclass(frozen=True)
class Engine:
    """The container engine, or why there is none, and the image of the node."""

    engine: str
    reason: str
    node: str
    fault: errors.LabError | None = None

    @classmethod
    def read(cls) -> "Engine":
        """Ask the engine."""
        engine_here, reason = engine.detect()
        try:
            image = node_image()
        except errors.LabError as error:
            return cls(str(engine_here or ""), reason, "", error)
        node = str(image).partition("@")[0]
        if isinstance(image, Path):
            node += " will be loaded"
        elif engine_here and not engine_here.has_image(image):
            node += " will be pulled"
        return cls(str(engine_here or ""), reason, node)

    def findings(self) -> Iterator[Finding]:
        """Judge: without an engine there is no node."""
        if not self.engine:
            error = errors.NoEngine(self.reason)
            yield fatal("engine", error.message, error.hint)
            return
        yield ok("engine", self.engine)
        if self.fault:
            yield fatal("node image", self.fault.message, self.fault.hint)
        else:
            yield ok("node image", self.node)
