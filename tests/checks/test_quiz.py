"""The quiz of the page has the statements that the check knows, and reasons."""

import re

import pytest

from helpers.checks.quiz import statements_judged
from tests.notebooks import source

TRUE = ("proxy", "none", "library")
WORDS = re.findall(r"^- \*\*([\w ]+):\*\*", source("10-recap", "quiz-task"), re.M)
RIGHT = {word: word in TRUE for word in WORDS}


def test_right_answers_pass():
    """The page and the check know the same statements."""
    assert len(WORDS) == 9 and statements_judged(RIGHT) == ""


@pytest.mark.parametrize("word", WORDS)
def test_a_wrong_answer_is_told_with_the_reason(word):
    said = statements_judged(RIGHT | {word: not RIGHT[word]})
    assert re.match(rf"{word}: it is (true|false), for \S+ .*\.$", said)


@pytest.mark.parametrize("answer", [None, "no", 1])
def test_what_is_no_answer_is_no_wrong_answer(answer):
    said = statements_judged(RIGHT | {"env": answer})
    assert said == f"env: {answer!r}; write True or False."
    assert statements_judged({}).startswith("env: None")
