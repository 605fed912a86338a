"""A lesson gets a namespace of its own, and nothing of an earlier run stays."""

import json
import os
import subprocess

import pytest

from helpers import cluster as module
from helpers import errors, kubectl
from helpers.local.namespaces import start_time

LESSON = "test-namespaces"


def owned_by(name: str, owner: str) -> None:
    """Make the namespace that the kernel `owner` would have made."""
    labels = {module.LABEL: module.MANAGER, module.LESSON: LESSON}
    metadata = {"name": name, "labels": labels, "annotations": {module.OWNER: owner}}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    kubectl("create", "-f", "-", input=json.dumps(manifest))


def live() -> set[str]:
    """Return the namespaces of this test that are not on their way out."""
    selector = f"--selector={module.LESSON}={LESSON}"
    found = kubectl("get", "namespaces", selector, "-o", "json").json()["items"]
    return {
        item["metadata"]["name"]
        for item in found
        if "deletionTimestamp" not in item["metadata"]
    }


@pytest.fixture
def clean(cluster):
    """Leave nothing of this test in the cluster."""
    yield cluster
    for name in live():
        cluster.delete_namespace(name)
    kubectl("delete", "namespaces", f"--selector={module.LESSON}={LESSON}")


def test_it_is_the_default_until_it_is_deleted(clean):
    """Shell cells and helpers work in it, with a kubeconfig that is private."""
    name = clean.create_namespace(LESSON)
    own = os.environ["KUBECONFIG"]
    assert own != str(clean.kubeconfig) and os.stat(own).st_mode & 0o777 == 0o600
    assert "serviceaccount/default" in kubectl("get", "sa", "-o", "name").stdout
    assert live() == {name}
    clean.delete_namespace(name)
    assert not os.path.exists(own)
    assert os.environ["KUBECONFIG"] == str(clean.kubeconfig)
    assert kubectl("get", "namespace", name, check=False).exit_code != 0


def test_the_first_cell_run_again_starts_afresh(clean):
    """What the first run made is on its way out, and its kubeconfig is gone."""
    first = clean.create_namespace(LESSON)
    kubeconfig = os.environ["KUBECONFIG"]
    second = clean.create_namespace(LESSON)
    assert live() == {second} and second != first
    assert not os.path.exists(kubeconfig)


def test_a_kernel_that_was_killed_leaves_nothing(clean):
    """Its namespace and its kubeconfig go when the lesson is opened next."""
    # The pid is alive, and belongs to somebody who started later than the owner.
    gone = f"{LESSON}-gone"
    owned_by(gone, f"{os.getppid()}/1")
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = clean.kubeconfig.with_name(f"kubeconfig.{gone}.{ended.pid}")
    left.touch(0o600)
    used = clean.kubeconfig.with_name(f"kubeconfig.other.{os.getppid()}")
    used.touch(0o600)
    name = clean.create_namespace(LESSON)
    assert live() == {name}
    assert used.exists() and not left.exists()
    used.unlink()


def test_two_kernels_have_one_each(clean):
    """The other one is alive, so its namespace is its own."""
    other = os.getppid()
    owned_by(LESSON, f"{other}/{start_time(other)}")
    assert clean.create_namespace(LESSON) == f"{LESSON}-2"
    assert live() == {LESSON, f"{LESSON}-2"}


def test_what_is_not_ours_is_left_alone(clean):
    """A namespace without our label is refused, not deleted."""
    with pytest.raises(errors.NotOurs) as refused:
        clean.delete_namespace("kube-public")
    assert refused.value.what == "namespace kube-public"
    assert kubectl("get", "namespace", "kube-public").exit_code == 0
