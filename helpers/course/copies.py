"""Keep a learner's copy of the lessons: bring what is new, never touch their work."""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from cluster.errors import with_commands
from helpers import errors
from helpers.language import mark, say

#: in the copy: the SHA-256 of each file as it was brought last, by its path
SUMS = ".lessons.json"


def refresh(source: Path, target: Path) -> list[str]:
    """Bring every file of `source` to `target`; return a line for each put beside.

    A file that the learner has changed stays as it is: the newer one is put beside it,
    once. Raise LabError if `target` cannot be used.
    """
    try:
        sums = _begin(target)
        news: list[str] = []
        for file in sorted(path for path in source.rglob("*") if path.is_file()):
            # Commands in the lessons are a checkout's.
            data = with_commands(file.read_text("utf-8")).encode()
            news += _bring(data, target, file.relative_to(source), sums)
        _write(target / SUMS, json.dumps(sums, indent=1).encode())
    except OSError as error:
        text = mark(
            "The lessons are copied to {target}; start it in a directory where that is "
            "possible."
        )
        raise errors.LabError(
            f"{error.filename or target}: {error.strerror}.", say(text, target=target)
        ) from None
    return news


def _begin(target: Path) -> dict[str, str]:
    """Make the directory, or read its sums; refuse one that is no copy of ours."""
    target.mkdir(exist_ok=True)
    file = target / SUMS
    if not file.exists():
        if any(target.iterdir()):
            text = mark("{target} is not empty, and no copy of the lessons.")
            hint = say("Start it in another directory; nothing is overwritten.")
            raise errors.LabError(say(text, target=target), hint)
        # First of all: what was interrupted is a copy, too.
        _write(file, b"{}")
    try:
        sums = json.loads(file.read_bytes())
    except ValueError:
        sums = {}  # what differs counts as changed
    return sums if isinstance(sums, dict) else {}


def _bring(
    data: bytes, target: Path, path: Path, sums: dict[str, str]
) -> Iterator[str]:
    """Write a file if it is newer; if the learner's is there, beside it."""
    place, new = target / path, hashlib.sha256(data).hexdigest()
    current = hashlib.sha256(place.read_bytes()).hexdigest() if place.exists() else ""
    before = sums.get(path.as_posix())
    sums[path.as_posix()] = new
    if current == new:
        return
    if current in ("", before):
        _write(place, data)
    elif new != before:
        beside = path.with_suffix(f".new{path.suffix}")
        text = mark("you have changed {place}; the newer one is {name} beside it")
        yield say(text, place=place, name=beside.name)
        yield from _bring(data, target, beside, sums)


def _write(place: Path, data: bytes) -> None:
    """Write a file whole, or not at all."""
    place.parent.mkdir(parents=True, exist_ok=True)
    half = place.with_name(f".{place.name}.{os.getpid()}")
    try:
        half.write_bytes(data)
        half.replace(place)
    finally:
        half.unlink(missing_ok=True)
