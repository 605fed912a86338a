"""A kernel that restarts takes its views with it: processes, watches, files."""

from pathlib import Path

import psutil
import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.full("views by hand")

#: seconds for what the old kernel had started to end
END = 20.0
CELLS = {
    "connect": """
import os
from helpers import connect, kubectl, wait_for, widgets
from helpers.command import kubeconfig_in_use
cluster = connect()
namespace = cluster.create_namespace("test-restart")
quick = '--overrides={"spec": {"terminationGracePeriodSeconds": 1}}'
kubectl("run", "app", "--image=toolbox:1", quick, "--", "sleep", "infinity")
wait_for("condition=Ready", "pod/app")
print(os.getpid(), kubeconfig_in_use().parent)
""",
    "pods": "pods = widgets.live_pods()\npods",
    "log": "log = widgets.wire_log()\nlog",
    "again": "log = widgets.wire_log()\nlog",
    "clean": "log.stop()\ncluster.delete_namespace(namespace)",
}


def logs(directory: Path) -> list[Path]:
    """Return the directories of the wire logs that are open."""
    return sorted(directory.glob("wirelog.*"))


def test_what_the_old_kernel_had_started_is_gone(lab, open_notebook):
    """Its kubectl, here and in the pod, and the directory of its wire log."""
    lab.write("restart", CELLS)
    notebook = open_notebook("restart")
    notebook.run("connect", "pods", "log")
    expect(notebook.output("pods")).to_contain_text("1 to 1 of 1 pods")
    expect(notebook.output("log")).to_contain_text("Nothing was sent yet.")
    pid, place = notebook.text("connect").split()[-2:]
    old, directory = psutil.Process(int(pid)), Path(place)
    children = old.children(recursive=True)
    before = logs(directory)
    assert before != []

    notebook.restart_kernel()
    _, alive = psutil.wait_procs([old, *children], END)
    assert alive == []
    assert not set(before) & set(logs(directory))

    notebook.run("connect", "again")
    expect(notebook.output("again")).to_contain_text("Nothing was sent yet.")
    notebook.run("clean")
    assert notebook.errors() == []
    assert not set(before) & set(logs(directory))
