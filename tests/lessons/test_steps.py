"""Every step of the chapter is shown in a notebook, and something is asserted there."""

import tomllib
from pathlib import Path

import pytest

from tests.notebooks import FILES, load
from tests.style.page import Cell, Page

STEPS = tomllib.loads(Path(__file__).with_name("steps.toml").read_text("utf-8"))


def test_every_step_is_asserted_somewhere_and_no_cell_names_another():
    cells = [cell for path in FILES for cell in Page.read(path.name, load(path)).code]
    named = [(cell, step) for cell in cells for step in cell.metadata.get("steps", ())]
    assert {step for _, step in named} == STEPS.keys()
    assert {step for cell, step in named if cell.proves} == STEPS.keys()


def test_the_steps_are_numbered_without_a_gap():
    parts = {"A": 10, "B": 16, "C": 18, "D": 7}
    assert [*STEPS] == [f"{p}{n + 1}" for p, last in parts.items() for n in range(last)]


@pytest.mark.parametrize(
    ("source", "proves"),
    [
        ("!kubectl get pods", False),
        ("out = !kubectl get pods\nassert out, 'no output'", True),
        ("%%sh\nkubectl get pods", False),
        ("%%sh\nkubectl get pods || code=$?\ntest $code = 1", True),
    ],
)
def test_what_is_only_shown_is_not_proven(source, proves):
    assert Cell(0, "id", "code", source).proves == proves
