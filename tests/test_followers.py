"""One process in the pod tells of its file, and nothing of it stays behind."""

import queue
import signal
import subprocess
import sys

import psutil
import pytest

from cluster.waiting import until
from helpers.followers import BROKEN, FILE, NO_FILE, NO_VARIABLE, VARIABLE, Follower
from helpers.pods import apply, exec_in_pod, wait_for

pytestmark = pytest.mark.full("infrastructure that lessons do not touch")
TIMEOUT = 60.0
FILE_PATH = "/tmp/told"
POD = """
apiVersion: v1
kind: Pod
metadata: {name: told}
spec:
  terminationGracePeriodSeconds: 1
  containers:
  - name: main
    image: toolbox:1
    command: [bash, -c, "trap exit TERM; sleep infinity & wait"]
    env: [{name: MOOD, value: "쾌청 ☀"}]
"""


@pytest.fixture(scope="module")
def namespace(namespace):
    """Yield a namespace with one pod that runs."""
    apply(POD)
    wait_for("condition=Ready", "pod/told")
    return namespace


@pytest.fixture
def follow(namespace):
    """Return a function that follows the file, and end it after the test."""
    started = []

    def start(pod="told", variable="MOOD") -> queue.Queue:
        ears = queue.Queue()
        one = Follower(
            pod,
            FILE_PATH,
            ears.put,
            namespace=namespace,
            variable=variable,
            every=0.1,
        )
        started.append(one.start())
        ears.follower = one
        return ears

    yield start
    for one in started:
        one.stop()


def heard(ears, kind):
    """Return the next of this kind; others are passed over."""
    while (seen := ears.get(timeout=TIMEOUT)).kind != kind:
        pass
    return seen.text


def write(text):
    script = f"cat > {FILE_PATH}.new && mv {FILE_PATH}.new {FILE_PATH}"
    assert exec_in_pod("told", "sh", "-c", script, input=text).exit_code == 0


def in_the_pod():
    """Return what runs in the pod, zombies too, without the question itself."""
    look = "for p in /proc/[0-9]*; do cat $p/comm; done"
    return sorted(exec_in_pod("told", "sh", "-c", look).stdout.split())


def test_what_changes_is_told_once_each(follow):
    """First that there is no file; then each content, with any character."""
    exec_in_pod("told", "rm", "-f", FILE_PATH)
    ears = follow()
    assert ears.get(timeout=TIMEOUT)[:2] == (VARIABLE, "쾌청 ☀")
    assert FILE_PATH in heard(ears, NO_FILE)
    for text in ("one", 'two\nlines "and" a \\', "셋 🙂", "x" * 200_000):
        write(text)
        assert heard(ears, FILE) == text
    assert ears.empty()


def test_a_variable_that_is_not_set(follow):
    assert follow(variable="NOTHING").get(timeout=TIMEOUT).kind == NO_VARIABLE


def test_stop_leaves_nothing_in_the_pod(follow):
    """No process, and no zombie of one."""
    before = in_the_pod()
    ears = follow()
    ears.get(timeout=TIMEOUT)
    assert len(in_the_pod()) > len(before)
    ears.follower.stop()
    assert until(lambda: in_the_pod() == before, TIMEOUT)


def test_a_kubectl_that_is_killed_leaves_nothing_and_comes_again(follow):
    """As when the way through the API server is cut."""
    write("still here")
    before = in_the_pod()
    ears = follow()
    assert heard(ears, FILE) == "still here"
    first = ears.follower._process
    first.send_signal(signal.SIGKILL)
    heard(ears, BROKEN)
    assert heard(ears, FILE) == "still here"
    assert ears.follower._process.pid != first.pid
    ears.follower.stop()
    assert until(lambda: in_the_pod() == before, TIMEOUT)


def test_a_kernel_that_is_killed_leaves_nothing(namespace):
    """Its end is the end of stdin, for kubectl and for the shell in the pod."""
    write("seen")
    before = in_the_pod()
    source = f"""
from helpers import connect
from helpers.followers import Follower
connect()
Follower("told", {FILE_PATH!r}, lambda one: print(one.kind, flush=True),
         namespace={namespace!r}).start()._thread.join()
"""
    line = [sys.executable, "-c", source]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as kernel:
        while kernel.stdout.readline().strip() != FILE:
            assert kernel.poll() is None
        children = psutil.Process(kernel.pid).children(recursive=True)
        kernel.kill()
    _, alive = psutil.wait_procs(children, TIMEOUT)
    assert children and alive == []
    assert until(lambda: in_the_pod() == before, TIMEOUT)


def test_a_pod_that_is_not_there_is_told(follow):
    assert "not found" in heard(follow("nobody"), BROKEN)


def test_a_container_that_starts_again_is_followed_again(follow):
    """Its processes are gone, and ours with them."""
    write("before")
    ears = follow()
    assert heard(ears, FILE) == "before"
    exec_in_pod("told", "kill", "1")
    heard(ears, BROKEN)
    # Its file system is a new one.
    assert FILE_PATH in heard(ears, NO_FILE)
