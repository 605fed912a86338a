"""Keep the attempts of a learner on this machine: a line of JSON per check."""

import fcntl
import json
import os
import re
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cluster import paths
from cluster.permissions import make_private
from helpers import errors
from helpers.language import mark, say

#: `off` while solutions run, because they are not a learner's answers
SETTING = "LAB_PROGRESS"
#: names of lessons and exercises, which a teacher opens in a spreadsheet
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,80}")
#: the year 9999, the last that Python can write
_LATEST = 253_402_300_799
#: attempts that are not written, of this process
_unwritten: list["Attempt"] = []


@dataclass(frozen=True)
class Attempt:
    """A check that ran: `time` in seconds since 1970, `diagnosis` "" if it passed.

    With a `result` it is no check, but a step of the exam or of the ten questions.
    """

    time: int
    lesson: str
    exercise: str
    diagnosis: str
    result: dict = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        """Return whether the answer was right."""
        return not self.diagnosis


@dataclass(frozen=True)
class BadLine:
    """A line that is no attempt, with its number from 1."""

    number: int
    reason: str


def file() -> Path:
    """Return where the attempts are kept; `delete` and `stop` leave the file alone."""
    return paths.state_dir() / paths.PROGRESS


def note(
    lesson: str, exercise: str, diagnosis: str = "", result: dict | None = None
) -> Attempt:
    """Append a line, unless LAB_PROGRESS is `off`; report a fault and go on."""
    attempt = Attempt(round(time.time()), lesson, exercise, diagnosis, result or {})
    if os.environ.get(SETTING) == "off":
        _unwritten.append(attempt)
        return attempt
    line = {name: value for name, value in asdict(attempt).items() if value != {}}
    try:
        _append(file(), json.dumps(line))
    except OSError as error:
        fault = mark("This attempt is not noted in {file}: {error}.")
        print(say(fault, file=file(), error=error.strerror), file=sys.stderr)
    return attempt


def results(lesson: str, noted: list[Attempt] | None = None) -> list[Attempt]:
    """Return the steps of the exam or of the ten questions, of `noted` or of the file.

    Bad lines are skipped.
    """
    lines: Sequence[Attempt | BadLine] = read_own() if noted is None else noted
    steps = (step for step in lines if isinstance(step, Attempt) and step.result)
    return [step for step in steps if step.lesson == lesson]


def read_own() -> Sequence[Attempt | BadLine]:
    """Return what the learner's file has, or this process' own where nothing is noted.

    A recorded lesson shows by that what it has solved, and nothing of its maker.
    """
    return _unwritten if os.environ.get(SETTING) == "off" else read(file())


def read(path: Path) -> list[Attempt | BadLine]:
    """Return an Attempt or a BadLine for each line; [] if there is no file.

    Raise LabError for a file that cannot be read.
    """
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        return []
    except OSError as error:
        fault = say("{file} cannot be read: {error}.", file=path, error=error.strerror)
        raise errors.LabError(fault, say("Look at its permissions.")) from None
    attempts: list[Attempt | BadLine] = []
    for number, line in enumerate(text.split(b"\n"), 1):
        if line.strip():
            try:
                attempts.append(_attempt(json.loads(line)))
            except (ValueError, RecursionError) as error:
                broken = type(error) is not ValueError
                reason = "it is not JSON" if broken else str(error)
                attempts.append(BadLine(number, reason))
    return attempts


def _append(path: Path, line: str) -> None:
    """Append a line under a lock; end the line of a writer that was interrupted."""
    make_private(path.parent)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        size = os.fstat(descriptor).st_size
        torn = size and os.pread(descriptor, 1, size - 1) != b"\n"
        os.write(descriptor, f"{chr(10) if torn else ''}{line}\n".encode())
    finally:
        os.close(descriptor)


def _attempt(entry: object) -> Attempt:
    """Return the attempt in a line; raise ValueError with the wrong field."""
    if not isinstance(entry, dict):
        raise ValueError("it is not an object")
    when, diagnosis = entry.get("time"), entry.get("diagnosis")
    if type(when) is not int or not 0 <= when <= _LATEST:
        raise ValueError("`time` is not in seconds since 1970")
    for key in ("lesson", "exercise"):
        name = entry.get(key)
        if not isinstance(name, str) or not _NAME.fullmatch(name):
            raise ValueError(f"`{key}` is not a name")
    if not isinstance(diagnosis, str):
        raise ValueError("`diagnosis` is not a text")
    result = entry.get("result", {})
    if not isinstance(result, dict):
        raise ValueError("`result` is not an object")
    return Attempt(when, entry["lesson"], entry["exercise"], diagnosis, result)
