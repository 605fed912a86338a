"""Every step of the chapter is shown in a notebook, and something is asserted there."""

import json
import re

from tests.notebooks import FILES
from tools import steps


def notebook(folder, *cells):
    """Write 01-some.ipynb of (id, steps, source) code cells; return its path."""
    made = [
        {"cell_type": "code", "id": id_, "metadata": {"steps": names}, "source": source}
        for id_, names, source in cells
    ]
    path = folder / "01-some.ipynb"
    path.write_text(json.dumps({"cells": made}), encoding="utf-8")
    return path


def test_every_step_is_asserted_somewhere():
    assert steps.unproven(steps.shown(FILES)) == []


def test_no_cell_names_a_step_that_is_none():
    known = steps.STEPS.keys()
    assert [cell for cell in steps.shown(FILES) if cell.step not in known] == []


def test_the_steps_are_numbered_without_a_gap():
    numbers: dict[str, list[int]] = {}
    for step in steps.STEPS:
        part, number = re.fullmatch(r"([A-D])(\d+)", step).groups()
        numbers.setdefault(part, []).append(int(number))
    assert numbers == {
        "A": [*range(1, 11)],
        "B": [*range(1, 17)],
        "C": [*range(1, 19)],
        "D": [*range(1, 8)],
    }


def test_a_step_that_is_only_shown_is_unproven(tmp_path):
    path = notebook(
        tmp_path,
        ("seen", ["A1", "B2"], "!kubectl get pods"),
        ("proven", ["B2"], "out = !kubectl get pods\nassert out, 'no output'"),
        ("shell-seen", ["A3"], "%%sh\nkubectl get pods"),
        ("shell-proven", ["A2"], "%%sh\nkubectl get pods || code=$?\ntest $code = 1"),
    )
    missing = {*steps.unproven(steps.shown([path]))}
    assert missing == steps.STEPS.keys() - {"A2", "B2"}
