"""Take what a start needs from the archive, for `tools/setup.sh`; build nothing.

The set-up asks for packages that build programs and image only where this ends with 1.
"""

import os
import sys

from cluster import backends, errors
from cluster.bundle import ready
from cluster.language import lessons_language, speak
from cluster.progress import Silent, Terminal


class _Kept(Silent):
    """Keep the lines that are shown for good."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def finish(self, message: str) -> None:
        self.lines.append(message)


def main() -> int:
    """Return 1 if something would have to be made, or fetched from its project.

    Before it fetches anything it says for which backend, where another one is better.
    """
    speak(lessons_language(os.environ))
    try:
        lines, view = _Kept(), Terminal()
        if backends.current(None, lines).is_prepared():
            return 0
        for line in lines.lines:
            view.finish(line)
        return 0 if ready.ensure(view) else 1
    except errors.LabError:
        return 0  # the set-up itself ends with it, whatever is installed


if __name__ == "__main__":
    sys.exit(main())
