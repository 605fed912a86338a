"""Say how an exercise went, and note it for the progress board.

A check is a function in `helpers.checks`, decorated with `exercise`. It returns nothing
when the answer is right, and raises NotSolved with one sentence when it is not.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass

from helpers import errors
from helpers.attempts import note

#: attribute of a check by which it is told from other functions
JUDGES = "lesson"


@dataclass(frozen=True)
class Solved:
    """What a check returns: `exercise` is its name, `lesson` that of the notebook."""

    lesson: str
    exercise: str

    def __repr__(self) -> str:
        """Return the line that a learner reads."""
        return "Right. This exercise is solved."


def exercise(check: Callable[..., None]) -> Callable[..., Solved]:
    """Make a check out of a function; its module is named like the lesson."""
    lesson = check.__module__.rpartition(".")[2].replace("_", "-")

    @functools.wraps(check)
    def judge(*args: object, **options: object) -> Solved:
        try:
            check(*args, **options)
        except errors.NotSolved as wrong:
            note(lesson, check.__name__, wrong.fact)
            raise
        note(lesson, check.__name__)
        return Solved(lesson, check.__name__)

    setattr(judge, JUDGES, lesson)
    return judge
