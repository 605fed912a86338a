"""A cluster goes on where the disk is full, and ends in time and when asked to."""

import json

from cluster.tests.commandline import python
from cluster.tests.test_bad_input import mounted

#: arguments: a directory, and what happens there
PROGRAM = """
import contextlib, json, os, signal, sys, threading
from pathlib import Path

from cluster.machine.lifecycle import Lifecycle
from cluster.machine.components import Component
from cluster.machine.supervisor import Supervisor
from cluster.waiting import poll

place = Path(sys.argv[1])
status = place / "status.json"
part = Component("kube-apiserver", ("/bin/sleep", "60"))
never = sys.argv[2] == "never_ready"
supervisor = Supervisor((part,), lambda part: not never, logs=str(place), env={})
budget = 0.3 if never else 30
cluster = Lifecycle(supervisor, (), status=status, budget=budget, facts={})

def seen(restarts):
    found = json.loads(status.read_text())["components"][part.name]
    return found["restarts"] == restarts and found["state"] == "running" and found

def full_disk():
    filler = open(place / "filler", "wb", buffering=0)
    with contextlib.suppress(OSError):
        while filler.write(bytes(4096)):
            pass
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, 2)
    for count in (1, 2):
        os.kill(supervisor.states[part.name].pid, signal.SIGKILL)
        poll(lambda: seen(count), 10, pause=0.01)
    print(status.read_text(), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)

def signal_to_a_thread():
    signal.pthread_kill(threading.get_ident(), signal.SIGTERM)

def drive():
    poll(lambda: status.exists() and seen(0), 30, pause=0.01)
    globals()[sys.argv[2]]()

threading.Thread(target=drive).start()
cluster.run()
"""


def test_a_component_is_started_again_and_status_says_so(tmp_path):
    """The thread that starts it writes the status, and to stderr where it cannot."""
    done = python(
        "-c",
        PROGRAM,
        tmp_path,
        "full_disk",
        env={"PLACE": tmp_path},
        prefix=mounted("size=256k"),
    )
    found = json.loads(done.stdout)["components"]["kube-apiserver"]
    assert (found["state"], found["restarts"]) == ("running", 2), done.stderr
    assert found["last_exit"] == "killed by SIGKILL"


def test_a_signal_that_does_not_wake_the_main_thread_ends_it(tmp_path):
    """As one that comes just before that thread begins to wait for a child."""
    python("-c", PROGRAM, tmp_path, "signal_to_a_thread", check=True, timeout=40)
    found = json.loads((tmp_path / "status.json").read_text())
    assert found["phase"] == "stopped"


def test_one_that_is_never_ready_ends_with_the_budget(tmp_path):
    """Whether or not somebody waits for it."""
    python("-c", PROGRAM, tmp_path, "never_ready", check=True, timeout=40)
    found = json.loads((tmp_path / "status.json").read_text())
    assert found["phase"] == "failed"
    assert "it still waits for kube-apiserver" in found["problem"]
    assert found["components"]["kube-apiserver"]["state"] == "stopped"
