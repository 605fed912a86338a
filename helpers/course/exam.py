"""Keep the record of an exam: its number, its faults, its steps and its points.

`progress.jsonl` has each step of it, so an exam goes on where it was stopped. A seed
draws the faults from `data/exam.toml`; `helpers.exercises.exam` runs the copies.
"""

import functools
import itertools
import os
import random
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from helpers import errors
from helpers.course import attempts
from helpers.language import mark, say

#: the name under which steps are noted
TOPIC = "exam"
COPIES = tuple(f"copy-{number}" for number in range(1, 9))
#: the copies to repair, and the points for each; a step or a change has one
REPAIRS, WORTH = COPIES[:4], 2
POINTS = 2 * len(COPIES) + WORTH * len(REPAIRS)
#: copies at most that stop at the same step
ALIKE = 3
SEEDS = range(1, 10_000)
#: names of the recorded steps; BEGUN and RESUMED start the clock
BEGUN, RESUMED, CHOSEN = "begun", "resumed", "chosen"
NAMED, REPAIRED, MENDED = "named", "repaired", "mended"
#: the field that a step has besides the seed, or ""
_FIELDS = {BEGUN: "", RESUMED: "", CHOSEN: ""}
_FIELDS |= {NAMED: "answers", REPAIRED: "copy", MENDED: "copy"}
_FAULTS = Path(__file__).parents[1] / "data" / "exam.toml"


@dataclass(frozen=True)
class Fault:
    """A way to break the application; `exam.toml` explains the fields."""

    answer: str
    read: str
    edit: list[str]
    beside: str = ""


# Nothing that Tab offers after `exam.` changes the record.
@dataclass(frozen=True, eq=False)
class Exam:
    """An exam: its number, and the steps that were noted since it began."""

    seed: int
    _steps: list[attempts.Attempt] = field(default_factory=list)

    @property
    def _noted(self) -> list[attempts.Attempt]:
        return self._steps

    @property
    def first_answer(self) -> str | None:
        """Return the first complete answer, or None; "" if the key was shown first."""
        found = (one.result["answers"] for one in self._noted if one.exercise == NAMED)
        return next(found, None)

    @property
    def repairs(self) -> dict[str, str]:
        """Return for each copy that works whether it was REPAIRED or MENDED."""
        steps = [one for one in self._noted if one.exercise in (REPAIRED, MENDED)]
        return {one.result["copy"]: one.exercise for one in reversed(steps)}

    @property
    def finished(self) -> bool:
        """Return whether all faults are named and the four copies work."""
        return self.first_answer is not None and {*REPAIRS} <= self.repairs.keys()

    @property
    def points(self) -> int:
        """Return the points so far, of POINTS."""
        key = "".join(fault.answer for fault in faults_of(self).values())
        right = map(str.__eq__, self.first_answer or "", key)
        return sum(right) + WORTH * [*self.repairs.values()].count(REPAIRED)

    @property
    def minutes(self) -> int:
        """Return the minutes from each beginning to the last step before the next."""
        pairs = itertools.pairwise(self._noted)
        spent = (b.time - a.time for a, b in pairs if b.exercise != RESUMED)
        return round(sum(spent) / 60)

    @property
    def to_read(self) -> list[str]:
        """Return the lessons of what was named wrongly, or not repaired."""
        answers = re.findall("..", self.first_answer or "") or [""] * len(COPIES)
        missed = {
            fault.read
            for answer, (copy, fault) in zip(
                answers, faults_of(self).items(), strict=True
            )
            if answer != fault.answer
            or (copy in REPAIRS and self.repairs.get(copy) != REPAIRED)
        }
        return sorted(missed)

    def __repr__(self) -> str:
        line = mark("Exam {seed}: {points} of {all} points, {minutes} min.")
        about = {"seed": self.seed, "points": self.points, "all": POINTS}
        told = say(line, **about, minutes=self.minutes)
        if self.first_answer is None:
            return told
        if left := [copy for copy in REPAIRS if copy not in self.repairs]:
            return f"{told} " + say("Left to repair: {copies}.", copies=", ".join(left))
        if not self.to_read:
            return told
        again = say("Read again: {lessons}.", lessons=", ".join(self.to_read))
        return f"{told} {again}"

    def reveal_answers(self) -> dict[str, str]:
        """Return the right answers, and note that: later ones do not count."""
        if self.first_answer is None:
            note_step(self, NAMED, answers="")
        return {copy: fault.answer for copy, fault in faults_of(self).items()}


def note_step(exam: Exam, step: str, **result: object) -> None:
    """Note a step of an exam, there and in the learner's file."""
    result = {"seed": exam.seed, **result}
    exam._steps.append(attempts.note(TOPIC, step, result=result))


def choose_exam(seed: int | None = None) -> Exam:
    """Return the exam of a seed, or that of `begin_exam()`, with its steps."""
    if seed is not None and (type(seed) is not int or seed not in SEEDS):
        fault = mark("{seed!r} is no exam: its number is one from {first} to {last}.")
        about = {"first": SEEDS[0], "last": SEEDS[-1]}
        raise errors.LabError(say(fault, seed=seed, **about))
    silent = os.environ.get(attempts.SETTING) == "off"
    last = None if silent else latest_exam(seed)
    if last and not last.finished:
        return last
    return Exam(seed or (1 if silent else random.choice(SEEDS)))


def latest_exam(
    seed: int | None = None, noted: list[attempts.Attempt] | None = None
) -> Exam | None:
    """Return the exam, of a seed or of any, that was begun or chosen last, or None.

    Its steps are in `noted`, or else in the learner's file.
    """
    found = [exam for exam in all_exams(noted) if seed in (None, exam.seed)]
    return found[-1] if found else None


def best_exam(noted: list[attempts.Attempt] | None = None) -> Exam | None:
    """Return the finished exam with most points, the latest of equals, or None.

    One whose answers were shown before the first answer does not count.
    """
    finished = [exam for exam in all_exams(noted) if exam.finished]
    fair = [exam for exam in reversed(finished) if exam.first_answer]
    return max(fair, key=lambda exam: exam.points, default=None)


def all_exams(noted: list[attempts.Attempt] | None = None) -> list[Exam]:
    """Return each exam that was begun or chosen, the one of the last step at the end.

    A seed may be there several times. The steps are in `noted`, or else in the
    learner's file.
    """
    exams: dict[int, Exam] = {}
    found: list[Exam] = []
    for step in attempts.results(TOPIC, noted):
        if not _is_readable(step):
            continue
        number = step.result["seed"]
        exam = exams.setdefault(number, Exam(number))
        if step.exercise == BEGUN or (step.exercise == CHOSEN and exam.finished):
            if exam in found and not exam._steps:
                found.remove(exam)
            exam = exams[number] = Exam(number)
        if step.exercise != CHOSEN:
            exam._steps.append(step)
        found = [*(one for one in found if one is not exam), exam]
    return found


def _is_readable(step: attempts.Attempt) -> bool:
    """Return whether a step has its fields: anyone can edit the file."""
    name = _FIELDS.get(step.exercise)
    if name is None or step.result.keys() != {"seed", name} - {""}:
        return False
    seed, value = step.result["seed"], step.result.get(name)
    if type(seed) is not int or seed not in SEEDS:
        return False
    if name == "answers":
        return isinstance(value, str) and len(value) in (0, 2 * len(COPIES))
    return not name or value in REPAIRS


def faults_of(exam: Exam) -> dict[str, Fault]:
    """Return the fault of each copy.

    As a function, because Tab after `exam.` would offer an attribute.
    """
    return dict(zip(COPIES, draw_faults(exam.seed), strict=True))


@functools.cache
def read_faults() -> dict[str, Fault]:
    """Return all faults, by name."""
    rows = tomllib.loads(_FAULTS.read_text("utf-8"))
    return {name: Fault(**row) for name, row in rows.items()}


def draw_faults(seed: int) -> list[Fault]:
    """Return the faults of an exam: for each copy one, few at the same step; pure."""
    steps: Counter[str] = Counter()
    found = []
    faults = [*read_faults().values()]
    for fault in random.Random(seed).sample(faults, len(faults)):
        steps[fault.answer[0]] += 1
        if steps[fault.answer[0]] <= ALIKE:
            found.append(fault)
    return found[: len(COPIES)]
