"""The wire log, as a person reads it and takes it away."""

import json

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.full("views by hand")

LESSON = "test-wirelog"
CELLS = {
    "connect": f"""
import os
from helpers import connect, widgets
cluster = connect()
namespace = cluster.create_namespace("{LESSON}")
os.environ["SERVER"] = cluster.server
""",
    "view": "view = widgets.wire_log()\nview",
    "python": "cluster.api_client().call_api('GET', f'{cluster.server}/version')",
    "shell": "!kubectl get configmaps --output=name",
    "bash": "%%bash\ncurl --silent --insecure $SERVER/api?token=abcdefghijkl | wc -l",
    "text": "print(view)",
    "after": "!kubectl get configmaps; which kubectl",
    "clean": "cluster.delete_namespace(namespace)",
}


@pytest.fixture
def notebook(lab, open_notebook):
    """Return a notebook with the view and nothing else, opened and run to it."""
    lab.write("wirelog", CELLS)
    opened = open_notebook("wirelog")
    opened.run("connect", "view")
    yield opened
    opened.run("clean")


def test_a_person_sees_every_request(cluster, lab, notebook):
    """Python, a shell cell and bash; filter, export and stop, by keyboard too."""
    view = notebook.output("view")
    expect(view).to_contain_text("Nothing was sent yet.")
    notebook.run("python", "shell", "bash")
    rows = view.get_by_role("row")
    expect(view).to_contain_text("3 requests, newest first")
    expect(rows.nth(1)).to_contain_text("/api?token=(removed)")
    expect(rows.nth(2)).to_contain_text("kubectl")
    expect(rows.nth(2)).to_contain_text("not known")
    expect(rows.nth(3)).to_contain_text("/version")
    # The cells show what they show without a log.
    assert notebook.text("shell").strip() == "configmap/kube-root-ca.crt"

    view.get_by_label("Line contains:").focus()
    notebook.page.keyboard.type("curl")
    expect(view).to_contain_text("1 request that fits, newest first")
    notebook.page.keyboard.press("Tab")
    expect(view.get_by_role("button", name="Export as HAR")).to_be_focused()
    notebook.page.keyboard.press("Enter")
    expect(view.get_by_role("status")).to_contain_text("requests.har")
    har = json.loads((lab.notebooks / "requests.har").read_text())
    assert len(har["log"]["entries"]) == 3
    for theme in ("light", "dark"):
        notebook.theme(theme)
        assert notebook.violations("view") == []
    notebook.run("text")
    assert "3 requests (1 curl, 1 kubectl, 1 python)" in notebook.text("text")

    view.get_by_role("button", name="Stop this view").click()
    expect(view.get_by_role("status")).to_contain_text("Stopped.")
    notebook.run("after")
    assert "wirelog" not in notebook.text("after")
    expect(view.get_by_label("Line contains:")).to_be_disabled()
    assert notebook.errors() == []
    assert notebook.console_errors() == []
