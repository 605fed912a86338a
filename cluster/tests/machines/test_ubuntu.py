"""On Ubuntu one printed command gives a learner all that README says.

The kernel is of Ubuntu's own source; the policy, the programs that load it and the
settings are those of the release.
"""

import re
import shlex
import subprocess

import pytest

from cluster.backends import HINT
from cluster.tests.commandline import ROOT
from cluster.tests.machines.conftest import (
    findings,
    give_packages,
    in_checkout,
    kubectl,
    running,
    set_up,
    up_and_status,
)
from cluster.tests.machines.systems import UBUNTUS
from cluster.tests.machines.test_debian import GREEDY, REASON
from cluster.tests.slowness import MOST

#: seconds of all lessons, in a kernel that starts programs slowly
LESSONS = 7200.0
pytestmark = [
    pytest.mark.machines("Ubuntu's archive, and its kernel: a quarter of an hour"),
    pytest.mark.timeout(LESSONS * MOST),
]
#: the profile's name
NAME = "kubernetes-api-notebooks"
SETTINGS = "/proc/sys/kernel/apparmor_restrict_unprivileged"
#: A namespace of users can be made; it is of no use without what the next one takes.
NAMESPACES = "import os; os.unshare(os.CLONE_NEWUSER); os.unshare(os.CLONE_NEWNS)"
PYTHON = ".venv/bin/python"
SOMEBODY = """
apiVersion: v1
kind: Pod
metadata: {name: somebody}
spec:
  restartPolicy: Never
  securityContext: {runAsUser: 1234, fsGroup: 3456}
  containers:
  - {name: main, image: "toolbox:1", command: [id]}
"""


@pytest.fixture(scope="module", params=UBUNTUS, ids=str)
def system(request):
    """Return the release; all tests of one come before those of the next."""
    return request.param


@pytest.fixture(scope="module")
def ubuntu(system):
    """Return a running machine with this checkout, where nothing was set up."""
    with running(system) as machine:
        yield machine


@pytest.fixture(scope="module")
def desk(ubuntu):
    """Return the login that is open to the end: a last logout ends the cluster."""
    with ubuntu.log_in("learner") as session:
        yield session


@pytest.fixture(scope="module")
def pristine(ubuntu, desk):
    """Return what `make setup` and the doctor say first."""
    return set_up(ubuntu), findings(desk)


@pytest.fixture(scope="module")
def loaded(ubuntu, desk, pristine):
    """Return what the command wrote that the doctor has printed, run as it is."""
    setup, found = pristine
    give_packages(ubuntu, setup.stdout)
    told = " ".join(f"{each['message']} {each['hint']}" for each in found.values())
    [command] = re.findall("`([^`]*apparmor_parser[^`]*)`", told)
    return desk.do(command)


@pytest.fixture(scope="module")
def up(loaded, desk):
    """Return what `up` said, and the status then."""
    yield from up_and_status(desk)


def unshare(session, *before: str) -> subprocess.CompletedProcess[str]:
    """Let the Python of `.venv` make namespaces, started by the words before."""
    return session.run(in_checkout(shlex.join([*before, PYTHON, "-c", NAMESPACES])))


def test_it_restricts_what_the_release_does(system, desk):
    """Of 24.04 this is only the half: any program may take another one's profile."""
    version = desk.do("sed -n 's/^VERSION_ID=//p' /etc/os-release").strip()
    assert version.strip('"') == system.name.removeprefix("ubuntu-")
    read = desk.do(f"cat {SETTINGS}_userns {SETTINGS}_unconfined")
    assert read.split() == ["1", system.unconfined]


def test_a_fresh_system_gets_a_control_plane_and_the_way_to_more(pristine):
    setup, found = pristine
    assert setup.returncode == 0, setup.stdout
    # Without newuidmap this is the step: later it is that of being root there.
    why = "because making namespaces was refused (Operation not permitted)"
    assert f"a control-plane cluster, {why}" in setup.stdout
    assert HINT in setup.stdout
    assert re.search(
        r"Run: sudo apt-get update && sudo apt-get install .*uidmap", setup.stdout
    )
    assert not [each for each in found.values() if each["level"] == "fatal"]
    assert found["backend"]["message"].startswith("control-plane: ")


def test_the_command_gives_a_local_cluster_with_all_ids_and_limits(loaded, desk, up):
    assert f"profile {NAME} " in loaded and "arning" not in loaded
    assert findings(desk)["backend"]["message"].startswith("local: ")
    said, status = up
    assert "the cluster is ready" in said
    told = {name: status[name] for name in ("phase", "ids", "limits", "service_proxy")}
    assert told == {
        "phase": "ready",
        "ids": 65536,
        "limits": True,
        "service_proxy": True,
    }


def test_the_profile_is_of_the_components_and_of_no_other_program(ubuntu, desk, up):
    with ubuntu.log_in("root") as root:
        rows = root.do("ps -eo label,comm").splitlines()
    labels = {row.split()[-1]: " ".join(row.split()[:-1]) for row in rows}
    for name in ("etcd", "kube-apiserver", "containerd", "kubelet"):
        assert labels[name] == f"{NAME} (unconfined)", name
    label = f"{PYTHON} -c 'print(open(\"/proc/self/attr/current\").read())'"
    assert desk.do(in_checkout(label)).strip() == "unconfined"
    refused = unshare(desk)
    assert refused.returncode == 1 and "PermissionError" in refused.stdout


def test_the_profile_is_entered_by_other_programs_where_the_release_allows_it(
    system, desk, up
):
    """On 24.04, as with each such profile that Ubuntu ships.

    On 26.04 the restriction stays with a program that asks for another profile.
    """
    done = unshare(desk, "aa-exec", "-p", NAME, "--")
    if system.unconfined == "0":
        assert done.returncode == 0, done.stdout
    else:
        assert done.returncode == 1 and "PermissionError" in done.stdout


def test_a_pod_that_takes_more_than_its_limit_is_killed(desk, up):
    kubectl(desk, "apply -f -", input=GREEDY)
    kubectl(desk, f"wait --for={REASON}=OOMKilled pod/greedy --timeout=180s")
    kubectl(desk, "delete pod greedy --now")


def test_a_pod_runs_as_another_user(desk, up):
    kubectl(desk, "apply -f -", input=SOMEBODY)
    phase = "jsonpath={.status.phase}=Succeeded"
    kubectl(desk, f"wait --for={phase} pod/somebody --timeout=180s")
    assert re.match(r"uid=1234\b.*\b3456\b", kubectl(desk, "logs somebody"))
    kubectl(desk, "delete pod somebody --now")


def test_all_lessons_pass(desk, up):
    said = desk.run(in_checkout("make chapter"), timeout=LESSONS).stdout
    rows = dict(re.findall(r"^(\S+\.ipynb)  [\d.]+ s  (.*)$", said, re.MULTILINE))
    folder = ROOT / "notebooks"
    files = {*folder.glob("*.ipynb"), *folder.glob("deeper/*.ipynb")}
    assert {name: fault for name, fault in rows.items() if fault != "ok"} == {}
    names = {str(file.relative_to(folder)) for file in files}
    assert rows.keys() == names, said[-3000:]
