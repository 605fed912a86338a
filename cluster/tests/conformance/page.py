"""Write the page of a run, its table for the documentation, and what has changed.

Pure: texts of a judgement.
"""

import re
from dataclasses import dataclass

from cluster.tests.conformance.judgement import Failure, Judgement

#: what is before the table of a name: a machine's, or this one's
BEGINNING = "<!-- conformance: {} -->"
HERE = "make conformance"
END = "<!-- end of the table -->"
_COLUMNS = ("specs", "passed", "skipped", "failed")
#: a line of the table's list: the name of a spec that did not pass
_FAILED = re.compile(r"^- `(\[sig-[^`]+)`", re.MULTILINE)
_TOTAL = re.compile(r"^\| all \| (\d+) \| (\d+) \|", re.MULTILINE)
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b")


@dataclass(frozen=True)
class Run:
    """The facts of a run: version, day, machine, and what it took.

    `memory` is the most bytes that the processes of the cluster had, or a machine that
    was booted for it. A run that was interrupted has the minutes of all its parts.
    """

    version: str
    date: str
    machine: str
    processes: int
    minutes: float
    memory: float

    def __str__(self) -> str:
        kind = f"{self.processes} specs at a time"
        took = f"{self.minutes:.0f} minutes, {self.memory / 1e9:.1f} GB of memory"
        return f"Kubernetes {self.version}, {self.date}, {self.machine}: {kind}, {took}"


def page(run: Run, judgement: Judgement, before: str = "") -> str:
    """Return the page for a person; `before` is the last table, or ""."""
    numbers = judgement.counts()["all"]
    counts = ", ".join(f"{numbers[name]} {name}" for name in _COLUMNS)
    lines = [str(run), counts]
    expected = [failure for failure in judgement.failures if failure.entry]
    for title, failures in (
        ("Failed or skipped, and nobody expects that:", judgement.unexpected),
        ("Failed or skipped, as expected:", expected),
    ):
        if failures:
            lines += ["", title]
            lines += [line for failure in failures for line in _lines(failure)]
    if judgement.missing:
        lines += [
            "",
            "Did not run:",
            *(f"  {spec.title}" for spec in judgement.missing),
        ]
    if judgement.obsolete:
        lines += ["", "Passed, or gone from the suite: take them out of expected.toml:"]
        lines += [f"  {entry.spec}" for entry in judgement.obsolete]
    if not judgement.missing and (differences := changes(before, judgement)):
        lines += ["", *differences]
    return "\n".join(lines) + "\n"


def _lines(failure: Failure) -> list[str]:
    lines = [f"  {failure.spec.title}", f"    {failure.outcome.summary}"]
    if failure.entry:
        lines.append(f"    {failure.entry.owner}: {failure.entry.reason}")
    return lines


def table(run: Run, judgement: Judgement) -> str:
    """Return the table of Markdown, with a list of what did not pass below it."""
    lines = [
        f"{run}.",
        "",
        f"| SIG | {' | '.join(_COLUMNS)} |",
        "| --- | " + " | ".join(["--:"] * len(_COLUMNS)) + " |",
    ]
    for sig, row in judgement.counts().items():
        numbers = " | ".join(str(row[name]) for name in _COLUMNS)
        lines.append(f"| {sig.removeprefix('sig-')} | {numbers} |")
    if judgement.failures:
        lines += ["", "Did not pass:", ""]
    for failure in sorted(judgement.failures, key=lambda failure: failure.spec.title):
        entry = failure.entry
        cause = f"{entry.owner}: {entry.reason}" if entry else "not expected"
        lines.append(f"- `{failure.spec.title}`: {cause}")
    return "\n".join(lines) + "\n"


def with_table(text: str, new: str, name: str) -> str:
    """Return the text with this table instead of the one of that name."""
    beginning = BEGINNING.format(name)
    head, rest = text.split(beginning)
    return f"{head}{beginning}\n{new}{END}{rest.partition(END)[2]}"


def last_table(text: str, name: str) -> str:
    """Return the table of that name, or ""."""
    return text.partition(BEGINNING.format(name))[2].partition(END)[0]


def changes(before: str, judgement: Judgement) -> list[str]:
    """Return what is otherwise than in a table, a line each."""
    total = _TOTAL.search(before)
    if not total:
        return []
    then = {*_FAILED.findall(before)}
    now = {failure.spec.title for failure in judgement.failures}
    numbers = judgement.counts()["all"]
    lines = [
        f"  {name}: {number} -> {numbers[name]}"
        for name, number in zip(_COLUMNS, map(int, total.groups()), strict=False)
        if number != numbers[name]
    ]
    gone = then - {spec.title for spec in judgement.specs}
    for what, names in (
        ("fails now", now - then),
        ("passes now", then - now - gone),
        ("gone from the suite", gone),
    ):
        lines += [f"  {what}: {name}" for name in sorted(names)]
    date = _DATE.search(before)
    since = f"since the table of {date[0]}" if date else "since the last table"
    return [f"Changes {since}:", *lines] if lines else [f"No changes {since}."]
