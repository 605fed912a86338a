"""The live table of pods, as a person sees and uses it."""

import json

import pytest
from playwright.sync_api import expect

from cluster.tests.running import sleeper
from helpers import kubectl

LESSON = "test-screen"
CELLS = {
    "view": "view = widgets.live_pods()\nview",
    "text": "print(view)",
}
pytestmark = [
    pytest.mark.full("views by hand"),
    pytest.mark.parametrize("notebook", [(LESSON, CELLS)], ids=[LESSON], indirect=True),
]


def pod(name: str, namespace: str, **labels) -> dict:
    """Return a pod that no node takes: enough to be a row."""
    made = sleeper(name, labels=labels)
    made["metadata"]["namespace"] = namespace
    made["spec"]["nodeSelector"] = {"no": "node"}
    return made


def create(*pods: dict) -> None:
    document = {"apiVersion": "v1", "kind": "List", "items": pods}
    kubectl("create", "-f", "-", input=json.dumps(document))


def namespace_of(notebook) -> str:
    text = notebook.output("view").get_by_text("Pods in namespace").inner_text()
    return text.split()[-1]


def test_a_person_follows_the_pods(cluster, notebook):
    """Empty, filled, filtered, stopped: with the keyboard, in both themes."""
    view = notebook.output("view")
    expect(view).to_contain_text("No pods yet.")
    namespace = namespace_of(notebook)
    create(*[pod(f"web-{n:02}", namespace, app="web") for n in range(25)])
    expect(view).to_contain_text("The first 20 of 25 pods")
    expect(view).to_contain_text("Events since the list: 25 ADDED")
    status, wanted = view.get_by_role("status"), "Name or label contains:"
    view.get_by_label(wanted).focus()
    notebook.page.keyboard.type("web-07")
    expect(view).to_contain_text("1 of 25 pods")
    kubectl("delete", "pod", "web-07", f"--namespace={namespace}", "--grace-period=0")
    expect(view).to_contain_text("None of 24 pods matches the filter.")
    view.get_by_label(wanted).fill("")
    expect(view).to_contain_text("The first 20 of 24 pods")
    for theme in ("light", "dark"):
        notebook.theme(theme)
        assert notebook.violations("view") == []
    notebook.run("text")
    assert "… and 4 more" in notebook.text("text")
    view.get_by_role("button", name="Stop this view").press("Enter")
    expect(status).to_contain_text("Stopped.")
    expect(view.get_by_role("button", name="Stopped")).to_be_focused()
    expect(view.get_by_label(wanted)).to_be_disabled()
    assert notebook.console_errors() == []
