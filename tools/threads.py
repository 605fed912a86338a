"""Count how well `explain` does on messages of public threads.

`tests/helpers/messages/threads.toml` has each message with its thread, the cause that
the thread found, and the step of the request; a key never follows the rules.
"""

import functools
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from helpers.messages import explain_text

FILE = Path(__file__).resolve().parent.parent / "tests/helpers/messages/threads.toml"
#: the halves of the corpus, in the order in which they were collected
HALVES = ("first", "second")
#: verdicts of the second half at the first run, before rules had learned from it
FIRST_RUN = {"blind": 118, "first_right": 72, "first_wrong": 18}
#: cause of a message of another program, which is best left unknown
FOREIGN = "not-kubernetes"


@dataclass(frozen=True)
class Thread:
    """A message, the answer of its thread in our words, and the key made of it."""

    thread: str
    message: str
    answer: str
    cause: str
    step: str

    @property
    def verdict(self) -> str:
        """Return how well the message is explained.

        `right` is the cause at its step, `half` the cause at another step, `unknown`
        what is said to be unknown, and `wrong` another cause.
        """
        advice = explain_text(self.message)
        if not advice.rule:
            return "right" if self.cause == FOREIGN else "unknown"
        if self.cause not in causes_of().get(advice.rule, []):
            return "wrong"
        return "right" if advice.step == self.step else "half"


def threads(halves: Iterable[str] = HALVES) -> list[Thread]:
    """Return the messages of some halves."""
    return [Thread(**each) for half in halves for each in _file()[half]]


def causes_of() -> dict[str, list[str]]:
    """Return the causes that each rule names, by its id."""
    return {rule: names.split() for rule, names in _file()["causes"].items()}


def counts(halves: Iterable[str] = HALVES) -> dict[str, int]:
    """Return how many messages have each verdict."""
    verdicts = [thread.verdict for thread in threads(halves)]
    names = ("right", "half", "unknown", "wrong")
    return {name: verdicts.count(name) for name in names}


@functools.cache
def _file() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text("utf-8"))
