"""Each wrong answer about the downward API gets its own diagnosis."""

import copy

import pytest

from helpers.checks.pod_metadata import hand_down_facts, sort_fields
from helpers.errors import NotSolved
from helpers.pods import wait_for
from tests.running import apply, run, sleeper

MINE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "mine", "labels": {"tier": "backend"}},
    "spec": {
        "containers": [
            {
                "name": "main",
                "image": "toolbox:1",
                # All of them start at once, on a node that may have two CPUs.
                "resources": {"limits": {"cpu": "250m"}, "requests": {"cpu": "1m"}},
                "env": [
                    {
                        "name": "CPU_LIMIT",
                        "valueFrom": {
                            "resourceFieldRef": {
                                "resource": "limits.cpu",
                                "divisor": "1m",
                            }
                        },
                    },
                    {
                        "name": "NODE",
                        "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}},
                    },
                ],
                "volumeMounts": [{"name": "me", "mountPath": "/etc/me"}],
            }
        ],
        "volumes": [
            {
                "name": "me",
                "downwardAPI": {
                    "items": [
                        {
                            "path": "labels",
                            "fieldRef": {"fieldPath": "metadata.labels"},
                        }
                    ]
                },
            }
        ],
    },
}


def variant(name, change):
    """Return the right pod under another name, with one mistake in it."""
    pod = copy.deepcopy(MINE)
    pod["metadata"]["name"] = name
    change(pod, pod["spec"]["containers"][0])
    return pod


def item(pod):
    return pod["spec"]["volumes"][0]["downwardAPI"]["items"][0]


MISTAKES = {
    "coarse": (
        lambda pod, main: main["env"][0]["valueFrom"]["resourceFieldRef"].pop(
            "divisor"
        ),
        "divisor",
    ),
    "unlimited": (lambda pod, main: main.pop("resources"), "CPU limit of 250m"),
    "silent": (lambda pod, main: main.pop("env"), "no variable CPU_LIMIT"),
    "by-hand": (
        lambda pod, main: main["env"].__setitem__(
            0, {"name": "CPU_LIMIT", "value": "250"}
        ),
        "CPU_LIMIT has a fixed value",
    ),
    "itself": (
        lambda pod, main: main["env"][1]["valueFrom"]["fieldRef"].update(
            fieldPath="metadata.name"
        ),
        "NODE is 'itself'",
    ),
    "unmounted": (lambda pod, main: main.pop("volumeMounts"), "volumeMounts"),
    "unlabelled": (lambda pod, main: pod["metadata"].pop("labels"), "no label"),
    "elsewhere": (
        lambda pod, main: item(pod)["fieldRef"].update(
            fieldPath="metadata.annotations"
        ),
        "metadata.labels",
    ),
}


@pytest.fixture(scope="module")
def started(namespace):
    """Run the pods with a mistake, all at the same time."""
    run(*(variant(name, change) for name, (change, _) in MISTAKES.items()))


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_named(started, name):
    """The diagnosis says which part of the manifest to look at."""
    _, named = MISTAKES[name]
    with pytest.raises(NotSolved, match=named):
        hand_down_facts(pod=name)


def test_there_is_no_pod_yet(namespace):
    with pytest.raises(NotSolved, match="There is no pod nowhere yet"):
        hand_down_facts(pod="nowhere")


SORTED = {
    "metadata.name": "M",
    "metadata.labels.app": "M",
    "metadata.uid": "C",
    "spec.containers[0].image": "M",
    "spec.nodeName": "C",
    "status.podIP": "C",
}


@pytest.fixture(scope="module")
def web(namespace):
    apply(sleeper("web", labels={"app": "demo"}))
    wait_for("condition=Ready", "pod/web")
    return "web"


@pytest.mark.parametrize(
    ("field", "letter", "named"),
    [
        ("status.podIP", "M", "the manifest says nothing"),
        ("spec.containers[0].image", "C", "is in the manifest already"),
        ("metadata.uid", "", "write 'M' or 'C'"),
    ],
)
def test_a_wrong_letter_is_named(web, field, letter, named):
    with pytest.raises(NotSolved, match=named) as wrong:
        sort_fields(SORTED | {field: letter}, pod=web)
    assert field in str(wrong.value)


def test_an_empty_answer_is_no_answer(web):
    with pytest.raises(NotSolved, match="metadata.name: write"):
        sort_fields({}, pod=web)
