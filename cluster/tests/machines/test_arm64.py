"""On arm64 a learner has all that README says: programs, pods, lessons and walls."""

import json

import pytest

from cluster.tests.machines import arm64
from cluster.tests.machines.conftest import (
    booted,
    expect_that_walls_hold,
    helpers,
    in_checkout,
    kubectl,
    up_and_status,
)
from cluster.tests.slowness import MOST

#: seconds of three lessons, on a machine that is not imitated
LESSONS = 300.0
pytestmark = [
    pytest.mark.machines("a processor that is imitated, and programs for it: an hour"),
    pytest.mark.timeout(LESSONS * arm64.Emulated.slower * MOST),
]
#: without pods, then with pods and their clients
NOTEBOOKS = ("00-start-here", "02-cluster-info", "05-inside-a-pod")


@pytest.fixture(scope="module")
def desk():
    """Return a login of the account, which has programs, image and environment."""
    if reason := arm64.lacks():
        pytest.skip(reason)
    with booted(arm64.Emulated, arm64.ensure()) as machine:
        with machine.log_in(arm64.USER) as session:
            yield session


@pytest.fixture(scope="module")
def up(desk):
    """Return what `up` said, and the status then."""
    yield from up_and_status(desk)


def test_the_doctor_finds_a_local_cluster(desk):
    assert desk.do("uname -m").strip() == arm64.ARM64
    found = json.loads(helpers(desk, "doctor --json"))
    assert not [each for each in found if each["level"] == "fatal"]
    [backend] = [each["message"] for each in found if each["name"] == "backend"]
    assert backend.startswith("local: ")


def test_the_cluster_has_all_ids_limits_and_services(up):
    said, status = up
    assert "the cluster is ready" in said, said
    told = {name: status[name] for name in ("phase", "ids", "limits", "service_proxy")}
    assert told == {
        "phase": "ready",
        "ids": 65536,
        "limits": True,
        "service_proxy": True,
    }


def test_the_server_and_a_pod_are_of_arm64(desk, up):
    assert '"platform": "linux/arm64"' in kubectl(desk, "get --raw /version")
    run = "run one --image=toolbox:1 --restart=Never --attach --rm --quiet"
    limit = "--pod-running-timeout=5m"
    assert arm64.ARM64 in kubectl(desk, f"{run} {limit} -- uname -m")


def test_lessons_pass(desk, up):
    names = " ".join(f"notebooks/{name}.ipynb" for name in NOTEBOOKS)
    line = f".venv/bin/python -m tools.chapter --jobs 1 {names}"
    said = desk.run(in_checkout(line), timeout=LESSONS).stdout
    rows = [row.split() for row in said.splitlines() if ".ipynb" in row]
    assert {name: last for name, *_, last in rows} == {
        f"{name}.ipynb": "ok" for name in NOTEBOOKS
    }, said


def test_hostile_pods_get_nothing_there_either(desk, up):
    assert helpers(desk, "stop") == "stopped; the objects are kept\n"
    expect_that_walls_hold(desk)
