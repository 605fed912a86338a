"""Examine the computer, for any cluster of processes or containers."""

import platform
from collections.abc import Iterator
from dataclasses import dataclass

from cluster.findings import Finding, ok


@dataclass(frozen=True)
class Kernel:
    """The operating system, its release and the processor's architecture."""

    name: str

    @classmethod
    def read(cls) -> "Kernel":
        """Ask the kernel."""
        system, release = platform.system(), platform.release()
        return cls(f"{system} {release} on {platform.machine()}")

    def findings(self) -> Iterator[Finding]:
        """Report it: the topic of the backend says what runs."""
        yield ok("kernel", self.name)
