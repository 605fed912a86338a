"""Each wrong answer about the downward API gets its own diagnosis."""

import copy

import pytest

from helpers.checks import known_when, pod_knows_itself, ways_hold
from helpers.checks.pod_metadata import ask_ways
from helpers.command import kubectl
from helpers.pods import wait_for
from tests.running import apply, run, sleeper

MINE = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "mine", "labels": {"tier": "backend"}},
    "spec": {
        "terminationGracePeriodSeconds": 0,
        "containers": [
            {
                "name": "main",
                "image": "toolbox:1",
                "command": ["sleep", "infinity"],
                "resources": {"limits": {"cpu": "250m"}},
                "env": [
                    {
                        "name": "CPU_LIMIT",
                        "valueFrom": {
                            "resourceFieldRef": {
                                "resource": "limits.cpu",
                                "divisor": "1m",
                            }
                        },
                    }
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


MISTAKES = {
    "coarse": (
        lambda pod, main: main["env"][0]["valueFrom"]["resourceFieldRef"].pop(
            "divisor"
        ),
        "divisor",
    ),
    "unlimited": (lambda pod, main: main.pop("resources"), "CPU limit of 250m"),
    "silent": (lambda pod, main: main.pop("env"), "no CPU_LIMIT"),
    "unmounted": (lambda pod, main: main.pop("volumeMounts"), "volumeMounts"),
    "unlabelled": (lambda pod, main: pod["metadata"].pop("labels"), "no label"),
    "elsewhere": (
        lambda pod, main: pod["spec"]["volumes"][0]["downwardAPI"]["items"][0][
            "fieldRef"
        ].update(fieldPath="metadata.annotations"),
        "metadata.labels",
    ),
}


@pytest.fixture(scope="module")
def started(namespace):
    """Run the right pod, and those with a mistake, all at the same time."""
    run(MINE, *(variant(name, change) for name, (change, _) in MISTAKES.items()))


def test_the_right_pod_passes(started):
    """Also a learner's own way of writing it."""
    assert pod_knows_itself("mine") == ""


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_is_named(started, name):
    """The diagnosis says which part of the manifest to look at."""
    _, named = MISTAKES[name]
    assert named in pod_knows_itself(name)


def test_the_server_says_which_way(namespace):
    """One dry run answers for all fields, and leaves no pod."""
    fields = ["metadata.labels", "metadata.labels['foo']", "status.podIP", "spec.nose"]
    assert ask_ways(fields) == {
        "metadata.labels": {"volume"},
        "metadata.labels['foo']": {"env", "volume"},
        "status.podIP": {"env"},
        "spec.nose": set(),
    }
    assert "asking" not in kubectl("get", "pods").stdout


@pytest.mark.parametrize(
    ("field", "way", "named"),
    [
        ("metadata.name", "both", ""),
        ("metadata.name", "", "write one of"),
        ("metadata.labels", "both", "not by env"),
        ("status.podIP", "volume", "not by volume"),
        ("metadata.uid", "env", "by either way"),
        ("status.phase", "env", "by no way at all"),
    ],
)
def test_a_wrong_way_is_named(namespace, field, way, named):
    """The server's answer is in the diagnosis, not only that it is wrong."""
    diagnosis = ways_hold({field: way})
    assert named in diagnosis if named else diagnosis == ""


@pytest.fixture(scope="module")
def deployment(namespace):
    pod = sleeper("web", labels={"app": "web"})
    template = {"metadata": {"labels": pod["metadata"]["labels"]}, "spec": pod["spec"]}
    spec = {"selector": {"matchLabels": {"app": "web"}}, "template": template}
    apply(
        {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": "web"},
            "spec": spec,
        }
    )
    wait_for("condition=Available", "deployment/web")
    return "web"


@pytest.mark.parametrize(
    ("field", "when", "named"),
    [
        ("metadata.labels.app", "before", ""),
        ("status.podIP", "after", ""),
        ("status.podIP", "before", "says nothing of it"),
        ("spec.containers[0].image", "after", "stands in the template"),
        ("metadata.nose", "after", "no such field"),
    ],
)
def test_before_and_after(deployment, field, when, named):
    """The template and the pod that was made from it decide."""
    diagnosis = known_when({field: when}, deployment=deployment)
    assert named in diagnosis if named else diagnosis == ""
