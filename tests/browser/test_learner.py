"""A learner's path: cell by cell with the keyboard, the exercises solved by typing."""

import pytest

#: What a learner types into the stub of each exercise; not the folded solutions.
ANSWERS = {
    "00-start-here": {
        "label-stub": "!kubectl label namespace {namespace} mood=curious",
    },
    "05-inside-a-pod": {
        "refused-stub": """\
wrong_ca = "/etc/ssl/certs/ca-certificates.crt"
wrong_host = "some.other.host"
""",
        "role-stub": """\
%%bash
set -e
kubectl create role look-at-configs --verb=get --verb=list --resource=configmaps
kubectl create rolebinding curl-looks --role=look-at-configs \\
  --serviceaccount=$NAMESPACE:curl
""",
        "symptoms-stub": """\
named = {
    "curl ends with 6": "find it",
    "curl ends with 60": "be sure",
    "401": "authenticate",
    "403, user system:anonymous": "authenticate",
    "403, user system:serviceaccount:…": "be authorized",
}
""",
    },
}


@pytest.mark.parametrize("name", ANSWERS)
def test_with_the_keyboard_alone(open_notebook, name):
    """Shift+Enter leads through; a check is an error at first and silent at the end."""
    notebook, answers = open_notebook(name), dict(ANSWERS[name])
    order, exercises = notebook.order(), notebook.cells("exercise")
    # The last cell is text; Shift+Enter there would add one.
    place, end = 0, len(order) - 1
    notebook.select(order[0])
    while place < end:
        cell = order[place]
        if cell in exercises:
            solve(notebook, cell, answers.pop(cell))
            place = order.index(notebook.active())
            continue
        notebook.press_shift_enter(cell)
        assert notebook.errors() == []
        place += 1
    assert answers == {}
    assert notebook.console_errors() == []


def solve(notebook, stub, answer):
    """Run the stub and see the check refuse; type an answer and see it pass.

    The folded solution is passed over with the arrow key, and never run.
    """
    order = notebook.order()
    solution, check = order[order.index(stub) + 1 :][:2]
    assert solution in notebook.cells("solution") and check in notebook.cells("check")

    run_stub_and_check(notebook, stub, solution, check)
    [error] = notebook.errors()
    assert error.startswith(f"{check}: AssertionError: ")
    # Not the bare assert: what is missing is told.
    assert len(error) > len(f"{check}: AssertionError: ") + 20

    notebook.type_into(stub, answer)
    assert notebook.source(stub) == answer.rstrip()
    run_stub_and_check(notebook, stub, solution, check)
    assert notebook.errors() == []
    assert notebook.count(solution) is None


def run_stub_and_check(notebook, stub, solution, check):
    notebook.press_shift_enter(stub)
    assert notebook.active() == solution
    notebook.page.keyboard.press("ArrowDown")
    notebook.press_shift_enter(check)
