"""Pods are waited for with the cause at hand, and commands in them are values."""

import pytest

from cluster.tests.running import apply, run, sleeper
from cluster.tests.slowness import scaled
from helpers import errors
from helpers.api import pods

#: a pod's fault, and what its error says: the cause, the way out
HOPELESS = {
    "image": ({"image": "no.such/image:1"}, "ErrImagePull", "images add"),
    "program": ({"command": ["no-such"]}, '"no-such"', "Fix `command`"),
    "fails": (
        # Without the probe it is Ready for the moment that it lives.
        {"command": ["false"], "readinessProbe": {"exec": {"command": ["false"]}}},
        "ended with exit code 1",
        "logs fails --previous",
    ),
    "config": (
        {"envFrom": [{"configMapRef": {"name": "nowhere"}}]},
        'configmap "nowhere" not found',
        "fix the name",
    ),
}


@pytest.fixture(scope="module")
def namespace(namespace):
    """Return a namespace with a pod `sleeper` that is Ready, and those that are not."""
    apply([sleeper(name, **fault) for name, (fault, *_) in HOPELESS.items()])
    run(sleeper("sleeper"))
    return namespace


def test_a_command_gives_both_streams_and_its_code(namespace):
    """As in a shell, and without the line that kubectl adds; it can have an input."""
    script = "cat; echo err >&2; exit 3"
    done = pods.exec_in_pod("sleeper", "sh", "-c", script, input="to and fro\n")
    assert (done.stdout, done.stderr, done.exit_code) == ("to and fro\n", "err\n", 3)


@pytest.mark.parametrize(
    ("name", "command", "said"),
    [
        ("nobody", "ls", 'pods "nobody" not found'),
        ("sleeper", "no-such-program", "executable file not found"),
    ],
)
def test_what_cannot_be_run_is_an_error(namespace, name, command, said):
    """kubectl's own failure is not mistaken for that of the command."""
    with pytest.raises(errors.KubectlFailed) as failed:
        pods.exec_in_pod(name, command)
    assert said in failed.value.stderr


@pytest.mark.parametrize(
    ("path", "last"), [("/etc/hostname", "sleeper"), ("/tmp/nothing", "No such file")]
)
def test_a_wait_in_vain_says_what_came_last(namespace, path, last):
    """The old text or the complaint, and after how many seconds."""
    with pytest.raises(errors.NotReady) as caught:
        pods.wait_for_file("sleeper", path, "yes", timeout=0.3)
    assert last in caught.value.last and caught.value.waited >= 0.3


def test_a_line_of_a_log_that_does_not_come(namespace):
    """The last line of all is told; lessons wait for lines that do come."""
    script = "echo first try; echo second try; sleep infinity"
    run(sleeper("talks", command=["sh", "-c", script]))
    assert pods.wait_for_log("talks", "try", container="main") == "first try"
    for pod, last in (("talks", "second try"), ("sleeper", "nothing")):
        with pytest.raises(errors.NotReady) as caught:
            pods.wait_for_log(pod, "third", timeout=3)
        assert caught.value.last == last


@pytest.mark.parametrize("name", HOPELESS)
def test_a_hopeless_pod_is_told_at_once(namespace, name):
    """The cause and the way out, long before the time is up."""
    _, last, hint = HOPELESS[name]
    with pytest.raises(errors.NotReady) as failed:
        pods.wait_for("condition=Ready", f"pod/{name}", timeout=scaled(60))
    assert failed.value.what == f"condition=Ready of pod/{name}"
    assert failed.value.waited < scaled(10)
    # An image is pulled again later, and then the reason has another name.
    assert last.replace("ErrImagePull", "Image") in failed.value.last
    assert hint in failed.value.hint


def test_any_condition_of_any_kind_is_waited_for(namespace):
    """As `kubectl wait` does; a job that fails its condition is told by its own."""
    pods.wait_for("jsonpath={.status.phase}=Active", f"namespace/{namespace}")
    with pytest.raises(errors.NotReady) as failed:
        pods.wait_for("condition=Nonsense", "node/lab-control-plane", timeout=1)
    assert "Ready=True" in failed.value.last


def test_nothing_to_wait_for_is_an_error_at_once(namespace):
    """The server's own sentence."""
    with pytest.raises(errors.KubectlFailed, match="not found"):
        pods.wait_for("condition=Ready", "pod/nobody")
    with pytest.raises(errors.KubectlFailed, match="not found"):
        pods.wait_for_file("nobody", "/tmp/file", "x", timeout=20)


def test_a_pod_asks_until_a_rule_counts(namespace, monkeypatch):
    """`ask` gives up after a while, with the last answer."""
    monkeypatch.setattr(pods, "PROPAGATION", 0.2)
    assert pods.ask("sleeper", "/", expect=200).status == 403


def test_no_answer_is_an_error(namespace):
    """`ask` raises where curl has nothing to return."""
    with pytest.raises(errors.KubectlFailed):
        pods.ask("sleeper", " of nothing")
