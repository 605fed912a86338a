"""Kubernetes' own specs of limits, and of their change, pass where they are enforced.

The suite runs on the host, where programs start quickly, and reaches the cluster by
ssh.
"""

import json
import re
import subprocess
import tempfile
from pathlib import Path

import pytest

from cluster.local.backend import Local
from cluster.progress import Silent
from cluster.tests.conformance.specs import read_report
from cluster.tests.machines import root, suite
from cluster.tests.machines.conftest import (
    SETUP,
    helpers,
    in_checkout,
    prepared,
)
from cluster.tests.machines.machine import Session
from cluster.tests.machines.systems import DEBIAN
from cluster.tests.slowness import MOST, scaled

#: seconds of all specs, in a kernel that starts programs slowly
TOGETHER = 3600.0
pytestmark = [
    pytest.mark.full("a machine of its own"),
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
    if reason := root.lacks():
        pytest.skip(reason)
    return suite.ensure()


@pytest.fixture
def learner():
    """Return a login to a Debian that ends with this test, and gives memory back."""
    with prepared(DEBIAN) as machine:
        with machine.log_in("learner") as session:
            yield session


@pytest.fixture
def ready(built, learner):
    """Return a login with a cluster that enforces limits, and the suite's images."""
    assert "the cluster is ready" in helpers(learner, "up")
    assert json.loads(helpers(learner, "status --json"))["limits"]
    _, toolbox = Local().setup(Silent())
    with tempfile.TemporaryDirectory() as directory:
        images = suite.write_images(built, toolbox, Path(directory))
        with open(images, "rb") as file:
            take = learner.command("cat >images.tar")
            subprocess.run(take, stdin=file, check=True, timeout=scaled(SETUP))
    learner.do(in_checkout(".venv/bin/kapi images add ~/images.tar"), timeout=SETUP)
    return learner


def test_the_specs_of_limits_and_of_resize_pass(built, ready, tmp_path):
    found = run(built, ready, tmp_path)
    states = {name: state for name, state in found.items() if state != "skipped"}
    assert states == dict.fromkeys(states, "passed")
    missing = [each for each in SPECS if not any(each in name for name in states)]
    assert missing == []


def run(built: Path, session: Session, directory: Path) -> dict[str, str]:
    """Run the specs; return the state of each that there is, by its name."""
    text = session.do(in_checkout("cat $(.venv/bin/kapi kubeconfig)"))
    [port] = re.findall(r"https://127\.0\.0\.1:(\d+)", text)
    kubeconfig, report = directory / "kubeconfig", directory / "report.json"
    ours = session.forward(int(port))
    kubeconfig.write_text(text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{ours}"))
    words = "|".join(map(re.escape, SPECS))
    command = [built / "e2e.test", f"--kubeconfig={kubeconfig}", "--ginkgo.no-color"]
    command += [f"--ginkgo.focus={words}", f"--ginkgo.json-report={report}"]
    with open(directory / "log", "wb") as log:
        # The report says which of them failed.
        subprocess.run(
            [*command, "--provider=skeleton", "--ginkgo.timeout=10h"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=scaled(TOGETHER),
        )
    assert report.exists(), (directory / "log").read_text()[-3000:]
    return {name: state for name, state, _ in read_report(report.read_text())}
