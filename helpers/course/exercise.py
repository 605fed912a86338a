"""Read exercises from notebooks, and report and note the result of a check.

An exercise is a stub, a check and a solution, in this order. The solution is Markdown,
so that Shift+Enter and *Run All* do not run it; the tests run it instead of the stub.
"""

import copy
import functools
import inspect
import numbers
import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar, get_origin

from cluster.kubeconfig import namespace_of
from cluster.waiting import PASSING
from helpers import errors
from helpers.command import demand_cluster, kubeconfig_in_use
from helpers.course.attempts import note
from helpers.course.steps import show_steps
from helpers.language import mark, say

#: what kubectl says if a server is too slow, or had an error that passes
SLOW = re.compile(
    r"\(Timeout\)|\(ServiceUnavailable\)|\(TooManyRequests\)|\(InternalError\)"
    r"|timed? ?out|deadline exceeded|[Tt]imeout|connection reset|unexpected EOF"
    r"|error dialing backend|etcdserver"
)
#: attribute of a check, which other functions lack
JUDGES = "lesson"
#: tags of the cells of an exercise, and of a task that may be left out
TASK, HINT, OPTIONAL = "task", "hint", "optional"
STUB, CHECK, SOLUTION = "exercise", "check", "solution"
#: the hint for an answer of another type
_FORMS = {
    Mapping: mark("It should be a dict, as in the exercise's own cell."),
    Sequence: mark("It should be a list, as in the exercise's own cell."),
    Callable: mark("It should be a function, as in the exercise's own cell."),
    str: mark("It should be a text in quotes, as in the exercise's own cell."),
}
#: parsed JSON, or what nbformat makes of it
Notebook = TypeVar("Notebook", bound=dict)
#: the module of a function that a notebook defines, with dashes
_NOTEBOOK = "--main--"
_FENCED = re.compile(r"^```\w*\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Solved:
    """The result of a check that passed."""

    lesson: str
    exercise: str

    def __repr__(self) -> str:
        return say("Correct.")


def exercise(check: Callable[..., None]) -> Callable[..., Solved]:
    """Make a function a check of the lesson that its module is named after.

    In a notebook it is a check of the lesson that the notebook's namespace is of. A
    wrong answer is noted and raises NotSolved. An answer that a slow cluster has not
    decided is no attempt: it raises Undecided.
    """
    home = check.__module__.rpartition(".")[2].replace("_", "-")

    @functools.wraps(check)
    def judge(*args: object, **options: object) -> Solved:
        lesson = _lesson_of_notebook() if home == _NOTEBOOK else home
        try:
            # To a check each letter of a text would be an element.
            if fault := _wrong_form(check, args, options, [Sequence]):
                raise errors.NotSolved(fault)
            _demand_own_namespace()
            with show_steps():
                check(*args, **options)
        except errors.NotSolved as wrong:
            note(lesson, check.__name__, wrong.message)
            raise
        except errors.LabError as error:
            if undecided := _undecided(error):
                raise undecided from error
            raise
        except Exception as error:
            demand_cluster()
            if undecided := _undecided(error):
                raise undecided from None
            # Not a traceback: it would show our code, and the answer is to blame.
            words = f"{type(error).__name__}: {error}".splitlines()[0]
            message = _wrong_form(check, args, options) or say(
                "The answer cannot be checked ({error}): give it the form that it has "
                "in the exercise's own cell.",
                error=words,
            )
            refused = errors.NotSolved(message)
            note(lesson, check.__name__, refused.message)
            raise refused from None
        note(lesson, check.__name__)
        return Solved(lesson, check.__name__)

    setattr(judge, JUDGES, home)
    return judge


def _demand_own_namespace() -> None:
    """Raise NotSolved if this notebook's kubectl was led to another namespace.

    Each check would look there, too.
    """
    own = os.environ.get("NAMESPACE", "")
    try:
        path = kubeconfig_in_use()
    except errors.NotConnected:
        return
    # An answer can change the file that is this notebook's own.
    used = namespace_of(path) if f".{own}." in path.name else own
    if used != own:
        fault = mark(
            "kubectl uses the namespace {used} now, and the exercise is in {own}: run "
            "`connect()` in a cell of its own."
        )
        raise errors.NotSolved(say(fault, used=used, own=own))


def _lesson_of_notebook() -> str:
    """Return the lesson of this notebook's namespace, without the number behind it."""
    return re.sub(r"-\d+$", "", os.environ.get("NAMESPACE", "")) or "notebook"


def _undecided(error: Exception) -> errors.Undecided | None:
    """Return what leaves an answer undecided if an error is that of a slow cluster."""
    if isinstance(error, errors.NotReady):
        return errors.Undecided(error.what, error.last)
    server = say("a response of the API server")
    match error:
        case errors.KubectlFailed(stderr=words) if SLOW.search(words):
            return errors.Undecided(server, words.strip().splitlines()[-1])
        case errors.ApiError(status=status) if status in PASSING:
            return errors.Undecided(server, error.message)
        case errors.DoesNotEnd() | errors.Unreachable():
            return errors.Undecided(server, error.message)
    # httpx, urllib3, subprocess and Python itself have a class each.
    if re.search("Time(d_?)?[oO]ut", type(error).__name__) or (
        type(error).__name__ == "MaxRetryError" and SLOW.search(str(error))
    ):
        return errors.Undecided(server)
    return None


def _wrong_form(
    check: Callable, args: tuple, options: dict, kinds: Iterable = _FORMS
) -> str:
    """Return a sentence on an argument that should be of one of `kinds`, or ""."""
    signature = inspect.signature(check)
    for name, value in signature.bind(*args, **options).arguments.items():
        parameter = signature.parameters[name]
        kind = get_origin(parameter.annotation) or parameter.annotation
        several = parameter.kind is inspect.Parameter.VAR_POSITIONAL
        for answer in value if several else [value]:
            text = kind is Sequence and isinstance(answer, str)
            if kind in kinds and (text or not isinstance(answer, kind)):
                fault = say(
                    "The answer has the type {type}.", type=type(answer).__name__
                )
                return fault + " " + say(_FORMS[kind])
    return ""


def demand_number(letter: str, guesses: Mapping[str, object]) -> int:
    """Return a learner's number for a letter; raise NotSolved if that is not one."""
    guess: Any = guesses.get(letter)
    # Also of numpy: a learner may read it from a table.
    is_number = isinstance(guess, numbers.Real) and not isinstance(guess, bool)
    if is_number and guess % 1 == 0:
        return int(guess)
    if guesses and letter not in guesses:
        fault = mark("There is no entry {letter!r}; you have {keys}.")
    elif guess is None:
        fault = mark("{letter}: there is no number yet.")
    elif isinstance(guess, str):
        fault = mark(
            "{letter}: {guess!r} is not a number: write the number alone, without "
            "quotes."
        )
    else:
        fault = mark("{letter}: {guess!r} is not a whole number, such as 200.")
    keys = ", ".join(map(repr, guesses))
    raise errors.NotSolved(say(fault, letter=letter, guess=guess, keys=keys))


def letters_of(answer: object) -> str:
    """Return an answer of letters and digits in capitals, without spaces.

    Full-width ones, as an input method for Korean may write them, become narrow.
    """
    return "".join(unicodedata.normalize("NFKC", str(answer)).upper().split())


def tags_of(cell: dict) -> list[str]:
    """Return the tags of a cell."""
    return [*cell["metadata"].get("tags", ())]


def has_tag(cell: dict, tag: str) -> bool:
    """Return whether a cell has a tag."""
    return tag in tags_of(cell)


def code_of(solution: dict) -> str:
    """Return the code in a solution's cell: its fenced blocks."""
    text = "".join(solution["source"])
    return "\n".join(block.rstrip("\n") for block in _FENCED.findall(text))


def with_solutions(notebook: Notebook) -> Notebook:
    """Return the notebook with each solution's code instead of its stub."""
    done = copy.deepcopy(notebook)
    stubs = [cell for cell in done["cells"] if has_tag(cell, STUB)]
    solutions = [cell for cell in done["cells"] if has_tag(cell, SOLUTION)]
    for stub, solution in zip(stubs, solutions, strict=True):
        stub["source"] = code_of(solution)
    return done


def without_solutions(notebook: dict) -> dict:
    """Return the notebook for a class."""
    left = [cell for cell in notebook["cells"] if not has_tag(cell, SOLUTION)]
    return copy.deepcopy(notebook | {"cells": left})
