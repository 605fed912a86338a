"""Pods that do what a learner's first program does: deaf, loud, without end."""

import time

from cluster.tests.slowness import scaled
from cluster.tests.waiting import until
from cluster.tests.whole.lab import ONCE, full

pytestmark = [*ONCE, full]

DEAF = ["sh", "-c", "trap '' TERM; echo deaf; while true; do sleep 1; done"]
#: 100 MB, as fast as it can, in five pieces: the kubelet looks every ten seconds, and a
#: line that is written once may end an older file, which `logs` does not read
LOUD = 100_000_000
SHOUT = f"""
line=$(printf %04000d 0)
for piece in 1 2 3 4 5; do yes $line | head -c {LOUD // 5}; echo; sleep 5; done
while true; do echo silent; sleep 1; done
"""


def test_a_pod_that_is_deaf_to_sigterm_delays_no_stop(lab):
    """And the cluster starts again with it, and without it when it is deleted."""
    # An hour is what it asks for: a stop must not grant it.
    spec = {"terminationGracePeriodSeconds": 3600, "container": {"command": DEAF}}
    lab.run_pod("deaf", **spec)
    until(lambda: lab.kubectl("logs", "deaf") == "deaf\n", 20, "its trap is set")
    with lab.ending():
        began = time.monotonic()
        assert lab.backend.stop() is True
        assert time.monotonic() - began <= min(scaled(5.0), lab.killed_after)
    lab.up()
    until(lambda: lab.can_exec("deaf"), 30, "it runs again")
    lab.kubectl("delete", "pod", "deaf", "--grace-period=1")
    lab.kubectl("wait", "--for=delete", "pod/deaf", "--timeout=30s")


def test_a_log_of_100_mb_is_not_kept_whole_and_can_be_read(lab):
    """The kubelet begins a new file, and compresses what is older."""
    lab.run_pod("loud", container={"command": ["sh", "-c", SHOUT]})
    last = ("logs", "loud", "--tail=1")
    until(lambda: lab.kubectl(*last) == "silent\n", 60, "all of it was written")
    files = (lab.state / "logs" / "pods").glob("default_loud_*/main/*")
    sizes = {path.name: path.stat().st_size for path in files}
    assert any(name.endswith(".gz") for name in sizes), sizes
    assert sum(sizes.values()) < 0.75 * LOUD
    assert lab.component("kubelet")["restarts"] == 0
    lab.kubectl("delete", "pod", "loud")
