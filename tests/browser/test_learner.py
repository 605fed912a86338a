"""A learner's path: exercises solved by typing, views used as the lesson says.

What is on the screen at the end has no error, and axe finds nothing in either theme.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.notebooks import file_of, in_lab

#: The learner's answer to each exercise, by stub; not the folded solutions.
ANSWERS = {
    "00-start-here": {
        "label-stub": "%%sh\nkubectl label namespace $NAMESPACE mood=curious",
        "version-stub": """\
build = kubectl("get --raw /version").json()
version = build["goVersion"]
""",
    },
    "06-be-allowed": {
        "role-stub": """\
%%sh
kubectl create role look-at-configs --verb=get --verb=list --resource=configmaps
kubectl create rolebinding curl-looks --role=look-at-configs \\
  --serviceaccount=$NAMESPACE:curl
""",
        "symptoms-stub": """\
named = {"A": "1N", "B": "3C", "C": "4T", "D": "5T", "E": "5R"}
""",
    },
}


def break_the_journey(view):
    view.get_by_label("Try:").select_option("/")
    view.get_by_role("button", name="Send").click()
    expect(view.get_by_role("status")).to_contain_text("It stopped at authorization")
    view.get_by_label("Break:").select_option("the name: kubernetes alone")
    view.get_by_role("button", name="Send").click()
    expect(view.get_by_role("status")).to_contain_text("It stopped at name")


def filter_the_pods(view):
    view.get_by_label("Name or label contains:").fill("no such pod")
    expect(view).to_contain_text("No pods yet.")


def walk_about(view):
    view.get_by_label("Group:").select_option("(core)")
    view.get_by_label("Resource:").select_option("configmaps (ConfigMap)")
    view.get_by_label("Namespace:").select_option("all namespaces")
    expect(view.get_by_role("status")).to_contain_text("200 OK")
    expect(view.get_by_role("region", name="Answer")).to_contain_text("ConfigMapList")


#: Actions in the views of each lesson that is gone through here, by cell.
STEPS = {
    "00-start-here": {},
    "04-batch-api": {"explorer": walk_about},
    "06-be-allowed": {"journey-view": break_the_journey},
    "15-lists-and-watches": {"live": filter_the_pods},
}
BY_KEYBOARD = "00-start-here"
LESSONS = [name for name in STEPS if name != BY_KEYBOARD]


def test_with_the_keyboard_alone(open_notebook):
    """Shift+Enter leads through; a check is an error at first and passes at the end."""
    notebook, answers = open_notebook(BY_KEYBOARD), dict(ANSWERS[BY_KEYBOARD])
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
    assert notebook.not_run() == []
    assert notebook.faults() == []
    board = notebook.text("board")
    assert re.search(r"00 Start here\s+\d+\s+2 of 2 ✓", board)
    assert "Next: 01-pod-metadata" in board


@pytest.mark.full("views by hand")
@pytest.mark.parametrize("name", LESSONS)
def test_what_the_lesson_says_does_it_no_harm(open_notebook, name):
    """The cells below a view say the same, whatever was chosen in it or typed.

    An exercise without an answer here keeps its stub, and its check refuses that.
    """
    notebook = open_notebook(in_lab(file_of(name)))
    steps, answers = dict(STEPS[name]), dict(ANSWERS.get(name, {}))
    solved, refused = set(), []
    for cell in notebook.cells():
        if cell in answers:
            notebook.select(cell)
            solved |= solve(notebook, cell, answers.pop(cell))
        elif cell not in solved:
            notebook.run(cell)
            if cell in notebook.cells("check"):
                refused.append(cell)
        if cell in steps:
            steps.pop(cell)(notebook.output(cell))
    assert (steps, answers) == ({}, {})
    assert notebook.not_run() == []
    faults = notebook.faults()
    expected = tuple(f"{check}: NotSolved: " for check in refused)
    assert [each for each in faults if not str(each).startswith(expected)] == []
    assert len(faults) == len(refused)


def solve(notebook, stub, answer):
    """Run the stub and see the check refuse; type an answer and see it pass.

    The folded solution below is text: it is never run. Return both cells.
    """
    order = notebook.order()
    check, solution = order[order.index(stub) + 1 :][:2]
    assert check in notebook.cells("check") and solution not in notebook.cells()

    notebook.press_shift_enter(stub)
    notebook.press_shift_enter(check)
    [error] = [each for each in notebook.errors() if each.startswith(f"{check}: ")]
    assert error.startswith(f"{check}: NotSolved: ")
    assert len(error) > len(f"{check}: NotSolved: ") + 20

    notebook.type_into(stub, answer)
    assert notebook.source(stub) == answer.rstrip()
    notebook.press_shift_enter(stub)
    notebook.press_shift_enter(check)
    assert not [each for each in notebook.errors() if each.startswith(f"{check}: ")]
    assert notebook.active() == solution
    return {stub, check}
