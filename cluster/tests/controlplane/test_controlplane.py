"""The control plane keeps the contract; and what is special to it, without a node."""

import json
import os
import time

import pytest

from cluster import errors
from cluster.controlplane.backend import LOGS, ControlPlane
from cluster.tests.contract import Contract, Victims
from cluster.tests.lab import Lab
from cluster.tests.waiting import until
from cluster.usermode import kernel
from helpers import command
from helpers.api import pods
from helpers.connection import Cluster
from helpers.course import lessons

pytestmark = pytest.mark.full("other backends")


class Plain(Lab):
    """The control plane, with a port for each of its components."""

    listeners = 4


@pytest.fixture(scope="module")
def one_lab(tmp_path_factory):
    """Return a control plane in a directory that no socket's path could hold.

    It has no node, even where one could be had: cluster/tests/usermode/ has those.
    """
    name = f'état d\'un "labo" & co, $HOME {"x" * 90}'
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(kernel.VARIABLE, "none")
        lab = Plain(ControlPlane(tmp_path_factory.mktemp("plain") / name / "state"))
        yield lab
        lab.close()


class TestContract(Contract):
    """The contract, without a node."""


class TestVictims(Victims):
    """Components, and the process whose children they are."""

    components = LOGS[1:]


def test_status_says_what_is_not_there(lab):
    status = lab.backend.status()
    assert list(status["components"]) == list(LOGS[1:])
    assert "kubelet" in status["absent"]


def test_it_is_a_genuine_api_server_with_controllers_and_no_node(lab):
    assert lab.kubectl("get", "nodes", "-o", "name") == ""
    assert lab.kubectl("auth", "whoami", "-o", "name")
    name = f"d{time.monotonic_ns()}"
    lab.kubectl("create", "deployment", name, "--image=toolbox:1")
    ask = ("get", "pods", f"--selector=app={name}", "-o", "json")
    [pod] = until(lambda: json.loads(lab.kubectl(*ask))["items"])
    assert pod["status"]["phase"] == "Pending"
    until(
        lambda: "no nodes available" in lab.kubectl(*ask),
        what="the scheduler's word",
    )
    lab.kubectl("delete", "deployment", name)


def test_what_needs_a_node_is_refused_in_one_line(lab):
    with pytest.raises(errors.NoNode) as caught:
        lab.backend.images()
    assert "no" in str(caught.value) and "\n" not in str(caught.value)
    assert str(caught.value).endswith("whatever asks the API server alone.")
    with pytest.raises(errors.LabError, match="no component 'kubelet'"):
        lab.backend.log("kubelet", 5)


@pytest.fixture
def connected(lab, monkeypatch):
    """Return the cluster as a notebook has it, in this process, for one test."""
    file = lab.backend.kubeconfig
    monkeypatch.setattr(command, "_kubeconfig", file)
    monkeypatch.setattr(command, "_backend", lab.backend)
    monkeypatch.setenv("KUBECONFIG", str(file))
    monkeypatch.setenv("PATH", f"{lab.binaries}{os.pathsep}{os.environ['PATH']}")
    return Cluster.read(lab.backend.name, file)


def test_a_lesson_of_pods_ends_before_it_makes_anything(connected):
    assert "(control-plane cluster, context lab)" in repr(connected)
    with pytest.raises(errors.NoNode) as caught:
        connected.create_namespace("pod-metadata")
    assert "\n" not in str(caught.value)
    numbers = ", ".join(lesson.number for lesson in lessons() if not lesson.pods)
    assert f"lessons {numbers}, and whatever" in str(caught.value)
    assert "pod-metadata" not in command.kubectl("get", "namespaces").stdout
    name = connected.create_namespace("start-here")
    command.kubectl("delete", "namespace", name, "--wait=false")


def test_waiting_for_a_pod_ends_as_soon_as_it_is_hopeless(connected):
    name = f"never-{time.monotonic_ns()}"
    command.kubectl("create", "job", name, "--image=toolbox:1")
    with pytest.raises(errors.NoNode) as caught:
        pods.wait_for("condition=Complete", f"job/{name}", timeout=600)
    assert caught.value.what == f"job/{name}"
    command.kubectl("delete", "job", name)
    # A wait that needs no pod goes on as ever.
    pods.wait_for("jsonpath={.status.phase}=Active", "namespace/default", timeout=20)
