"""Find where a pod sees one of its labels, and time how the copies follow a change.

Pure: it is told what the API server and the pod say. A copy in a file follows; one in a
variable waits for the next start of the container.
"""

import json
import re
import threading
from dataclasses import dataclass, field
from datetime import datetime

import pandas as pd

from cluster import errors
from helpers import watch
from helpers.followers import BROKEN, FILE, NO_FILE, NO_VARIABLE, VARIABLE, Seen
from helpers.watch import LISTED, REFUSED, Event

_ALL_LABELS = "metadata.labels"
_ONE_LABEL = re.compile(r"^metadata\.labels\['([^']+)'\]$")

COLUMNS = ["LABEL", "CHANGED", "FILE AFTER", "VARIABLE THEN"]


@dataclass(frozen=True)
class Copies:
    """Where a container sees a label: in a file, and perhaps in a variable.

    `whole` says whether the file has all labels or the value of this one.
    """

    label: str
    container: str
    file: str
    whole: bool
    variable: str = ""

    def value_in(self, text: str) -> str | None:
        """Return the label's value in the content of the file; None if it has none."""
        if not self.whole:
            return text
        return read_labels(text).get(self.label)


def copies_of(pod: dict, label: str = "") -> Copies:
    """Return where a pod sees `label`; raise NoCopy if no file has it.

    Without a label it is one that a variable has, too, or else the pod's first.
    """
    found = [
        copies
        for container in pod["spec"]["containers"]
        for copies in _copies_in(container, pod, label)
    ]
    if not found:
        raise errors.NoCopy(pod["metadata"]["name"], label)
    return next((one for one in found if one.variable), found[0])


def read_labels(text: str) -> dict[str, str]:
    """Return the labels in a file of the downward API: lines `key="value"`."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key: _unquoted(value) for key, value in pairs}


@dataclass
class Change:
    """A change of the label: when it was, and after how many seconds the file had it.

    `overtaken` if the file went on to a later value without having shown this one.
    """

    value: str | None
    at: datetime
    seconds: float | None = None
    overtaken: bool = False
    variable: str | None = None


@dataclass
class Changes:
    """What the pod, its file and its variable say, and each change; thread-safe."""

    copies: Copies
    value: str | None = None
    file: str | None = None
    variable: str | None = None
    history: list[Change] = field(default_factory=list)
    #: whether the pod is not, or no longer, there
    gone: bool = False
    #: why the watch, or the way into the pod, is broken; "" while all is well
    unheard: str = ""
    unseen: str = ""
    #: the server will not tell of the pod: no other try is made
    refused: bool = False

    def __post_init__(self) -> None:
        """Make the lock: a drawing never sees half of it."""
        self.lock = threading.Lock()
        self._known = False

    def begin(self, pod: dict, at: datetime) -> None:
        """Take the pod as it was before the Watch: its first list may be of after."""
        with self.lock:
            self._take(pod, at)

    def hear(self, event: Event) -> None:
        """Take an event of a Watch of this one pod."""
        with self.lock:
            if event.type in (watch.BROKEN, REFUSED):
                self.unheard = event.object["message"]
                self.refused = event.type == REFUSED
            elif event.type == LISTED:
                self.unheard = ""
                items = event.object["items"]
                self.gone = not items
                for pod in items:
                    self._take(pod, event.at)
            elif event.type == "DELETED":
                self.gone = True
            elif event.type in ("ADDED", "MODIFIED"):
                self.gone, self.unheard = False, ""
                self._take(event.object, event.at)
            else:
                self.unheard = ""

    def see(self, seen: Seen) -> None:
        """Take what a Follower has seen in the pod."""
        with self.lock:
            self.unseen = seen.text if seen.kind in (BROKEN, NO_FILE) else ""
            if seen.kind == FILE:
                self.file = self.copies.value_in(seen.text)
                self._follow(seen.at)
            elif seen.kind in (VARIABLE, NO_VARIABLE):
                self.variable = seen.text if seen.kind == VARIABLE else None

    def waiting(self, now: datetime) -> float | None:
        """Return for how many seconds the file has been behind; None if it is not."""
        with self.lock:
            if not self.history or self.history[-1].seconds is not None:
                return None
            return (now - self.history[-1].at).total_seconds()

    def seconds_of(self, value: str | None) -> float | None:
        """Return after how many seconds the file had the newest change to `value`."""
        with self.lock:
            if self.history and self.history[-1].value == value:
                return self.history[-1].seconds
            return None

    def frame(self) -> pd.DataFrame:
        """Return a row per change: LABEL, CHANGED, FILE AFTER (s), VARIABLE THEN."""
        with self.lock:
            rows = [[c.value, c.at, c.seconds, c.variable] for c in self.history]
        return pd.DataFrame(rows, columns=COLUMNS)

    def _take(self, pod: dict, at: datetime) -> None:
        value = (pod["metadata"].get("labels") or {}).get(self.copies.label)
        if self._known and value != self.value:
            self.history.append(Change(value, at))
        self.value, self._known = value, True
        # The news of the file may be quicker than that of the label.
        self._follow(at)

    def _follow(self, at: datetime) -> None:
        waiting = [one for one in self.history if _open(one)]
        fitting = [one for one in waiting if one.value == self.file]
        if not fitting:
            return
        reached = fitting[-1]
        reached.seconds = max(0.0, (at - reached.at).total_seconds())
        reached.variable = self.variable
        for one in waiting[: waiting.index(reached)]:
            one.overtaken = True


def _open(change: Change) -> bool:
    return change.seconds is None and not change.overtaken


def _copies_in(container: dict, pod: dict, label: str):
    """Yield each file of the downward API that has labels, in one container."""
    variables = {
        found[1]: entry["name"]
        for entry in container.get("env") or ()
        if (found := _ONE_LABEL.match(_field(entry.get("valueFrom") or {})))
    }
    own = list(pod["metadata"].get("labels") or ())
    for path, item in _files(container, pod["spec"]):
        one = _ONE_LABEL.match(_field(item))
        if one and label in ("", one[1]):
            variable = variables.get(one[1], "")
            yield Copies(one[1], container["name"], path, False, variable)
        if _field(item) == _ALL_LABELS:
            for name in [label] if label else [*variables, *own]:
                variable = variables.get(name, "")
                yield Copies(name, container["name"], path, True, variable)


def _files(container: dict, spec: dict):
    """Yield path and item of each file of the downward API that follows changes."""
    items = {
        volume["name"]: [
            item
            for source in (volume, *(volume.get("projected", {}).get("sources") or ()))
            for item in source.get("downwardAPI", {}).get("items") or ()
        ]
        for volume in spec.get("volumes") or ()
    }
    for mount in container.get("volumeMounts") or ():
        # What is mounted by subPath stays as it was.
        if not mount.get("subPath") and not mount.get("subPathExpr"):
            for item in items.get(mount["name"], ()):
                yield f"{mount['mountPath'].rstrip('/')}/{item['path']}", item


def _field(source: dict) -> str:
    return (source.get("fieldRef") or {}).get("fieldPath", "")


def _unquoted(value: str) -> str:
    try:
        return json.loads(value)
    except ValueError:
        return value
