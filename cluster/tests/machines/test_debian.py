"""On Debian 13 a learner who logs in by ssh has all that README says, step by step."""

import json
import re
import shlex

import pytest

from cluster.tests.machines.conftest import (
    SETUP,
    expect_that_walls_hold,
    helpers,
    in_checkout,
    kubectl,
)
from cluster.tests.slowness import scaled

pytestmark = [
    pytest.mark.machines("a machine of its own"),
    pytest.mark.timeout(1800),
]
#: seconds of a lesson
LESSON = 300.0
#: takes twice the memory that it may have
GREEDY = """
apiVersion: v1
kind: Pod
metadata: {name: greedy}
spec:
  restartPolicy: Never
  containers:
  - name: main
    image: toolbox:1
    command: [python3, -c, "b'x' * (128 << 20)"]
    resources: {limits: {memory: 64Mi}}
"""
REASON = "jsonpath={.status.containerStatuses[0].state.terminated.reason}"


def test_a_fresh_system_is_told_what_is_missing_and_the_set_up_goes_on(first_setup):
    said = first_setup.stdout
    assert first_setup.returncode == 0, said
    missing = "runc (pods with a seccomp profile), mmdebstrap (the toolbox image"
    assert f"setup: going on without {missing}" in said
    assert re.search(
        r"Run: sudo apt-get update && .* install .* runc mmdebstrap .*uidmap", said
    )
    assert "binaries and toolbox image are ready" in said


@pytest.fixture(scope="module")
def desk(lab):
    """Return the login that is open until the learner goes home."""
    with lab.log_in("learner") as session:
        yield session


def test_make_lab_gives_an_address_where_the_first_lesson_runs(desk):
    lab = "setsid sh -c 'echo $$ >lab.pid; exec make lab' </dev/null >lab.log 2>&1 &"
    there = "until grep -q 'http://127.*token=.' lab.log; do sleep 1; done"
    wait = f"timeout {scaled(SETUP):.0f} sh -c {shlex.quote(there)}; cat lab.log"
    desk.do(in_checkout(f"{{ {lab} }}"))
    try:
        said = desk.run(in_checkout(wait), timeout=2 * SETUP).stdout
        assert "a local cluster, because namespaces can be made" in said
        [address, *_] = re.findall(r"http://127\S+token=\w+", said)
        lesson = f".venv/bin/python -m tests.lesson '{address}'"
        cells = json.loads(desk.do(in_checkout(lesson), timeout=LESSON))
    finally:
        desk.run(in_checkout("kill -- -$(cat lab.pid)"))
    assert len(cells) > 5
    assert [cell for cell in cells if cell["error"]] == []


def test_a_pod_that_takes_more_than_its_limit_is_killed(desk):
    kubectl(desk, "apply -f -", input=GREEDY)
    kubectl(desk, f"wait --for={REASON}=OOMKilled pod/greedy --timeout=90s")


def test_a_second_login_has_the_same_cluster(lab, desk, learner):
    namespace = "get namespace kube-system -o jsonpath={.metadata.uid}"
    assert kubectl(desk, namespace) == kubectl(learner, namespace)
    assert helpers(learner, "status").startswith("ready\n")


def test_hostile_pods_get_nothing_there_either(learner):
    """Of an ordinary user's account, whose cluster has 65536 ids."""
    assert helpers(learner, "stop") == "stopped; the objects are kept\n"
    expect_that_walls_hold(learner)
