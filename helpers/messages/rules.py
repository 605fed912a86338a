"""Read the rules of `data/errors.toml`, and find the one that a text matches. Pure."""

import functools
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent.parent / "data" / "errors.toml"
#: a class of characters, or a blank in a pattern
_CLASS_OR_BLANK = re.compile(r"(\[(?:\\.|[^\]\\])*\])| \??")


@dataclass(frozen=True)
class Rule:
    """The form of a message, and what to do about it; see the head of the file.

    `messages` were printed by the programs of a test, `quoted` have their threads.
    A text that `excludes` matches is of somebody else who uses the same words.
    """

    id: str
    step: str
    title: str
    pattern: str
    cause: str
    way: str
    lesson: str
    ask: str = ""
    excludes: str = ""
    messages: tuple[str, ...] = ()
    quoted: tuple[tuple[str, str], ...] = ()
    role: bool = False
    verbs: str = ""
    defaults: Mapping[str, str] = field(default_factory=dict)
    trial: str = ""

    @functools.cached_property
    def forms(self) -> tuple[re.Pattern[str], re.Pattern[str]]:
        """Return the pattern, and the same for a text without blanks."""
        return re.compile(self.pattern), re.compile(without_blanks(self.pattern))

    @functools.cached_property
    def exclusion(self) -> re.Pattern[str] | None:
        """Return the pattern of what the rule is not about, if it has one."""
        return re.compile(without_blanks(self.excludes)) if self.excludes else None

    @property
    def examples(self) -> list[str]:
        """Return all messages of the rule."""
        return [*self.messages, *(message for message, _ in self.quoted)]


def without_blanks(pattern: str) -> str:
    """Return a pattern for a text without blanks."""
    return _CLASS_OR_BLANK.sub(lambda match: match[1] or "", pattern)


@dataclass(frozen=True)
class Clue:
    """Words that say where a request ended, but not why; `ask` shows more."""

    step: str
    pattern: str
    ask: str


@functools.cache
def rules() -> list[Rule]:
    """Return the rules, in the order in which they are tried."""
    tables = _tables()["rule"]
    return [Rule(**{key: _frozen(value) for key, value in t.items()}) for t in tables]


@functools.cache
def clues() -> list[Clue]:
    """Return what is known of a text that no rule matches, in the order of trial."""
    return [Clue(**table) for table in _tables()["clue"]]


@functools.cache
def _tables() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(FILE.read_text("utf-8"))


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


def find_rule(
    readings: tuple[str, str, str],
) -> tuple[Rule, list[dict[str, str]]] | None:
    """Return the first rule that a paste matches, and the groups of each match."""
    spaced, joined, bare = readings
    for rule in rules():
        pattern, bare_pattern = rule.forms
        if rule.exclusion and rule.exclusion.search(bare):
            continue
        for form, text in ((pattern, spaced), (pattern, joined), (bare_pattern, bare)):
            if matches := [match.groupdict("") for match in form.finditer(text)]:
                return rule, matches
    return None


def find_clue(readings: tuple[str, str, str]) -> Clue:
    """Return the first clue that a paste matches; the last one matches every text."""
    return next(clue for clue in clues() if re.search(clue.pattern, readings[0]))
