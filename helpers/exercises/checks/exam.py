"""Check the exam: the step and the change that were named, and the four repairs."""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextvars import copy_context

from helpers.course.exam import (
    COPIES,
    NAMED,
    POINTS,
    REPAIRED,
    REPAIRS,
    Exam,
    faults_of,
    note_step,
)
from helpers.course.exercise import exercise, letters_of
from helpers.course.steps import name_step
from helpers.errors import NotSolved, Undecided
from helpers.exercises.repairs import fault_of_app
from helpers.language import mark, say

#: seconds between two looks at whether a copy is judged
PAUSE = 0.2
#: the exam for which answers were judged in this kernel
_judged: dict[str, int] = {}


@exercise
def name_faults(named: Mapping[str, str], exam: Exam) -> None:
    """Note the first complete answer; demand the step and the change of each copy."""
    answers = {copy: letters_of(named.get(copy, "")) for copy in COPIES}
    for copy, answer in answers.items():
        if not re.fullmatch("[0-6][NCTPRM]", answer):
            fault = mark(
                "{copy}: {answer!r} is not a step and a change: write a number from 0 "
                "to 6 and one of the letters N, C, T, P, R and M."
            )
            raise NotSolved(say(fault, copy=copy, answer=answer))
    whole = "".join(answers.values())
    if exam.first_answer is None:
        if (other := _judged.get(whole, exam.seed)) != exam.seed:
            fault = mark(
                "These are your answers to exam {other}: run the cell that sets "
                "`named`, and name the faults of exam {seed}."
            )
            raise NotSolved(say(fault, other=other, seed=exam.seed))
        note_step(exam, NAMED, answers=whole)
    _judged[whole] = exam.seed
    faults = faults_of(exam)
    wrong = [copy for copy in COPIES if answers[copy] != faults[copy].answer]
    if wrong:
        fault = mark(
            "{copy} is not {answer}: read lesson {lesson}. Wrong: {wrong}. Points: "
            "{points} of {all}."
        )
        about = {"copy": wrong[0], "answer": answers[wrong[0]], "all": POINTS}
        about |= {"lesson": faults[wrong[0]].read, "wrong": ", ".join(wrong)}
        raise NotSolved(say(fault, **about, points=exam.points))


@exercise
def repair_faults(exam: Exam) -> None:
    """Demand four copies that work; note each as soon as it is found to work."""
    if exam.first_answer is None:
        raise NotSolved(say("First name the faults: the repairs would show them."))
    left = [copy for copy in REPAIRS if copy not in exam.repairs]
    faults, failures = {}, []
    for copy, judged in judge_copies(left):
        if failure := judged.exception():
            failures.append(failure)
        elif fault := judged.result():
            faults[copy] = fault
        else:
            note_step(exam, REPAIRED, copy=copy)
    broken = [failure for failure in failures if not isinstance(failure, Undecided)]
    if broken:
        raise broken[0]
    for copy in left:
        if copy in faults:
            alike = [*faults.values()].count(faults[copy]) > 1
            # What concerns several copies is no fault of one.
            raise NotSolved(faults[copy] if alike else f"{copy}: {faults[copy]}")
    if failures:
        raise failures[0]


def judge_copies(copies: list[str]) -> Iterator[tuple[str, Future[str]]]:
    """Yield each copy with what `fault_of_copy` returns, in the order of the ends.

    All at once, because each waits for pods. Say which ones are looked at.
    """
    pool = ThreadPoolExecutor(max(1, len(copies)))
    try:
        # A kernel finds the cell of an output in the context.
        running = {
            pool.submit(copy_context().run, fault_of_copy, copy): copy
            for copy in copies
        }
        while running:
            names = ", ".join(running.values())
            name_step(say("looking at {copies}", copies=names))
            for judged in wait(running, PAUSE, FIRST_COMPLETED).done:
                yield running.pop(judged), judged
    finally:
        # Without waiting: a learner has stopped the cell, or all have ended.
        pool.shutdown(wait=False, cancel_futures=True)


def fault_of_copy(copy: str) -> str:
    """Return why a copy does not do what the application does, or ""."""
    return fault_of_app(copy, account=copy)
