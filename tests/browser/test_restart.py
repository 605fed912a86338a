"""A kernel that restarts takes its views and processes with it."""

import psutil
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.full("views by hand")

#: seconds for what the old kernel had started to end
END = 20.0
CELLS = {
    "connect": """
import os
from helpers import KubectlProxy, connect, kubectl, widgets
cluster = connect()
namespace = cluster.create_namespace("test-restart")
kubectl("run", "app", "--image=toolbox:1", "--", "sleep", "infinity")
proxy = KubectlProxy().start()
print(os.getpid())
""",
    "pods": "pods = widgets.live_pods()\npods",
    "explorer": "explorer = widgets.api_explorer()\nexplorer",
    "clean": "proxy.stop()\ncluster.delete_namespace(namespace)",
}


def test_what_the_old_kernel_had_started_is_gone(lab, open_notebook):
    """Its process ends, and the cells make new views in the place of the dead ones."""
    lab.write("restart", CELLS)
    notebook = open_notebook("restart")
    notebook.run("connect", "pods", "explorer")
    expect(notebook.output("pods")).to_contain_text("1 of 1 pods")
    expect(notebook.output("explorer")).to_contain_text("200 OK")
    old = psutil.Process(int(notebook.text("connect").split()[-1]))
    children = old.children(recursive=True)
    assert [child.name() for child in children] == ["kubectl"]

    notebook.restart_kernel()
    _, alive = psutil.wait_procs([old, *children], END)
    assert alive == []

    notebook.run("connect", "pods", "explorer")
    expect(notebook.output("explorer").get_by_text("API explorer")).to_have_count(1)
    expect(notebook.output("pods")).to_contain_text("1 of 1 pods")
    notebook.run("clean")
    assert notebook.errors() == []
