"""Pods are waited for with the cause at hand, and commands in them are values."""

import pytest

from cluster import backends
from cluster.backends import BACKENDS
from cluster.tests.running import apply, run, sleeper
from cluster.tests.slowness import scaled
from helpers import errors
from helpers.api import pods
from helpers.api.podstatus import conditions, why_not_ready

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


def status(**fields) -> dict:
    return {"metadata": {"name": "p"}, "status": fields}


def container(**state) -> dict:
    return status(phase="Failed", containerStatuses=[{"name": "main", "state": state}])


LONG = {"reason": "ErrImagePull", "message": "tried this\n" + "a: " * 99 + "end"}
GOING = {"metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
REFUSED = {"type": "PodScheduled", "status": "False", "message": "Insufficient cpu."}
#: in the order of their names, as the server sends them
EVENTS = [
    {"type": "Warning", "reason": "New", "message": "now", "lastTimestamp": "2"},
    {"type": "Warning", "reason": "Old", "message": "then", "lastTimestamp": "1"},
    {"type": "Normal", "reason": "Pulled", "message": "x", "lastTimestamp": "3"},
]


@pytest.mark.parametrize(
    ("pod", "events", "begin", "end", "hopeless"),
    [
        (
            container(terminated={"exitCode": 0}),
            EVENTS,
            "container main ended with ",
            "exit code 0",
            True,
        ),
        (
            container(
                terminated={
                    "exitCode": 128,
                    "reason": "StartError",
                    "message": 'exec: "nosuch": not found',
                }
            ),
            [],
            "container main ended with exit code 128 (exec: ",
            "not found)",
            True,
        ),
        # The beginning says what was tried, the end has the cause.
        (container(waiting=LONG), [], "container main: ErrImagePull (", "end)", True),
        # A deleted pod never comes back under its uid.
        (GOING, EVENTS, "it is being", "deleted", True),
        (status(phase="Pending"), EVENTS, "New: ", "now", False),
        (status(conditions=[REFUSED]), [], "not sched", "Insufficient cpu.", False),
        (status(), [], "phase Unknown", "not Ready yet", False),
    ],
)
def test_why_a_pod_is_not_ready(pod, events, begin, end, hopeless):
    cause = why_not_ready(pod, events)
    assert cause.text.startswith(begin) and cause.text.endswith(end)
    assert cause.hopeless == hopeless
    assert "\n" not in cause.text and len(cause.text) < 250


@pytest.mark.parametrize(
    ("reason", "hint"),
    [
        ("ErrImageNeverPull", "of the image"),
        ("ErrImagePull", "of the image"),
        ("ImagePullBackOff", "of the image"),
        ("InvalidImageName", "Fix `image`"),
        ("CreateContainerConfigError", "fix the name"),
        ("CreateContainerError", "Fix `command`"),
        ("RunContainerError", "has to contain that program"),
        ("StartError", "has to contain that program"),
        ("CrashLoopBackOff", "`kubectl logs p --previous`"),
    ],
)
def test_a_container_that_waits_in_vain_is_helped_at_once(reason, hint):
    waiting = {"name": "main", "state": {"waiting": {"reason": reason}}}
    cause = why_not_ready(status(containerStatuses=[waiting]), [], "of the image")
    assert cause.hopeless and hint in cause.hint


def test_a_container_that_is_being_made_is_waited_for():
    waiting = {"name": "main", "state": {"waiting": {"reason": "ContainerCreating"}}}
    assert not why_not_ready(status(containerStatuses=[waiting]), []).hopeless


def test_a_program_that_is_not_there_is_the_thing_to_fix():
    """Also in a pod that is not restarted, which has ended then."""
    ended = {"exitCode": 128, "reason": "StartError", "message": "not found"}
    assert why_not_ready(container(terminated=ended), []).hint.startswith("Fix `comma")
    ended = {"exitCode": 1, "reason": "Error"}
    assert "keeps running" in why_not_ready(container(terminated=ended), []).hint


def test_pods_that_a_policy_refuses_are_told():
    """In the server's words, as for a namespace that enforces `restricted`."""
    refused = {"type": "ReplicaFailure", "status": "True", "message": "violates\nit"}
    waits = {"type": "Available", "status": "False"}
    told = "Available=False, ReplicaFailure=True (violates it)"
    assert conditions(status(conditions=[waits, refused])) == told
    assert conditions({}) == "no condition yet"


@pytest.mark.parametrize(
    ("backend", "hint"),
    [
        (backends.LOCAL, "no way out to the internet"),
        (backends.CONTROL_PLANE, "no way out to the internet"),
        (backends.KIND, "what no registry has: `.venv/bin/kapi images add FILE`"),
        (backends.EXISTING, "`.venv/bin/kapi use --image …`"),
    ],
)
def test_an_image_that_cannot_be_pulled_is_helped_by_what_runs_the_cluster(
    backend, hint
):
    """The suite imports nothing into nodes that are not its own."""
    waiting = {"name": "main", "state": {"waiting": {"reason": "ImagePullBackOff"}}}
    found = status(containerStatuses=[waiting])
    cause = why_not_ready(found, [], BACKENDS[backend]().image_hint())
    assert cause.hopeless and hint in cause.hint
    assert ("images add" in cause.hint) == (backend != backends.EXISTING)


def test_a_pod_asks_until_a_rule_counts(namespace, monkeypatch):
    """`ask` gives up after a while, with the last answer."""
    monkeypatch.setattr(pods, "PROPAGATION", 0.2)
    assert pods.ask("sleeper", "/", expect=200).status == 403


def test_no_answer_is_an_error(namespace):
    """`ask` raises where curl has nothing to return."""
    with pytest.raises(errors.KubectlFailed):
        pods.ask("sleeper", " of nothing")
