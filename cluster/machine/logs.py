"""Keep the log files of the machine readable and small.

Each component writes straight into its file; that of the start before is `.log.1`.
"""

import contextlib
import json
import os
import re
from pathlib import Path

from cluster.statedir import open_private, read_shared

#: bytes that one log may have; a component in a loop must not fill the disk
LIMIT = 16_000_000
#: bytes of it that are kept when it has more
KEPT = 1_000_000
#: seconds between two looks
INTERVAL = 5.0


def rotate(directory: Path) -> None:
    """Set the logs of the last start aside as `.log.1`."""
    for log in directory.glob("*.log"):
        log.replace(log.with_suffix(".log.1"))


def shrink(path: str | os.PathLike, limit: int, kept: int) -> bool:
    """Cut a log that is longer than `limit`; return whether the log was cut.

    Its last `kept` bytes go to `.log.1`. The writer appends, so it goes on at the new
    end. A line written during the cut may be lost.
    """
    try:
        size = os.stat(path).st_size
        if size <= limit:
            return False
        with open(path, "rb") as file:
            file.seek(size - kept)
            end = file.read(kept)
        # On a full disk the end is lost, and the room is what counts.
        with (
            contextlib.suppress(OSError),
            open(os.fspath(path) + ".1", "wb", opener=open_private) as file,
        ):
            file.write(end)
        os.truncate(path, 0)
    except OSError:
        return False  # not there yet
    return True


def tail(path: Path, lines: int = 20) -> str:
    """Return the last lines of a log, or nothing if there is none."""
    try:
        return read(path, lines)
    except OSError:
        return ""


def read(path: Path, lines: int) -> str:
    """Return the last lines of a log; raise OSError."""
    return "\n".join(read_shared(path, 64 * 1024).splitlines()[-lines:])


def last_words(path: Path, lines: int = 5) -> str:
    """Return the end of a log, each line once, without Go's stack traces.

    A component that has failed three times says the same three times, and traces push
    the cause out of sight; `tail` has all.
    """
    texts: dict[str, None] = {}
    for line in tail(path, 1000).splitlines():
        if not _TRACE.match(line):
            text = _plain(line)
            texts.pop(text, None)
            texts[text] = None
    return "\n".join(
        text if len(text) <= COLUMNS else f"{text[:COLUMNS]}..."
        for text in list(texts)[-lines:]
    )


def _plain(line: str) -> str:
    """Return level, message and error of a line that is JSON, as etcd writes it."""
    try:
        entry = json.loads(line)
        return ": ".join(
            entry[key] for key in ("level", "msg", "error") if key in entry
        )
    except (ValueError, TypeError):
        return line


#: characters of a line that are shown; some loggers put a trace into one
COLUMNS = 200
_TRACE = re.compile(r"\t|goroutine \d+|created by |\S+\(.*\)$|\s*$")
