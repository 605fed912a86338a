"""A learner's path: exercises solved by typing, views used as the lesson says.

What is on the screen at the end has no error, and axe finds nothing in either theme.
"""

import pytest
from playwright.sync_api import expect

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


def break_the_journey(view):
    """Lesson 05: another path, a broken step, and a look at where it stops."""
    view.get_by_label("Try:").select_option("/")
    view.get_by_role("button", name="Send").click()
    expect(view.get_by_role("status")).to_contain_text("It stopped at authorization")
    view.get_by_label("Break:").select_option("the name: kubernetes alone")
    view.get_by_role("button", name="Send").click()
    expect(view.get_by_role("status")).to_contain_text("It stopped at name")


def filter_the_pods(view):
    """Lesson 08: filter."""
    view.get_by_label("Name or label contains:").fill("no such pod")
    expect(view).to_contain_text("matches the filter.")


def walk_about(view):
    """Lesson 09: into a group, to a resource of all namespaces."""
    view.get_by_label("Group:").select_option("(core)")
    view.get_by_label("Resource:").select_option("configmaps (ConfigMap)")
    view.get_by_label("Namespace:").select_option("all namespaces")
    expect(view.get_by_role("status")).to_contain_text("200 OK")
    expect(view.get_by_role("region", name="Answer")).to_contain_text("ConfigMapList")


#: What is done in the views of each lesson that is gone through here, by their cells.
STEPS = {
    "00-start-here": {},
    "05-inside-a-pod": {"journey-view": break_the_journey},
    "08-client-library": {"live": filter_the_pods},
    "09-openapi": {"explorer": walk_about},
}
BY_KEYBOARD = "00-start-here"


def test_with_the_keyboard_alone(open_notebook):
    """Shift+Enter leads through; a check is an error at first and silent at the end."""
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
    assert notebook.not_run() == notebook.cells("solution")
    assert notebook.faults() == []


@pytest.mark.parametrize("name", [name for name in STEPS if name != BY_KEYBOARD])
def test_what_the_lesson_says_does_it_no_harm(open_notebook, name):
    """Whatever was chosen in a view or typed, the cells below say what they say."""
    notebook = open_notebook(name)
    steps, answers = dict(STEPS[name]), dict(ANSWERS.get(name, {}))
    solved, passed_over = set(), notebook.cells("solution") if answers else []
    for cell in notebook.cells():
        if cell in answers:
            notebook.select(cell)
            solved |= solve(notebook, cell, answers.pop(cell))
        elif cell not in solved:
            notebook.run(cell)
        if cell in steps:
            steps.pop(cell)(notebook.output(cell))
    assert (steps, answers) == ({}, {})
    assert notebook.not_run() == passed_over
    assert notebook.faults() == []


def solve(notebook, stub, answer):
    """Run the stub and see the check refuse; type an answer and see it pass.

    The folded solution is passed over with the arrow key, and never run. Return all
    three cells.
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
    return {stub, solution, check}


def run_stub_and_check(notebook, stub, solution, check):
    notebook.press_shift_enter(stub)
    assert notebook.active() == solution
    notebook.page.keyboard.press("ArrowDown")
    notebook.press_shift_enter(check)
