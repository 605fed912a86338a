"""Keep the requests that were sent: what a wire log shows. Pure, without secrets.

Only what a line of a log needs; neither bodies nor the values of headers that say who
asks are ever taken in.
"""

import threading
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pandas as pd

from cluster import masks

#: so many requests are kept, the newest ones
MOST = 5000

COLUMNS = ["TIME", "FROM", "METHOD", "URL", "STATUS", "MS", "BYTES"]


@dataclass
class Entry:
    """One request and its answer; `status` is 0 as long as there is none.

    `at` is seconds since 1970, `size` the bytes of the body as they came, None where
    that is not known. `sent` and `received` are headers.
    """

    at: float
    source: str
    method: str
    url: str
    status: int = 0
    milliseconds: float | None = None
    size: int | None = None
    reason: str = ""
    sent: list[tuple[str, str]] = field(default_factory=list)
    received: list[tuple[str, str]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Take out what may be secret, before anybody sees it."""
        self.url = masks.url(self.url)
        self.sent = masks.headers(self.sent)

    def send(self, name: str, value: str) -> None:
        """Note a header of the request."""
        self.sent += masks.headers([(name, value)])

    def answered(
        self, status: int, reason: str, received: Iterable[tuple[str, str]]
    ) -> None:
        """Note the head of the answer."""
        self.status, self.reason = status, masks.text(reason)
        self.received = masks.headers(received)


class RequestLog:
    """The last requests, for several threads to add to."""

    def __init__(self) -> None:
        """Begin with none."""
        self.lock = threading.Lock()
        self._entries: deque[Entry] = deque(maxlen=MOST)
        #: how many came in all, those that were dropped as well
        self.total = 0

    def add(self, entry: Entry) -> None:
        """Take one more in; the oldest goes if there are too many."""
        with self.lock:
            self._entries.append(entry)
            self.total += 1

    def newest(self, contains: str = "") -> list[Entry]:
        """Return those whose line contains a text, newest first."""
        wanted = contains.casefold()
        with self.lock:
            found = sorted(self._entries, key=lambda entry: -entry.at)
        return [entry for entry in found if wanted in _line(entry).casefold()]

    def frame(self) -> pd.DataFrame:
        """Return all, oldest first; a missing STATUS, MS or BYTES is not known."""
        rows = [
            (
                datetime.fromtimestamp(entry.at, UTC),
                entry.source,
                entry.method,
                entry.url,
                entry.status or pd.NA,
                entry.milliseconds,
                entry.size,
            )
            for entry in reversed(self.newest())
        ]
        types = {"STATUS": "Int64", "MS": "Float64", "BYTES": "Int64"}
        return pd.DataFrame(rows, columns=COLUMNS).astype(types)

    def summary(self) -> str:
        """Return one sentence: how many, from whom, with which answers."""
        entries = self.newest()
        if not entries:
            return "No requests yet."
        sources = _counted(entry.source for entry in entries)
        codes = _counted((_family(entry.status) for entry in entries), " × ")
        known = sum(entry.size or 0 for entry in entries)
        dropped = self.total - len(entries)
        older = f" {dropped:,} older ones are no longer kept." if dropped else ""
        one = "request" if len(entries) == 1 else "requests"
        return (
            f"{len(entries):,} {one} ({sources}); answers: {codes}; "
            f"{known:,} bytes, as far as known.{older}"
        )


def _line(entry: Entry) -> str:
    return f"{entry.source} {entry.method} {entry.url} {entry.status} {entry.reason}"


def _family(status: int) -> str:
    return f"{status // 100}xx" if status else "no answer"


def _counted(words: Iterable[str], sign: str = " ") -> str:
    counts: dict[str, int] = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return ", ".join(f"{count:,}{sign}{word}" for word, count in sorted(counts.items()))
