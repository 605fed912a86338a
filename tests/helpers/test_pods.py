"""Pods are waited for with the cause at hand, and commands in them are values."""

import pytest

from cluster import backends
from cluster.backends import BACKENDS
from helpers import errors, kubectl, pods
from helpers.podstatus import why_not_ready
from tests.patience import patience
from tests.running import apply, run, sleeper

#: what is wrong with a pod, and what its error says: the cause, the way out
HOPELESS = {
    "image": ({"image": "no.such/image:1"}, "ErrImagePull", "images add"),
    "program": ({"command": ["no-such"]}, '"no-such"', "Mend `command`"),
    "fails": (
        # Without the probe it is Ready for the moment that it lives.
        {"command": ["false"], "readinessProbe": {"exec": {"command": ["false"]}}},
        "ended with exit code 1",
        "logs fails --previous",
    ),
    "config": (
        {"envFrom": [{"configMapRef": {"name": "nowhere"}}]},
        'configmap "nowhere" not found',
        "mend the name",
    ),
}


@pytest.fixture(scope="module")
def namespace(namespace):
    """Return a namespace with a pod `sleeper` that is Ready, and those that are not."""
    apply([sleeper(name, **fault) for name, (fault, *_) in HOPELESS.items()])
    apply(sleeper("big", resources={"requests": {"cpu": "1000"}}))
    run(sleeper("sleeper"))
    return namespace


def test_a_command_gives_both_streams_and_its_code(namespace):
    """As in a shell, and without the line that kubectl adds."""
    done = pods.exec_in_pod("sleeper", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (done.stdout, done.stderr, done.exit_code) == ("out\n", "err\n", 3)


def test_a_command_can_be_given_input(namespace):
    """Nothing is added and nothing is lost."""
    done = pods.exec_in_pod("sleeper", "cat", container="main", input="to and fro\n")
    assert (done.stdout, done.exit_code) == ("to and fro\n", 0)


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


def test_it_waits_for_a_file_that_comes(namespace):
    """What is there is found by the first look; the rest is looked for again."""
    script = (
        "echo first > /tmp/file; (sleep 1; echo late > /tmp/late) >/dev/null 2>&1 &"
    )
    pods.exec_in_pod("sleeper", "sh", "-c", script)
    assert pods.wait_for_file("sleeper", "/tmp/file", "first", timeout=0) > 0
    assert pods.wait_for_file("sleeper", "/tmp/late", "late", timeout=20) > 0


@pytest.mark.parametrize(
    ("path", "last"), [("/etc/hostname", "sleeper"), ("/tmp/nothing", "No such file")]
)
def test_a_wait_in_vain_says_what_came_last(namespace, path, last):
    """The old text or the complaint, and after how many seconds."""
    with pytest.raises(errors.NotReady) as caught:
        pods.wait_for_file("sleeper", path, "yes", timeout=0.3)
    assert last in caught.value.last and caught.value.waited >= 0.3


def test_no_such_pod_ends_the_wait(namespace):
    """Waiting would not make one."""
    with pytest.raises(errors.KubectlFailed, match="not found"):
        pods.wait_for_file("nobody", "/tmp/file", "x", timeout=20)


def test_a_line_of_a_log_is_waited_for(namespace):
    """The first line that holds the text, whole; in vain, the last line of all."""
    script = "echo first try; sleep 0.5; echo second try; sleep infinity"
    run(sleeper("talks", command=["sh", "-c", script]))
    assert pods.wait_for_log("talks", "second", timeout=20) == "second try"
    assert pods.wait_for_log("talks", "try", container="main") == "first try"
    with pytest.raises(errors.NotReady) as caught:
        pods.wait_for_log("talks", "third", timeout=2)
    assert caught.value.last == "second try"
    run(sleeper("silent"))
    with pytest.raises(errors.NotReady) as caught:
        pods.wait_for_log("silent", "word", timeout=3)
    assert caught.value.last == "nothing"


def test_a_manifest_that_is_refused_keeps_the_servers_words(namespace):
    """One sentence, of the server, as the message."""
    with pytest.raises(errors.KubectlFailed) as refused:
        apply("apiVersion: v1\nkind: Pod\nmetadata: {name: UPPER}\n")
    assert "UPPER" in refused.value.stderr


@pytest.mark.parametrize("name", HOPELESS)
def test_a_hopeless_pod_is_told_at_once(namespace, name):
    """The cause and the way out, long before the time is up."""
    _, last, hint = HOPELESS[name]
    with pytest.raises(errors.NotReady) as failed:
        pods.wait_for("condition=Ready", f"pod/{name}", timeout=patience(60))
    assert failed.value.what == f"condition=Ready of pod/{name}"
    assert failed.value.waited < patience(10)
    # An image is pulled again later, and then the reason has another name.
    assert last.replace("ErrImagePull", "Image") in failed.value.last
    assert hint in failed.value.hint


def test_a_pod_that_may_yet_come_is_waited_for(namespace):
    """The scheduler's own reason, when the time is up."""
    pods.wait_for("condition=PodScheduled=False", "pod/big")
    with pytest.raises(errors.NotReady) as failed:
        pods.wait_for("condition=Ready", "pod/big", timeout=1)
    assert failed.value.waited >= 1
    assert "Insufficient cpu" in failed.value.last


def test_any_condition_of_any_kind_is_waited_for(namespace):
    """As `kubectl wait` does; a job that fails its condition is told by its own."""
    pods.wait_for("jsonpath={.status.phase}=Active", f"namespace/{namespace}")
    with pytest.raises(errors.NotReady) as failed:
        pods.wait_for("condition=Nonsense", "node/lab-control-plane", timeout=1)
    assert "Ready=True" in failed.value.last


def test_pods_that_a_policy_refuses_are_told(namespace):
    """In the server's words, as for a namespace that enforces `restricted`."""
    level = "pod-security.kubernetes.io/enforce"
    template = {"metadata": {"labels": {"app": "web"}}, "spec": sleeper("web")["spec"]}
    template["spec"].pop("terminationGracePeriodSeconds")
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {"selector": {"matchLabels": {"app": "web"}}, "template": template},
    }
    kubectl("label", "namespace", namespace, f"{level}=restricted", "--overwrite")
    try:
        with pytest.raises(errors.KubectlFailed) as refused:
            apply(sleeper("refused"))
        assert 'violates PodSecurity "restricted' in refused.value.stderr
        apply(deployment)
        pods.wait_for("condition=ReplicaFailure", "deployment/web")
        with pytest.raises(errors.NotReady) as failed:
            pods.wait_for("condition=Available", "deployment/web", timeout=1)
        assert 'violates PodSecurity "restricted' in failed.value.last
        assert "\n" not in failed.value.last
    finally:
        kubectl("label", "namespace", namespace, f"{level}-")
        kubectl("delete", "deployment/web", "--ignore-not-found")


def test_nothing_to_wait_for_is_an_error_at_once(namespace):
    """The server's own sentence."""
    with pytest.raises(errors.KubectlFailed) as failed:
        pods.wait_for("condition=Ready", "pod/nobody")
    assert "not found" in failed.value.stderr


def status(**fields) -> dict:
    return {"metadata": {"name": "p"}, "status": fields}


def test_a_pod_that_has_ended_is_hopeless():
    """The exit code of each container is told."""
    ended = {"name": "main", "state": {"terminated": {"exitCode": 0}}}
    cause = why_not_ready(status(phase="Succeeded", containerStatuses=[ended]), [])
    assert cause.hopeless
    assert cause.text == "container main ended with exit code 0"


@pytest.mark.parametrize(
    ("backend", "hint"),
    [
        (backends.LOCAL, "no way out to the internet"),
        (backends.CONTROL_PLANE, "no way out to the internet"),
        (backends.KIND, "what no registry has: `python -m helpers images add FILE`"),
        (backends.EXISTING, "`python -m helpers use --image …`"),
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


def test_a_pod_on_its_way_out_is_hopeless():
    """It never comes back under this uid."""
    going = {"metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
    assert why_not_ready(going, []).hopeless


def test_the_last_warning_is_the_one_that_counts():
    """Events come in the order of their names."""
    events = [
        {"type": "Warning", "reason": "New", "message": "now", "lastTimestamp": "2"},
        {"type": "Warning", "reason": "Old", "message": "then", "lastTimestamp": "1"},
        {"type": "Normal", "reason": "Pulled", "message": "x", "lastTimestamp": "3"},
    ]
    assert why_not_ready(status(phase="Pending"), events).text == "New: now"


def test_a_message_of_many_lines_becomes_one(cluster):
    """The beginning says what was tried, the end has the cause."""
    waiting = {"reason": "ErrImagePull", "message": "tried this\n" + "a: " * 99 + "end"}
    found = status(containerStatuses=[{"name": "main", "state": {"waiting": waiting}}])
    text = why_not_ready(found, []).text
    assert "tried this a:" in text and text.endswith("a: end)")
    assert "\n" not in text and len(text) < 250


def test_a_pod_asks_the_api_server(namespace):
    """It is known and allowed little; a refusal is an answer, and so is a DELETE's."""
    apis = pods.ask("sleeper", "/apis")
    assert (apis.status, apis.json()["kind"]) == (200, "APIGroupList")
    path = f"/api/v1/namespaces/{namespace}/pods/sleeper"
    refused = pods.ask("sleeper", path, method="DELETE")
    assert refused.status == 403
    assert "cannot delete resource" in refused.json()["message"]
    assert repr(refused) == f"Answer: 403, {len(refused.body)} characters"


def test_a_pod_asks_until_a_rule_counts(namespace, monkeypatch):
    """It gives up after a while, with the last answer."""
    monkeypatch.setattr(pods, "PROPAGATION", 0.2)
    assert pods.ask("sleeper", "/", expect=200).status == 403


def test_no_answer_is_an_error(namespace):
    """There is nothing to return."""
    with pytest.raises(errors.KubectlFailed):
        pods.ask("sleeper", " of nothing")
