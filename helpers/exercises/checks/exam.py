"""Check the exam: the step and the change that were named, and the four repairs."""

import re
import shlex
from collections.abc import Mapping

from helpers.course.exam import COPIES, NAMED, POINTS, REPAIRED, REPAIRS, Exam
from helpers.course.exercise import exercise
from helpers.errors import NotSolved
from helpers.exercises.drills import current_pod
from helpers.exercises.impostor import GENUINE, hear
from helpers.exercises.repairs import fault_of_app
from helpers.language import mark, say

#: the request of a copy that works, with the impostor's files; kubectl asks for pages
_LISTS = re.compile(r"/api/v1/namespaces/elsewhere/pods/?(\?limit=500)?")


@exercise
def name_faults(named: Mapping[str, str], exam: Exam) -> None:
    """Note the first complete answer; demand the step and the change of each copy."""
    answers = {copy: _normalize(named.get(copy, "")) for copy in COPIES}
    for copy, answer in answers.items():
        if not re.fullmatch("[0-6][NCTPRM]", answer):
            fault = mark(
                "{copy}: {answer!r} is not a step and a change: write a number from 0 "
                "to 6 and one of the letters N, C, T, P, R and M."
            )
            raise NotSolved(say(fault, copy=copy, answer=answer))
    if exam.first_answer is None:
        exam.note(NAMED, answers="".join(answers.values()))
    faults = exam.faults
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
    """Demand four copies that work; note each of them."""
    if exam.first_answer is None:
        raise NotSolved(say("First name the faults: the repairs would show them."))
    left = [copy for copy in REPAIRS if copy not in exam.repairs]
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
    if not pod:
        return say("Its pod has just been replaced: check it again.")
    account = pod["spec"]["serviceAccountName"]
    if account != copy:
        fault = mark(
            "It runs as {account}: let it run as {copy}, and give that a rule."
        )
        return say(fault, account=account, copy=copy)
    container = pod["spec"]["containers"][0]
    words = [*container.get("command", ()), *container.get("args", ())]
    [genuine] = hear(pod, shlex.join(words), GENUINE)
    asked = [path for path, credential, _ in genuine["heard"] if credential == "own"]
    if not any(map(_LISTS.fullmatch, asked)):
        return say(
            "Asked with other files, it sends no request for the pods of their "
            "namespace with their token: look at the URL, and where it reads `token` "
            "and `namespace`."
        )
    return ""


def _normalize(answer: object) -> str:
    return "".join(str(answer).upper().split())
