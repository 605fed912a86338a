"""Where SELinux enforces, a login that it does not confine has all that README says."""

import json

import pytest

from cluster.tests.machines.conftest import (
    findings,
    helpers,
    in_checkout,
    prepared,
)
from cluster.tests.machines.systems import SELINUX
from cluster.tests.machines.test_debian import LESSON

pytestmark = [
    pytest.mark.machines("a system of its own, with a policy"),
    pytest.mark.timeout(2400),
]
#: what was refused to a domain
REFUSED = "ausearch --input-logs -m AVC,USER_AVC,SELINUX_ERR -ts boot | grep {}"
#: An administrator who changes a login labels what is at home for it.
CONFINE = "semanage login -a -s user_u learner && restorecon -RF /home/learner"


@pytest.fixture(scope="module")
def machine():
    """Return the running machine, with all that `make setup` asked for."""
    with prepared(SELINUX) as made:
        yield made


@pytest.fixture(scope="module")
def desk(machine):
    """Return the login that is open to the end: a last logout ends the cluster."""
    with machine.log_in("learner") as session:
        yield session


def test_it_enforces_and_leaves_a_login_alone(desk):
    assert desk.do("cat /sys/fs/selinux/enforce") == "1"
    user, _, domain, *_ = desk.do("id --context").split(":")
    assert (user, domain) == ("unconfined_u", "unconfined_t")


def test_the_local_cluster_has_all_ids_and_limits(desk):
    found = findings(desk)
    assert not [each for each in found.values() if each["level"] == "fatal"]
    assert found["backend"]["message"].startswith("local: ")
    assert "the cluster is ready" in helpers(desk, "up")
    status = json.loads(helpers(desk, "status --json"))
    told = {name: status[name] for name in ("phase", "ids", "limits")}
    assert told == {"phase": "ready", "ids": 65536, "limits": True}


def test_a_lesson_passes_with_its_pods(desk):
    line = ".venv/bin/python -m pytest -q notebooks/05-inside-a-pod.ipynb"
    assert "passed" in desk.do(in_checkout(line), timeout=LESSON)


def test_nothing_was_refused_to_it(machine, desk):
    with machine.log_in("root") as root:
        assert root.run(REFUSED.format("unconfined_t")).stdout == ""
    helpers(desk, "delete --yes")


def test_an_account_that_is_confined_is_told_how_that_ends(machine):
    """Lessons without pods remain, and an administrator has a command to paste."""
    with machine.log_in("root") as root:
        root.do(CONFINE)
        with machine.log_in("learner") as confined:
            assert ":user_t:" in confined.do("id --context")
            found = findings(confined)
        assert "denied" in root.do(REFUSED.format("user_t"))
    assert found["backend"]["message"].startswith("control-plane: ")
    told = found["node"]["hint"]
    assert "SELinux confines this account, which is user_t." in told
    assert "`sudo semanage login -a -s unconfined_u $USER`" in told
