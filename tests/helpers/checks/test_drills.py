"""What the check of the layers says to a learner; test_repairs.py has the rest."""

import pytest

from helpers.checks.drills import COPIES, LAYERS, name_layers
from helpers.errors import NotSolved
from tests.notebooks import source

RIGHT = COPIES


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"drill-1": ""}, "drill-1: write a letter from A to F."),
        ({"drill-2": "TLS"}, "drill-2: write a letter from A to F."),
        ({"drill-5": "E"}, "drill-5: it is not E. The token is accepted"),
    ],
)
def test_one_wrong(change, said):
    """Missing, no letter, and the wrong one with the reason."""
    with pytest.raises(NotSolved, match=said):
        name_layers(RIGHT | change)


def test_no_answer():
    with pytest.raises(NotSolved, match="drill-1: write a letter"):
        name_layers({})


@pytest.mark.parametrize(("letter", "layer"), LAYERS.items())
def test_the_letters_are_those_of_the_page(letter, layer):
    assert f"| {letter} | {layer} |" in source("26-drills", "layers-task")
