"""Name the directories in which a build makes programs, one build at a time."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class WorkDir:
    """The directories of builds and downloads below `root`, on the cache's disk."""

    root: Path

    @property
    def log(self) -> Path:
        """Return the file with all output of the last build."""
        return self.root / "log"

    @property
    def compiled(self) -> Path:
        """Return Go's build cache. A build that was cut short goes on from it."""
        return self.root / "compiled"

    @property
    def downloads(self) -> Path:
        """Return where downloads are. What came whole is not fetched again."""
        return self.root / "downloads"

    def stage(self) -> Path:
        """Make the directory of this build; remove those of dead builds."""
        self.clear()
        return Path(tempfile.mkdtemp(prefix="stage-", dir=self.root))

    def clear(self) -> None:
        """Remove unfinished files."""
        for stage in self.root.glob("stage-*"):
            shutil.rmtree(stage, ignore_errors=True)
