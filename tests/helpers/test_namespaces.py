"""A lesson gets a namespace of its own, and nothing of an earlier run stays."""

import itertools
import json
import os
import subprocess
from pathlib import Path

import pytest

from cluster.backend import LABEL, MANAGER, Backend
from cluster.processes import start_time
from helpers import command, connect, connection as module, errors, kubectl
from helpers.command import current_namespace, use_kubeconfig


def owned_by(name: str, owner: str, lesson: str, host: str = "") -> None:
    """Make the namespace that the kernel `owner` would have made."""
    labels = {LABEL: MANAGER, module.LESSON: lesson}
    marks = {module.OWNER: owner} | ({module.HOST: host} if host else {})
    metadata = {"name": name, "labels": labels, "annotations": marks}
    manifest = {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}
    kubectl("create", "-f", "-", input=json.dumps(manifest))


def live(lesson: str) -> set[str]:
    """Return the namespaces of a lesson that are not on their way out."""
    selector = f"--selector={module.LESSON}={lesson}"
    found = kubectl("get", "namespaces", selector, "-o", "json").json()["items"]
    return {
        item["metadata"]["name"]
        for item in found
        if "deletionTimestamp" not in item["metadata"]
    }


NUMBERS = itertools.count(1)


@pytest.fixture
def lesson(cluster):
    """Yield a lesson of the test's own: nobody waits until its namespaces are gone."""
    name = f"test-namespaces-{next(NUMBERS)}"
    yield name
    selector = f"--selector={module.LESSON}={name}"
    kubectl("delete", "namespaces", selector, "--wait=false")
    use_kubeconfig(cluster.kubeconfig)
    for path in cluster.kubeconfig.parent.glob(f"kubeconfig.{name}*"):
        path.unlink()


def test_it_is_the_default_and_stays_it_when_it_is_deleted(
    cluster, lesson, monkeypatch
):
    """Shell cells and helpers work in it, with a kubeconfig that is private.

    A cell that is run after the last one makes nothing elsewhere.
    """
    name = cluster.create_namespace(lesson)
    own = os.environ["KUBECONFIG"]
    assert own != str(cluster.kubeconfig) and os.stat(own).st_mode & 0o777 == 0o600
    assert "serviceaccount/default" in kubectl("get", "sa", "-o", "name").stdout
    assert live(lesson) == {name}
    kubectl("create", "configmap", "kept")
    patch_finalizers(name, ["example.com/nobody"])
    cluster.delete_namespace(name)
    assert live(lesson) == set()
    # The first call did not wait; the second does, and says what keeps it.
    condition = "--for=condition=NamespaceFinalizersRemaining"
    kubectl("wait", condition, f"namespace/{name}", "--timeout=30s")
    with monkeypatch.context() as patch, pytest.raises(errors.NotReady) as caught:
        patch.setattr(module, "DELETION", 1.0)
        cluster.delete_namespace(name)
    assert "finalizers remaining: example.com/nobody" in caught.value.last
    patch_finalizers(name, [])
    cluster.delete_namespace(name)
    assert kubectl("get", "namespace", name, check=False).exit_code != 0
    with pytest.raises(errors.KubectlFailed, match=f'namespaces "{name}" not found'):
        kubectl("create", "configmap", "late")
    assert cluster.create_namespace(lesson) == name
    assert os.environ["KUBECONFIG"] == own


def test_a_namespace_that_ends_between_two_looks_is_gone(cluster, monkeypatch):
    """The last cell, run again: kubectl has shown it, and then it is not there."""
    document = {"metadata": {"deletionTimestamp": "now", "labels": {LABEL: MANAGER}}}
    looked = command.Completed([], json.dumps(document), "", 0)

    def asked(*args, **options):
        return looked if args[0] == "get" else kubectl(*args, **options)

    monkeypatch.setattr(module, "kubectl", asked)
    cluster.delete_namespace("test-namespaces-ended")


def test_it_stays_the_default_when_a_cell_connects_again(cluster, lesson):
    """As after the cluster was away, and without the line that makes a namespace."""
    name = cluster.create_namespace(lesson)
    assert connect() == cluster
    assert current_namespace() == os.environ["NAMESPACE"] == name


def test_the_first_cell_run_again_starts_afresh(cluster, lesson):
    """The first run's namespace is being deleted, and its kubeconfig is gone."""
    first = cluster.create_namespace(lesson)
    kubeconfig = os.environ["KUBECONFIG"]
    second = cluster.create_namespace(lesson)
    assert live(lesson) == {second} and second != first
    assert not os.path.exists(kubeconfig)


def test_a_kernel_that_was_killed_leaves_nothing(cluster, lesson):
    """The next start of the lesson removes its namespace and its kubeconfig."""
    # The pid is alive, and belongs to somebody who started later than the owner.
    gone = f"{lesson}-gone"
    owned_by(gone, f"{os.getppid()}/1", lesson)
    ended = subprocess.Popen(["true"])
    ended.wait()
    left = cluster.kubeconfig.with_name(f"kubeconfig.{gone}.{ended.pid}")
    left.touch(0o600)
    used = cluster.kubeconfig.with_name(f"kubeconfig.other.{os.getppid()}")
    used.touch(0o600)
    name = cluster.create_namespace(lesson)
    assert live(lesson) == {name}
    assert used.exists() and not left.exists()
    used.unlink()


def test_two_kernels_have_one_each(cluster, lesson):
    """The other one is alive, so its namespace is its own."""
    other = os.getppid()
    owned_by(lesson, f"{other}/{start_time(other)}", lesson)
    assert cluster.create_namespace(lesson) == f"{lesson}-2"
    assert live(lesson) == {lesson, f"{lesson}-2"}


@pytest.mark.parametrize(
    ("start", "alive"),
    # The name of a kubeconfig has none, and a version before had none on a Mac.
    [("/{}", True), ("", True), ("/None", True), ("/1", False)],
)
def test_a_kernel_is_known_by_its_pid_and_its_start(start, alive):
    pid = os.getpid()
    assert module._is_alive(f"{pid}{start.format(start_time(pid))}") == alive


def test_what_a_kernel_of_another_host_has_is_left_to_that_host(
    cluster, lesson, monkeypatch
):
    """A kernel of another host, which may share the home, counts as alive."""
    ended = subprocess.Popen(["true"])
    ended.wait()
    for host in ("login1.example", "login2.example"):
        owned_by(f"{lesson}-{host[:6]}", f"{ended.pid}/1", lesson, host=host)
        name = f"kubeconfig.{lesson}.{host}.{ended.pid}"
        cluster.kubeconfig.with_name(name).touch(0o600)
    monkeypatch.setattr(Backend, "host", lambda self: "login1.example")
    name = cluster.create_namespace(lesson)
    own = f"kubeconfig.{lesson}.login1.example.{os.getpid()}"
    assert Path(os.environ["KUBECONFIG"]).name == own
    assert live(lesson) == {name, f"{lesson}-login2"}
    left = cluster.kubeconfig.parent.glob(f"kubeconfig.{lesson}.*.{ended.pid}")
    assert [file.name.split(".")[2] for file in left] == ["login2"]
    assert cluster.create_namespace(lesson) == f"{lesson}-2"


def patch_finalizers(namespace: str, finalizers: list[str]) -> None:
    patch = json.dumps({"metadata": {"finalizers": finalizers}})
    where = f"--namespace={namespace}"
    kubectl("patch", "configmap/kept", where, "--type=merge", "-p", patch, check=False)


def test_what_is_not_ours_is_left_alone(cluster):
    """A namespace without our label is refused, not deleted."""
    with pytest.raises(errors.LabError, match="kube-public was not made"):
        cluster.delete_namespace("kube-public")
    assert kubectl("get", "namespace", "kube-public").exit_code == 0
