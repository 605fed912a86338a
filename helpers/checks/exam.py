"""Check the exam: the step and the change that were named, and the four repairs."""

import re
import shlex
from collections.abc import Mapping

from helpers.course.exercise import exercise
from helpers.drills import current_pod
from helpers.errors import NotSolved
from helpers.exam import COPIES, NAMED, POINTS, REPAIRED, REPAIRS, Exam
from helpers.impostor import GENUINE, hear
from helpers.language import mark, say
from helpers.repairs import fault_of_app


@exercise
def name_faults(named: Mapping[str, str], exam: Exam) -> None:
    """Note the first complete answer; demand the step and the change of each copy."""
    answers = {copy: _plain(named.get(copy, "")) for copy in COPIES}
    for copy, answer in answers.items():
        if not re.fullmatch("[0-6][NCTPRM]", answer):
            fault = mark(
                "{copy}: {answer!r} is not a step and a change: write a number from 0 "
                "to 6 and one of the letters N, C, T, P, R and M."
            )
            raise NotSolved(say(fault, copy=copy, answer=answer))
    if exam.named is None:
        exam.note(NAMED, answers="".join(answers.values()))
    faults = exam.faults
    wrong = [copy for copy in COPIES if answers[copy] != faults[copy].answer]
    for copy in wrong:
        step = answers[copy][0] == faults[copy].answer[0]
        fault = mark("{copy}: {answer} is not right{part}; see lesson {lesson}. ")
        part = say(", but its step is") if step else ""
        about = {"answer": answers[copy], "part": part, "lesson": faults[copy].read}
        points = mark("Wrong: {wrong}. Your first answer has {points} points of {all}.")
        now = {"wrong": ", ".join(wrong), "points": exam.points, "all": POINTS}
        raise NotSolved(say(fault, copy=copy, **about) + say(points, **now))


@exercise
def repair_faults(exam: Exam) -> None:
    """Demand four copies that work; note each of them."""
    if exam.named is None:
        raise NotSolved(say("First name the faults: the repairs would show them."))
    left = [copy for copy in REPAIRS if copy not in exam.repaired]
    faults = {copy: fault_of_copy(copy) for copy in left}
    for copy in left:
        if not faults[copy]:
            exam.note(REPAIRED, copy=copy)
    for copy, fault in faults.items():
        if fault:
            raise NotSolved(f"{copy}: {fault}")


def fault_of_copy(copy: str) -> str:
    """Return why a copy does not do what the application does, or ""."""
    if fault := fault_of_app(copy):
        return fault
    pod = current_pod(copy)
    if pod is None:
        return say("There is no pod yet: see `kubectl describe deployment {name}`.")
    account, container = pod["spec"]["serviceAccountName"], pod["spec"]["containers"][0]
    if account != copy:
        fault = mark(
            "It runs as {account}: let it run as {copy}, and give that a rule."
        )
        return say(fault, account=account, copy=copy)
    words = [*container.get("command", ()), *container.get("args", ())]
    [genuine] = hear(pod, shlex.join(words), GENUINE)
    if not any(
        path.endswith("/pods") and own == "own" for path, own, _ in genuine["heard"]
    ):
        return say("Its log has an answer, but it sends no request with its token.")
    return ""


def _plain(answer: object) -> str:
    return "".join(str(answer).upper().split())
