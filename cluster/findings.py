"""Hold the findings of the doctor, and write them for a person."""

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol, Self

from cluster.language import mark, say

OK, WARNING, FATAL = "ok", "warning", "fatal"
#: a hint that no start follows
BUG = mark(
    "This is a bug of these notebooks, or a machine that is too slow: please report it "
    "with what `.venv/bin/kapi report` writes."
)
#: columns that a report may take
WIDTH = 100
_COMMAND, _KEPT = re.compile("`[^`]+`"), "\0"


@dataclass(frozen=True)
class Finding:
    """A message about this machine, good or bad.

    `level` is "ok", "warning" (some lessons will not work) or "fatal" (the cluster
    will not start). All that is not "ok" has a `hint`.
    """

    name: str
    level: str
    message: str
    hint: str = ""

    @property
    def fatal(self) -> bool:
        """Return whether this keeps the cluster from starting."""
        return self.level == FATAL


class Topic(Protocol):
    """Something to look at: a frozen dataclass of facts that can judge itself."""

    @classmethod
    def read(cls) -> Self:
        """Read the facts; a LabError becomes a finding."""

    def findings(self) -> Iterable[Finding]:
        """Judge the facts; pure."""


def ok(name: str, message: str) -> Finding:
    """Return a finding that needs nothing to be done."""
    return Finding(name, OK, message)


def warning(name: str, message: str, hint: str) -> Finding:
    """Return a finding that some lessons suffer from."""
    return Finding(name, WARNING, message, hint)


def fatal(name: str, message: str, hint: str) -> Finding:
    """Return a finding that keeps the cluster from starting."""
    return Finding(name, FATAL, message, hint)


def way_to_local(hint: str, *, kept: bool = False) -> Finding:
    """Return the change that would allow a local cluster where another backend runs."""
    return ok("local cluster", with_start(hint, kept=kept))


def with_start(hint: str, *, kept: bool) -> str:
    """Return the hint, and what starts another cluster; one that is kept goes first.

    Where it is a bug that keeps the cluster from starting, a start helps nobody.
    """
    if hint == say(BUG):
        return hint
    start = "`.venv/bin/kapi delete`, and `up`" if kept else "`.venv/bin/kapi up`"
    return f"{hint} Then run {start}."


def report(findings: Iterable[Finding]) -> str:
    """Write the findings as plain text: problems first, then facts, then the sum."""
    findings = list(findings)
    ordered = sorted(findings, key=lambda f: (FATAL, WARNING, OK).index(f.level))
    problems = [finding for finding in ordered if finding.level != OK]
    facts = [finding for finding in ordered if finding.level == OK]
    width = max((len(finding.name) for finding in findings), default=0) + 2
    lines = []
    for title, group in (("Problems", problems), ("Facts", facts)):
        if group:
            lines += [title, *(line for f in group for line in _lines(f, width)), ""]
    return "\n".join([*lines, _summary(findings)])


def _lines(finding: Finding, width: int) -> list[str]:
    level = "" if finding.level == OK else f"{finding.level:<9}"
    head = f"  {level}{finding.name:<{width}}"
    indent = " " * len(head)
    lines = _wrap(finding.message, head, indent)
    if finding.hint:
        lines += _wrap(finding.hint, f"{indent}-> ", f"{indent}   ")
    return lines


def _wrap(text: str, first: str, rest: str) -> list[str]:
    lines = textwrap.wrap(
        # A command must be copied whole, however long: its blanks break no line.
        _COMMAND.sub(
            lambda match: match[0].replace(" ", _KEPT), " ".join(text.split())
        ),
        WIDTH,
        initial_indent=first,
        subsequent_indent=rest,
        break_on_hyphens=False,
        break_long_words=False,
    )
    return [line.replace(_KEPT, " ") for line in lines]


def _summary(findings: list[Finding]) -> str:
    stoppers = sum(finding.fatal for finding in findings)
    warnings = len(findings) - stoppers - sum(f.level == OK for f in findings)
    what = "1 problem keeps" if stoppers == 1 else f"{stoppers} problems keep"
    also = f" {warnings} warning{'s' * (warnings > 1)}." if warnings else ""
    return f"{what if stoppers else 'Nothing keeps'} the cluster from starting.{also}"
