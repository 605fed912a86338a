"""Say what a running build is doing: from its log and from its processes."""

import re
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from cluster.progress import Progress

#: seconds for which a line stays the same but for its clock: a log keeps every line
STEADY = 8.0

_DOWNLOAD = re.compile(r"go: downloading (\S+) (\S+)")
_PACKAGE = re.compile(r"[\w./~+-]+")


@dataclass
class View:
    """Watches one step of a build whose output goes to `log`.

    `total` is the number of packages, as far as known: those that Go has compiled
    before are not counted again, so it is a bound.
    """

    progress: Progress
    label: str
    log: Path
    total: int = 0
    compiled: int = 0
    fetched: str = ""
    message: str = ""
    _offset: int = field(init=False)
    _half: str = field(init=False, default="")
    _changed: float = field(init=False, default=float("-inf"))

    def __post_init__(self) -> None:
        """Begin at the end of the log as it is."""
        self._offset = self.log.stat().st_size

    def __call__(self, pid: int) -> None:
        """Update the progress; called a few times a second."""
        self.read()
        now = time.monotonic()
        if now - self._changed >= STEADY:
            self.message = f"{self.label}: {self._sum(working_on(pid))}"
            self._changed = now
        self.progress.update(self.message)

    def read(self) -> None:
        """Count what the log has got since."""
        with self.log.open("rb") as file:
            file.seek(self._offset)
            text = file.read()
        self._offset += len(text)
        *lines, self._half = (self._half + text.decode(errors="replace")).split("\n")
        for line in lines:
            if found := _DOWNLOAD.fullmatch(line):
                self.fetched = found[1]
            elif _PACKAGE.fullmatch(line):
                self.compiled += 1
                self.fetched = ""

    def _sum(self, now: str) -> str:
        if self.fetched:
            return f"downloading {self.fetched}"
        if not self.total:
            return "reading the sources"
        sum_ = f"{self.compiled} of at most {self.total} packages compiled"
        return f"{sum_}, now {now}" if now else sum_


def working_on(pid: int) -> str:
    """Say what the compilers and linkers below process `pid` are busy with."""
    words = {"compile": "", "link": "linking "}
    found = []
    try:
        for child in psutil.Process(pid).children(recursive=True):
            # Go tells its tools the package; the arguments of a linker do not.
            package = child.environ().get("TOOLEXEC_IMPORTPATH", "")
            if child.name() in words and package:
                found.append(words[child.name()] + package)
    except psutil.Error:
        # They come and go; the next look sees others.
        pass
    return found[0] if found else ""
