"""What the checks of lesson 06 say of a right that is missing, and of symptoms."""

import pytest

from helpers import grants
from helpers.checks import be_allowed
from helpers.errors import NotSolved

NAMED = {
    "curl 6": "A",
    "curl 60": "B",
    "401": "C",
    "403 system:anonymous": "C",
    "403 system:serviceaccount:…": "D",
}


def test_a_missing_right_is_told(namespace, monkeypatch):
    """It is the fault of the grant."""
    monkeypatch.setattr(grants, "PROPAGATION", 0.5)
    with pytest.raises(NotSolved, match="No RoleBinding gives curl get on configmaps"):
        be_allowed.allow_configmaps("curl")


def test_right_letters_pass_in_either_case():
    """The letter counts."""
    lower = {symptom: letter.lower() for symptom, letter in NAMED.items()}
    assert "Right." in repr(be_allowed.name_problems(lower))


@pytest.mark.parametrize("symptom", NAMED)
def test_a_wrong_letter_is_told_with_the_reason(symptom):
    """The symptom, what it is not, and why."""
    wrong = next(letter for letter in "ABCD" if letter != NAMED[symptom])
    with pytest.raises(NotSolved) as told:
        be_allowed.name_problems(NAMED | {symptom: wrong})
    assert told.value.fact.startswith(f"{symptom}: it is not {wrong}, because ")


@pytest.mark.parametrize(
    ("answer", "said"), [("", "is still empty"), ("dns", "it is 'DNS'; write A, B")]
)
def test_no_letter_is_told_with_the_choices(answer, said):
    """A typing error is not a wrong answer."""
    with pytest.raises(NotSolved, match=said):
        be_allowed.name_problems(NAMED | {"401": answer})


def test_no_answer_at_all_is_told():
    """An empty dictionary solves nothing."""
    with pytest.raises(NotSolved, match="curl 6: it is still empty"):
        be_allowed.name_problems({})
