"""Why a pod, or another object, is not ready: the cause, and the way out."""

import pytest

from cluster import backends
from cluster.backends import BACKENDS
from helpers.api.podstatus import conditions, why_not_ready


def status(**fields) -> dict:
    return {"metadata": {"name": "p"}, "status": fields}


def container(**state) -> dict:
    return status(phase="Failed", containerStatuses=[{"name": "main", "state": state}])


LONG = {"reason": "ErrImagePull", "message": "tried this\n" + "a: " * 99 + "end"}
GOING = {"metadata": {"name": "p", "deletionTimestamp": "2026-01-01T00:00:00Z"}}
REFUSED = {"type": "PodScheduled", "status": "False", "message": "Insufficient cpu."}
ALL = "0/2 nodes are available: 2 node(s) didn't match Pod's node affinity/selector."
UNFIT = REFUSED | {"message": f"{ALL} No preemption victims found for incoming pod."}
FULL = REFUSED | {
    "message": "0/2 nodes are available: 1 Insufficient cpu, 1 node(s) didn't match "
    "Pod's node affinity/selector."
}
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
        # On every node the labels are what is missing, or there may be room later.
        (
            status(conditions=[UNFIT]),
            EVENTS,
            "not sched",
            "node affinity/selector",
            True,
        ),
        (status(conditions=[FULL]), [], "not sched", "affinity/selector.", False),
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
