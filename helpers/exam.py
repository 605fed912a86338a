"""Give an exam: copies of an application, each with a fault that a seed has drawn.

`progress.jsonl` has each step of it, so an exam goes on where it was stopped. The
faults are those of `data/exam.toml`.
"""

import functools
import itertools
import json
import os
import random
import re
import tomllib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from helpers import errors
from helpers.command import current_namespace, kubectl
from helpers.course import attempts
from helpers.drills import wait_for_words
from helpers.language import mark, say

#: the name under which steps are noted, and the namespace of the copies
TOPIC, LABEL = "exam", "lesson=exam"
COPIES = tuple(f"copy-{number}" for number in range(1, 9))
#: the copies to repair, and the points for each; a step or a change has one
REPAIRS, WORTH = COPIES[:4], 2
POINTS = 2 * len(COPIES) + WORTH * len(REPAIRS)
#: copies at most that stop at the same step
ALIKE = 3
SEEDS = range(1, 10_000)
#: steps of an exam, as they are noted; at the first two the clock starts
BEGUN, RESUMED, CHOSEN = "begun", "resumed", "chosen"
NAMED, REPAIRED, MENDED = "named", "repaired", "mended"
#: steps that can be read: anyone can edit the file
_SEED = r'"seed": [1-9]\d{0,3}'
_SOUND = re.compile(
    rf"({BEGUN}|{RESUMED}|{CHOSEN}) {{{_SEED}}}"
    rf'|{NAMED} {{{_SEED}, "answers": "(\w{{{2 * len(COPIES)}}})?"}}'
    rf'|({REPAIRED}|{MENDED}) {{{_SEED}, "copy": "({"|".join(REPAIRS)})"}}'
)
_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Fault:
    """A way to break the application; `exam.toml` explains the fields."""

    answer: str
    read: str
    edit: list[str]
    beside: str = ""


@dataclass
class Exam:
    """An exam: its number, and the steps that were noted since it began."""

    seed: int
    steps: list[attempts.Attempt] = field(default_factory=list)

    @property
    def faults(self) -> dict[str, Fault]:
        """Return the fault of each copy."""
        return dict(zip(COPIES, drawn(self.seed), strict=True))

    @property
    def named(self) -> str | None:
        """Return the first complete answer, or None; "" if the key was shown first."""
        found = (one.result["answers"] for one in self.steps if one.exercise == NAMED)
        return next(found, None)

    @property
    def repaired(self) -> dict[str, str]:
        """Return for each copy that works whether it was REPAIRED or MENDED."""
        steps = [one for one in self.steps if one.exercise in (REPAIRED, MENDED)]
        return {one.result["copy"]: one.exercise for one in reversed(steps)}

    @property
    def finished(self) -> bool:
        """Say whether all faults are named and the four copies work."""
        return self.named is not None and {*REPAIRS} <= self.repaired.keys()

    @property
    def points(self) -> int:
        """Return the points so far, of POINTS."""
        key = "".join(fault.answer for fault in self.faults.values())
        right = map(str.__eq__, self.named or "", key)
        return sum(right) + WORTH * [*self.repaired.values()].count(REPAIRED)

    @property
    def minutes(self) -> int:
        """Return the minutes from each beginning to the last step before the next."""
        pairs = itertools.pairwise(self.steps)
        spent = (b.time - a.time for a, b in pairs if b.exercise != RESUMED)
        return round(sum(spent) / 60)

    @property
    def to_read(self) -> list[str]:
        """Return the lessons of what was named wrongly, or not repaired."""
        answers = re.findall("..", self.named or "") or [""] * len(COPIES)
        missed = {
            fault.read
            for answer, (copy, fault) in zip(answers, self.faults.items(), strict=True)
            if answer != fault.answer
            or (copy in REPAIRS and self.repaired.get(copy) != REPAIRED)
        }
        return sorted(missed)

    def __repr__(self) -> str:
        line = mark("Exam {seed}: {points} of {all} points, {minutes} min.")
        about = {"seed": self.seed, "points": self.points, "all": POINTS}
        told = say(line, **about, minutes=self.minutes)
        if self.named is None:
            return told
        if left := [copy for copy in REPAIRS if copy not in self.repaired]:
            return f"{told} " + say("Left to repair: {copies}.", copies=", ".join(left))
        if not self.to_read:
            return told
        again = say("Read again: {lessons}.", lessons=", ".join(self.to_read))
        return f"{told} {again}"

    def note(self, step: str, **result: object) -> None:
        """Note a step, here and in the learner's file."""
        result = {"seed": self.seed, **result}
        self.steps.append(attempts.note(TOPIC, step, result=result))

    def key(self) -> dict[str, str]:
        """Return the right answers; those that are given afterwards do not count."""
        if self.named is None:
            self.note(NAMED, answers="")
        return {copy: fault.answer for copy, fault in self.faults.items()}

    def mend(self, *copies: str) -> None:
        """Replace copies by the application that works; that is no repair of yours.

        Raise LabError for what is no copy to be repaired.
        """
        if not copies or not {*copies} <= {*REPAIRS}:
            fault = mark("Name the copies to replace, some of {copies}.")
            raise errors.LabError(say(fault, copies=", ".join(REPAIRS)))
        for copy in copies:
            if copy not in self.repaired:
                self.note(MENDED, copy=copy)
        plant(self, copies)


def begin_exam(seed: int | None = None) -> Exam:
    """Run the eight copies of an exam; go on with one that was begun and not finished.

    Without a seed, it is the exam that was begun or chosen last (`.venv/bin/kapi exam
    --seed 7`), or else one of chance; exam 1 where LAB_PROGRESS is `off`. Raise
    LabError for a seed that is no number from 1 to 9999.
    """
    exam = chosen(seed)
    plant(exam, COPIES)
    kept = any(one.exercise == BEGUN for one in exam.steps)
    exam.note(RESUMED if kept else BEGUN)
    return exam


def chosen(seed: int | None = None) -> Exam:
    """Return the exam of a seed, or that of `begin_exam()`, with its steps."""
    if seed is not None and (type(seed) is not int or seed not in SEEDS):
        fault = mark("{seed!r} is no exam: its number is one from {first} to {last}.")
        about = {"first": SEEDS[0], "last": SEEDS[-1]}
        raise errors.LabError(say(fault, seed=seed, **about))
    silent = os.environ.get(attempts.SETTING) == "off"
    last = None if silent else latest(seed)
    if last and not last.finished:
        return last
    return Exam(seed or (1 if silent else random.choice(SEEDS)))


def latest(
    seed: int | None = None, noted: list[attempts.Attempt] | None = None
) -> Exam | None:
    """Return the exam, of a seed or of any, that was begun or chosen last, or None.

    Its steps are in `noted`, or else in the learner's file.
    """
    exams: dict[int, Exam] = {}
    newest = None
    for step in attempts.results(TOPIC, noted):
        if not _SOUND.fullmatch(f"{step.exercise} {json.dumps(step.result)}"):
            continue
        number = step.result["seed"]
        exam = exams.setdefault(number, Exam(number))
        if step.exercise == BEGUN or (step.exercise == CHOSEN and exam.finished):
            exam = exams[number] = Exam(number)
        if step.exercise != CHOSEN:
            exam.steps.append(step)
        newest = number
    return exams.get(seed or newest or 0)


@functools.cache
def known() -> dict[str, Fault]:
    """Return all faults, by name."""
    rows = tomllib.loads((_DATA / "exam.toml").read_text("utf-8"))
    return {name: Fault(**row) for name, row in rows.items()}


def drawn(seed: int) -> list[Fault]:
    """Return the faults of an exam: for each copy one, few at the same step; pure."""
    steps: Counter[str] = Counter()
    found = []
    for fault in random.Random(seed).sample([*known().values()], len(known())):
        steps[fault.answer[0]] += 1
        if steps[fault.answer[0]] <= ALIKE:
            found.append(fault)
    return found[: len(COPIES)]


def manifest(
    copy: str, namespace: str, address: str, fault: Fault | None = None
) -> str:
    """Return the objects of a copy as YAML, with a fault or none; pure.

    `address` is that of the API server in the cluster.
    """
    text = (_DATA / "exam.yaml").read_text("utf-8")
    script = json.dumps((_DATA / "ask.sh").read_text("utf-8"))
    text = text.replace("@SCRIPT@", script)
    if fault:
        was, now = fault.edit
        text = text.replace(was, now) + fault.beside
    text = text.replace("@ADDRESS@", address).replace("@COPY@", copy)
    return text.replace("@NAMESPACE@", namespace)


def plant(exam: Exam, copies: tuple[str, ...]) -> None:
    """Run copies until each has logged a line, if it starts; what works is left whole.

    Raise NotReady if a copy does not, KubectlFailed if kubectl fails.
    """
    faults = {copy: exam.faults[copy] for copy in copies}
    broken = {copy: one for copy, one in faults.items() if copy not in exam.repaired}
    kubectl(
        "delete", "deployments", "--ignore-not-found", "--cascade=foreground", *copies
    )
    # What a binding refers to cannot be changed.
    kubectl("delete", "rolebindings", "--ignore-not-found", *copies)
    service = "get service kubernetes --namespace=default -o jsonpath={.spec.clusterIP}"
    places = current_namespace(), kubectl(service).stdout
    texts = [manifest(copy, *places, broken.get(copy)) for copy in copies]
    kubectl("apply", "-f", "-", input="\n---\n".join(texts))
    silent = {copy for copy, fault in broken.items() if fault.answer[0] == "0"}
    wait_for_words([copy for copy in copies if copy not in silent], LABEL)
