"""Ask ten questions before the first lesson and after the last, and show the gain.

Each is a wrong answer that learners give to an exercise, or its opposite.
"""

from helpers import errors
from helpers.course import attempts
from helpers.course.exercise import letters_of
from helpers.language import mark, say

TOPIC, BEFORE, AFTER = "ten-questions", "before", "after"
#: a statement, whether it is true, and the lesson that has it
QUESTIONS = (
    (mark("`kubectl label --dry-run=server` changes the object."), "F", "00"),
    (mark("Without a divisor, a CPU limit of 250m arrives as 0.25."), "F", "01"),
    (mark("A request without a credential gets 401 for `/apis`."), "F", "02"),
    (mark("If curl exits with 60, it has sent no request."), "T", "02"),
    (mark("`/api/v1/services/namespaces/web` is a list of Services."), "F", "03"),
    (mark("`/apis/apps/v1/deployments` lists all namespaces' Deployments."), "T", "04"),
    (mark("Every pod finds the API server as `https://kubernetes`."), "F", "05"),
    (mark("`--serviceaccount=web:app` names an account in `web`."), "T", "06"),
    (mark("A 403 that names your account: the token was accepted."), "T", "06"),
    (mark("`job.spec.suspend = True` in Python suspends the Job."), "F", "07"),
)


class Lines(str):
    """Text that a notebook shows as it is."""

    __repr__ = str.__str__


def ten_questions(*, before: str = "", after: str = "") -> Lines:
    """Show ten statements, or note your answers: T, F or ? for each, as `"TF?…"`.

    The first answers of each kind count; they stay on this machine. Raise LabError for
    what is not ten such letters.
    """
    when, answers = (AFTER, after) if after else (BEFORE, before)
    letters = letters_of(answers)
    if not letters:
        statements = [
            f"{number}. {say(question[0])}"
            for number, question in enumerate(QUESTIONS, 1)
        ]
        how = mark("Write T (true), F (false) or ? for each, in one text: ten letters.")
        return Lines("\n".join([*statements, say(how)]))
    if len(letters) != len(QUESTIONS) or not {*letters} <= {*"TF?"}:
        fault = mark("{answers!r} is not ten letters, each of them T, F or ?.")
        raise errors.LabError(say(fault, answers=answers))
    if when in (given := first_answers()):
        letters = given[when]
    else:
        attempts.note(TOPIC, when, result={"letters": letters})
    if when == BEFORE:
        return Lines(
            say("Your first answers are noted. Lesson 08 asks the same again.")
        )
    wrong = [
        f"{number} ({lesson})"
        for number, (_, right, lesson) in enumerate(QUESTIONS, 1)
        if letters[number - 1] != right
    ]
    look = say("Look again (lesson): {wrong}.", wrong=", ".join(wrong))
    return Lines("\n".join([gain({**given, AFTER: letters}), *[look] * bool(wrong)]))


def gain(given: dict[str, str]) -> str:
    """Return a sentence on what was right before and after, or ""."""
    points = {when: _points(letters) for when, letters in given.items()}
    if AFTER not in points:
        return ""
    if BEFORE not in points:
        return say("Ten questions: {after} right.", after=points[AFTER])
    text = mark("Ten questions: {before} right before the lessons, {after} after them.")
    return say(text, before=points[BEFORE], after=points[AFTER])


def first_answers(noted: list[attempts.Attempt] | None = None) -> dict[str, str]:
    """Return the first answers of each kind, of `noted` or of the learner's file."""
    answers: dict[str, str] = {}
    for step in attempts.results(TOPIC, noted):
        letters = step.result.get("letters")
        if isinstance(letters, str) and len(letters) == len(QUESTIONS):
            answers.setdefault(step.exercise, letters)
    return answers


def _points(letters: str) -> int:
    return sum(map(str.__eq__, letters, (right for _, right, _ in QUESTIONS)))
