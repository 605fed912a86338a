"""Under systemd a cluster has a scope of its own, and is told when a logout ends it."""

import re

import pytest

from cluster.tests.machines.conftest import helpers, in_checkout, kubectl, leave

pytestmark = [
    pytest.mark.machines("a machine of its own"),
    pytest.mark.timeout(1200),
]
MANAGER = "/sys/fs/cgroup/user.slice/user-1000.slice/user@1000.service"
SWITCHED_ON = f"cat {MANAGER}/app.slice/cgroup.subtree_control"
#: without polkit, as here
ALLOW = "sudo loginctl enable-linger learner"
ENDS = f"10 s after your last logout; `{ALLOW}` prevents that"
ENDED = "it was ended from outside, as by a last logout"
#: the first steps of a cluster's start
MAKE = """
import pathlib, tempfile
from cluster.machine import cgroups
state = pathlib.Path(tempfile.mkdtemp())
print(cgroups.make(state, 1000)[1] or (state / "cgroup").read_text())
cgroups.remove(state)
"""


def administer(lab, line):
    with lab.log_in("root") as administrator:
        return administrator.do(line)


@pytest.fixture(scope="module")
def begun(lab):
    """Return what the first `up` of a login by ssh said, and what was switched on."""
    with lab.log_in("learner") as learner:
        before = learner.do(SWITCHED_ON)
        found = helpers(learner, "doctor")
        after = learner.do(SWITCHED_ON)
        said = helpers(learner, "up")
        yield learner, found, said, (before, after)
    with lab.log_in("learner") as learner:
        learner.do(in_checkout(".venv/bin/python -m helpers delete --yes"))


def test_doctor_says_what_a_start_does_and_changes_nothing(begun):
    _, found, _, (before, after) = begun
    assert re.search(r"limits +of pods are enforced", found), found
    assert before == after


def test_all_of_it_is_in_a_scope_of_its_own(begun):
    """Beside it nothing is made, and what is in it was given to us."""
    learner, *_ = begun
    [pods] = learner.do(f"find {MANAGER} -name kubepods").splitlines()
    [scope] = re.findall(rf"{MANAGER}/app.slice/(kubernetes-lab-\w+\.scope)/", pods)
    assert pods == f"{MANAGER}/app.slice/{scope}/machine/kubepods"
    asked = f"systemctl --user show {scope} -P Delegate -P TasksMax"
    assert learner.do(asked).split() == ["yes", "infinity"]
    inside = learner.do(f"ls -d {MANAGER}/app.slice/{scope}/*/").split()
    assert [path.split("/")[-2] for path in inside] == ["machine", "outer"]


def test_up_and_status_say_that_limits_are_enforced_and_when_it_will_end(begun):
    learner, _, said, _ = begun
    assert "the cluster is ready" in said
    assert f"It ends {ENDS}." in said.splitlines()
    status = helpers(learner, "status")
    assert f"ends        {ENDS}" in status.splitlines()
    assert re.search("^limits +enforced$", status, re.M)


def test_a_last_logout_ends_it_and_the_next_up_says_so(lab, begun):
    learner, *_ = begun
    made = "configmap kept -o jsonpath={.metadata.uid}"
    diary = kubectl(learner, f"create {made}")
    leave(lab, learner)
    with lab.log_in("learner") as again:
        assert again.do(SWITCHED_ON) == begun[3][0]
        words = f"not running: {ENDED}; start it with `.venv/bin/kapi up`\n"
        assert helpers(again, "status") == words
        said = helpers(again, "up").splitlines()
        why = f"The cluster had stopped, because {ENDED}. Its objects are kept."
        assert why in said
        assert kubectl(again, f"get {made}") == diary
        assert "The cluster had stopped" not in helpers(again, "up")


def test_the_cluster_of_an_account_that_lingers_goes_on(lab, begun):
    administer(lab, "loginctl enable-linger learner")
    learner = lab.log_in("learner")
    assert "It ends" not in helpers(learner, "up")
    learner.log_out()
    # A later logout of another account has taken effect: so would have ours.
    leave(lab, lab.log_in("other"), "1001")
    with lab.log_in("learner") as again:
        status = helpers(again, "status")
        assert status.startswith("ready\n") and "ends  " not in status


def test_a_restart_of_the_machine_is_told_and_objects_outlive_it(lab, begun):
    lab.reboot()
    administer(lab, "loginctl disable-linger learner")
    with lab.log_in("learner") as learner:
        assert "not running: this machine restarted;" in helpers(learner, "status")
        assert kubectl(learner, "get configmap kept -o name") == "configmap/kept\n"


def made_by(session, su=""):
    """Return what is said where root makes a cgroup, or the account of a command."""
    python = in_checkout(".venv/bin/python -")
    return session.do(f"cd ~learner && {su} sh -c {python!r}", input=MAKE)


def test_root_has_its_scope_of_the_systems_manager(lab):
    """The scope outlives root's logout."""
    with lab.log_in("root") as session:
        made = made_by(session).strip()
    place = "/sys/fs/cgroup/system.slice"
    assert re.fullmatch(rf"{place}/kubernetes-lab-\w+\.scope/machine", made)


def test_an_account_without_a_manager_has_none(lab):
    """As after `su`: the login is another's."""
    leave(lab, lab.log_in("learner"))
    with lab.log_in("root") as administrator:
        said = made_by(administrator, "runuser -u learner --")
    assert said == "systemd runs no manager for this account\n"
