"""Python in a tab in Chromium: what a cell sees, what stops it, what cannot end it."""

import json
import time

import pytest

from cluster.tests.waiting import until
from tab import build
from tab.tests.reader import REFUSES_ALL
from tab.tests.servers import PATIENCE
from tests.kernels import CONNECT
from website.lessons_in_tab import start_tab

pytestmark = [
    pytest.mark.full("a cluster and Python in a browser"),
    pytest.mark.skipif(
        build.find() is None,
        reason="the program for the browser is not here. Run: python -m tab.build",
    ),
    pytest.mark.timeout(1800),
]

#: seconds until a cell has stopped, on a busy machine
SOON = 15


@pytest.fixture(scope="module")
def tab(browser):
    """Return a tab that is ready."""
    with start_tab(browser) as ready:
        yield ready


@pytest.fixture
def show(tab):
    """Return a function that runs code in a cell, and returns what it shows."""
    return shower(tab)


def shower(tab):
    """Return a function that runs code in a cell, and returns what that shows.

    The notebook is connected, so that its `%%sh` runs commands.
    """
    tab.call("open", "/root")

    def show(source: str) -> str:
        cell = {"source": source, "metadata": {}}
        tab.run_cell(cell)
        return "".join(
            output.get("text", "")
            or output.get("evalue", "")
            or output.get("data", {}).get("text/plain", "")
            for output in cell["outputs"]
        )

    show(CONNECT)
    return show


def test_go_and_python_see_the_same_files(show):
    assert show("from pathlib import Path\nPath('/tmp/a').write_text('b\\n')") == "2"
    assert show("!cat /tmp/a; mv /tmp/a /tmp/c; ln -s c /tmp/d") == "b\n"
    assert show("Path('/tmp/d').read_text(), Path('/tmp/a').exists()") == (
        "('b\\n', False)"
    )


def test_python_cannot_remove_what_the_cluster_runs_with(show):
    code = "import shutil\nshutil.rmtree('/etc/kubernetes')"
    assert "Read-only file system" in show(code)
    assert "Read-only file system" in show("open('/etc/kubernetes/ca.crt', 'w')")
    assert "default" in show("!kubectl --kubeconfig /etc/kubernetes/config get ns")


HANDSHAKE = """
import socket, ssl
context = ssl.create_default_context(**{trust})
with socket.create_connection(("127.0.0.1", 6443)) as plain:
    version = context.wrap_socket(plain, server_hostname="{name}").version()
version
"""


@pytest.mark.parametrize(
    ("trust", "name", "shown"),
    [
        ({}, "kubernetes", "unable to get local issuer certificate"),
        ({"cafile": "/etc/kubernetes/ca.crt"}, "x", "not valid for 'x'"),
        ({"cafile": "/etc/kubernetes/ca.crt"}, "kubernetes", "TLSv1.3"),
    ],
)
def test_a_certificate_is_verified(show, trust, name, shown):
    assert shown in show(HANDSHAKE.format(trust=trust, name=name))


def test_an_endless_loop_is_stopped_and_the_cluster_goes_on(tab, show):
    for loop in ("while True: pass", "import time\nwhile True: time.sleep(9)"):
        tab.stop_soon(1000)
        assert "stopped" in show(loop)
    assert "default" in show("!kubectl --kubeconfig /etc/kubernetes/config get ns")


@pytest.mark.parametrize("cell", ["%%sh\n", "%%bash\n", "!"])
def test_two_loops_of_a_shell_are_stopped(tab, show, cell):
    loop = "while :; do :; done"
    tab.stop_soon(1000)
    began = time.monotonic()
    assert "stopped" in show(f"{cell}{loop} & {loop}")
    assert time.monotonic() - began < SOON


def test_threads_that_compute_end_with_the_cell_that_is_stopped(tab, show):
    code = """
import threading
def compute():
    while True: pass
threads = [threading.Thread(target=compute) for _ in range(50)]
for thread in threads: thread.start()
for thread in threads: thread.join()
"""
    tab.stop_soon(2000)
    assert "stopped" in show(code)
    join = "for thread in threads:\n    if thread.ident: thread.join()"
    assert show(join) == ""
    assert "default" in show("!kubectl --kubeconfig /etc/kubernetes/config get ns")


def test_a_thread_that_waits_goes_on_when_a_cell_is_stopped(tab, show):
    code = """
import threading
done = threading.Event()
def wait():
    while not done.wait(0.01): pass
thread = threading.Thread(target=wait)
thread.start()
while True: pass
"""
    tab.stop_soon(1000)
    assert "stopped" in show(code)
    assert show("thread.is_alive(), done.set(), thread.join()") == "(True, None, None)"


@pytest.mark.parametrize(
    ("source", "shown"),
    [
        ("%%sh\nf() { f; }; f", "maximum function nesting level exceeded"),
        ("%%sh\n:(){ :|:& };:; sleep 600", "Resource temporarily unavailable"),
        ("print('x' * 200_000_000)", "characters are not shown"),
        ("import js\njs.close()", "a cell cannot end the Worker"),
        ("import json\njson.loads('[' * 100_000)", "maximum recursion depth"),
    ],
)
def test_what_would_end_a_tab_is_an_error_of_the_cell(show, source, shown):
    assert shown in show(source)
    assert show("6 * 7") == "42"


def test_threads_take_turns(show):
    code = """
import threading, time
seen = []
def count():
    for number in range(3):
        time.sleep(0.01)
        seen.append(number)
thread = threading.Thread(target=count)
thread.start()
thread.is_alive(), thread.join(), seen
"""
    assert show(code) == "(True, None, [0, 1, 2])"


def test_a_cell_is_code_of_the_first_thread(show):
    code = """
import threading, time
seen = threading.Event()
def rest():
    while not seen.wait(0.01): pass
thread = threading.Thread(target=rest)
thread.start()
time.sleep(0.1)
"""
    show(code)
    assert show("threading.current_thread() is threading.main_thread()") == "True"
    assert show("seen.set(), thread.join()") == "(None, None)"


def test_what_a_cell_leaves_behind_is_collected_after_it(show):
    """Nothing else collects cycles in a tab, and the memory of a visit would grow."""
    code = """
import weakref
class Node: pass
node = Node()
node.itself = node
seen = weakref.ref(node)
del node
"""
    show(code)
    assert show("seen() is None") == "True"
    # Python died of collecting while calls waited: it happens only between cells.
    assert show("import gc\ngc.isenabled()") == "False"


def test_a_tab_without_what_its_cluster_needs_still_answers(browser):
    kubectl = "!kubectl --kubeconfig /etc/kubernetes/config"
    with start_tab(browser) as own:
        show = shower(own)
        assert "may not be deleted" in show(f"{kubectl} delete namespace kube-system")
        assert "nothing registers the node" in show(f"{kubectl} delete node tab")
        show(f"open('hook.json', 'w').write({json.dumps(REFUSES_ALL)!r})")
        show(f"{kubectl} apply -f hook.json")
        create = f"{kubectl} create configmap other"
        until(lambda: "no.example.com" in show(create), PATIENCE)
        show(f"{kubectl} delete -f hook.json")
        until(lambda: "created" in show(create), PATIENCE)
        show(f"{kubectl} delete clusterroles,clusterrolebindings --all")
        assert "Forbidden" in show(f"{kubectl} get pods")
        assert show("6 * 7") == "42"
