"""A cluster of kind has a name of its own, and kind is told how to make it."""

import json
from pathlib import Path

import pytest

from cluster import versions
from cluster.kind.plan import KindPlan, name_for

PLAN = KindPlan(Path("/s"), "lab-0123abcd")
OURS = ["--name=lab-0123abcd", "--kubeconfig=/s/kubeconfig"]


def test_each_state_directory_has_a_cluster_of_its_own():
    one, other = name_for(Path("/home/ann/state")), name_for(Path("/home/bob/state"))
    assert one != other
    assert one == name_for(Path("/home/ann/state"))
    assert one.startswith("lab-") and len(one) == 12


def test_the_node_mounts_the_audit_policy_and_its_api_server_all_it_names():
    [node] = json.loads(PLAN.configuration("node:1", None))["nodes"]
    assert node["image"] == "node:1"
    [mount] = node["extraMounts"]
    assert mount["hostPath"] == str(PLAN.audit_policy) == "/s/audit.yaml"
    assert mount["readOnly"] is True
    patch, kubelet = map(json.loads, node["kubeadmConfigPatches"])
    assert kubelet["failCgroupV1"] is False
    options = {each["name"]: each["value"] for each in patch["apiServer"]["extraArgs"]}
    assert options["audit-policy-file"] == mount["containerPath"]
    mounted = {each["mountPath"] for each in patch["apiServer"]["extraVolumes"]}
    named = (options["audit-policy-file"], options["audit-log-path"])
    assert {str(Path(path).parent) for path in named} == mounted


def test_every_command_names_the_cluster_and_the_kubeconfig():
    """Without them kind would take `kind` and ~/.kube/config."""
    assert PLAN.create(Path("/s/c")) == ["create", "cluster", "--config=/s/c", *OURS]
    assert PLAN.delete() == ["delete", "cluster", *OURS]
    assert PLAN.export_kubeconfig() == ["export", "kubeconfig", *OURS]
    assert PLAN.load(Path("/a.tar")) == ["load", "image-archive", "/a.tar", OURS[0]]


def test_the_node_image_is_pinned_and_a_minor_behind_at_most():
    name, digest = versions.KIND_NODE.split("@")
    ours, theirs = map(versions.parse, (versions.KUBERNETES, name.split(":")[1]))
    # kind publishes its node weeks after Kubernetes.
    assert ours.major == theirs.major and ours.minor - theirs.minor in (0, 1)
    assert digest.startswith("sha256:") and len(digest) == 71


@pytest.mark.full("a build of kind, where it is not in the cache")
def test_the_node_image_is_the_one_that_kind_was_released_with(kind):
    assert versions.KIND_NODE.encode() in kind.read_bytes()
