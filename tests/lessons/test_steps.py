"""Every step of the chapter is shown in a notebook, and something is asserted there."""

import json

from tests.notebooks import FILES
from tools import steps


def test_every_step_is_asserted_somewhere():
    assert steps.unproven(steps.shown(FILES)) == []


def test_no_cell_names_a_step_that_is_none():
    known = steps.STEPS.keys()
    assert [cell for cell in steps.shown(FILES) if cell.step not in known] == []


def test_a_step_that_is_only_shown_is_unproven(tmp_path):
    cells = [
        {"cell_type": "code", "id": source, "source": source, "metadata": {"steps": of}}
        for of, source in (
            (["A1", "B2"], "!kubectl get pods"),
            (["B2"], "out = !kubectl get pods\nassert out, 'no output'"),
            (["A3"], "%%sh\nkubectl get pods"),
            (["A2"], "%%sh\nkubectl get pods || code=$?\ntest $code = 1"),
        )
    ]
    path = tmp_path / "01-some.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    missing = {*steps.unproven(steps.shown([path]))}
    assert missing == steps.STEPS.keys() - {"A2", "B2"}
