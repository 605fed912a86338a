"""A learner does with each view what the lesson says, and the lesson goes on."""

import pytest
from playwright.sync_api import expect

from helpers import kubectl


def change_a_label(view):
    """Lesson 01: a value, and then one that no label may have."""
    status = view.get_by_role("status")
    field = view.get_by_label("Value of label foo:")
    field.fill("purple")
    view.get_by_role("button", name="Set label").click()
    expect(view).to_contain_text("Changes, newest first: 1")
    field.fill("two words")
    view.get_by_role("button", name="Set label").click()
    expect(status).to_contain_text("a valid label must")


def break_the_journey(view):
    """Lesson 05: another path, a broken step, and a look at where it stops."""
    view.get_by_label("Try:").select_option("/")
    view.get_by_role("button", name="Send").click()
    expect(view.get_by_role("status")).to_contain_text("It stopped at authorization")
    view.get_by_label("Break:").select_option("the name: kubernetes alone")
    view.get_by_role("button", name="Send").click()
    expect(view.get_by_role("status")).to_contain_text("It stopped at name")


def choose_an_account(view):
    """Lesson 06: another account, the box, and something granted meanwhile."""
    status = view.get_by_role("status")
    namespace = view.get_by_text("What an account may do").inner_text().split()[-1]
    view.get_by_label("ServiceAccount:").select_option("default")
    expect(status).to_contain_text(
        f"Asked as system:serviceaccount:{namespace}:default"
    )
    view.get_by_label("As if permissive-binding were there").click()
    expect(status).to_contain_text("as if permissive-binding were there")
    here = f"--namespace={namespace}"
    kubectl("create", "role", "more", "--verb=get", "--resource=secrets", here)
    to = f"--serviceaccount={namespace}:reader"
    kubectl("create", "rolebinding", "more", "--role=more", to, here)


def turn_the_pods(view):
    """Lesson 08: filter and order."""
    view.get_by_label("Order:").select_option("last event first")
    view.get_by_label("Name or label contains:").fill("no such pod")
    expect(view).to_contain_text("fits the filter.")


def read_the_wire_log(view):
    """Lesson 08: filter the requests."""
    view.get_by_label("Line contains:").fill("curl")
    expect(view).to_contain_text("Nothing was sent yet.")


def walk_about(view):
    """Lesson 09: into a group, to a resource of another namespace, to its table."""
    view.get_by_label("Group:").select_option("(core)")
    view.get_by_label("Resource:").select_option("configmaps (ConfigMap)")
    view.get_by_label("Namespace:").select_option("all namespaces")
    expect(view.get_by_role("status")).to_contain_text("200 OK")
    view.get_by_role("tab", name="Table").click()
    expect(view.get_by_role("columnheader", name="DATA")).to_be_visible()


@pytest.mark.parametrize(
    ("name", "steps"),
    [
        ("01-pod-metadata", {"downward-view": change_a_label}),
        ("05-inside-a-pod", {"journey-view": break_the_journey}),
        ("06-rbac-and-tokens", {"matrix-view": choose_an_account}),
        (
            "08-client-library",
            {"live": turn_the_pods, "wire-log": read_the_wire_log},
        ),
        ("09-openapi", {"explorer": walk_about}),
    ],
)
def test_what_the_lesson_says_does_it_no_harm(open_notebook, name, steps):
    """Whatever was chosen in a view, the cells below it say what they say."""
    notebook = open_notebook(name)
    cells, done = notebook.cells(), 0
    for cell, step in steps.items():
        end = cells.index(cell) + 1
        notebook.run(*cells[done:end])
        step(notebook.output(cell))
        done = end
    notebook.run(*cells[done:])
    assert (notebook.errors(), notebook.not_run()) == ([], [])
    assert notebook.console_errors() == []
