"""Kubernetes' specs of limits, and of their change, pass where they are enforced."""

import re
import subprocess
from pathlib import Path

import pytest

from cluster.local.backend import Local
from cluster.progress import Silent
from cluster.tests.conformance import images
from cluster.tests.conformance.specs import read_report
from cluster.tests.conformance.target import Target, guest
from cluster.tests.machines import root, suite
from cluster.tests.machines.machine import MEMORY
from cluster.tests.slowness import MOST, scaled

#: seconds of all specs, in a kernel that starts programs slowly
TOGETHER = 3600.0
pytestmark = [
    pytest.mark.machines("Kubernetes' suite, compiled: a quarter of an hour"),
    pytest.mark.timeout(TOGETHER * MOST),
]
RESIZE = "[sig-node] Pod InPlace Resize Container"
BURSTABLE = f"{RESIZE} burstable pods - extended"
PREDICATES = "[sig-scheduling] SchedulerPredicates validates"
#: beginnings of names; all but the last are conformance's
SPECS = (
    f"{BURSTABLE} 6 containers - various operations performed",
    f"{BURSTABLE} resize with equivalents",
    f"{RESIZE} resize pod via the replace endpoint",
    "[sig-node] Downward API should provide container's limits.cpu/memory",
    "[sig-node] Downward API should provide default limits.cpu/memory",
    "[sig-node] Pods Extended Pods Set QOS Class",
    "[sig-scheduling] LimitRange should",
    f"{PREDICATES} resource limits of pods that are allowed to run",
    "[sig-storage] Downward API volume should provide container's cpu",
    "[sig-storage] Downward API volume should provide container's memory",
    "[sig-storage] Downward API volume should provide node allocatable",
    "[sig-storage] Projected downwardAPI should provide container's cpu",
    "[sig-storage] Projected downwardAPI should provide container's memory",
    "[sig-storage] Projected downwardAPI should provide node allocatable",
    f"{RESIZE} decrease memory limit below usage",
)


@pytest.fixture
def built():
    """Return the suite: compiled before a machine is booted."""
    if reason := root.lacks() or images.lacks():
        pytest.skip(reason)
    return suite.ensure()


@pytest.fixture
def target(built):
    """Return a cluster of a Debian that ends with this test, and gives memory back."""
    programs, _ = Local().setup(Silent())
    archive = images.ensure(built, programs, Silent())
    with guest(archive, programs, Silent(), MEMORY) as target:
        assert target.limits
        yield target


def test_the_specs_of_limits_and_of_resize_pass(built, target, tmp_path):
    found = run(built, target, tmp_path)
    states = {name: state for name, state in found.items() if state != "skipped"}
    assert states == dict.fromkeys(states, "passed")
    missing = [each for each in SPECS if not any(each in name for name in states)]
    assert missing == []


def run(built: Path, target: Target, directory: Path) -> dict[str, str]:
    """Run the specs; return the state of each that there is, by its name."""
    report = directory / "report.json"
    words = "|".join(map(re.escape, SPECS))
    command = [built / "e2e.test", f"--kubeconfig={target.kubeconfig}"]
    command += ["--ginkgo.no-color", f"--ginkgo.focus={words}"]
    command += [f"--ginkgo.json-report={report}", "--ginkgo.timeout=10h"]
    with open(directory / "log", "wb") as log:
        # The report says which of them failed.
        subprocess.run(
            [*command, "--provider=skeleton"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=scaled(TOGETHER),
        )
    assert report.exists(), (directory / "log").read_text()[-3000:]
    return {name: state for name, state, _ in read_report(report.read_text())}
