"""What may be written to a learner's own cluster: pure decisions on whole values."""

from dataclasses import replace

import pytest

from cluster.existing import commandline, rules
from cluster.existing.backend import Own
from cluster.existing.rbac import USER
from cluster.existing.record import Record

RECORD = Record(
    uid="right",
    server="https://127.0.0.1:1",
    authority="",
    context="mine",
    version="v1.37.2",
    user="me",
    kubectl="/usr/bin/kubectl",
    state="abcd",
    namespaced=(
        "all",
        "pod",
        "pod.",
        "pods",
        "pods.",
        "deployments",
        "deployment.apps",
    ),
)
OURS = rules.labels(RECORD)
HALF = {rules.LABEL: rules.MANAGER}
THEIRS = {**OURS, rules.STATE: "of another learner"}


def touched(line, *documents):
    attempt = commandline.read(line.split())
    return rules.touched(attempt, documents, "here", RECORD)


def manifest(kind, api_version="v1", **metadata):
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


@pytest.mark.parametrize(
    ("line", "documents", "namespaces"),
    [
        ("delete pod a", (), ["here"]),
        ("delete pod a -n there", (), ["there"]),
        ("exec a -- ls", (), ["here"]),
        ("proxy", (), []),
        ("apply -f -", (), ["here"]),
        ("apply -f -", (manifest("Pod"),), ["here"]),
        ("apply -f -", (manifest("Pod", namespace="there"),), ["there"]),
        (
            "apply -f -",
            (
                {
                    "kind": "List",
                    "items": [manifest("Pod", namespace="a"), manifest("Pod")],
                },
            ),
            ["a", "here"],
        ),
        ("cp x there/pod:/x", (), ["there"]),
        ("delete all --all", (), ["here"]),
        ("exec -itn there a -- sh", (), ["there"]),
        ("delete pod,ns mine", (), ["here", "mine"]),
        ("delete pod/a ns/mine", (), ["here", "mine"]),
        ("delete NS mine", (), ["mine"]),
        ("delete namespaces.v1. mine", (), ["mine"]),
        ("delete namespace mine", (), ["mine"]),
        ("label namespace mine a=b c-", (), ["mine"]),
        ("create -f -", (manifest("Namespace", name="new", labels=OURS),), []),
        ("apply -f -", (manifest("Namespace", name="new", labels=OURS),), ["new"]),
        ("delete -f -", (manifest("Namespace", name="old"),), ["old"]),
        ("create -f -", (manifest("TokenReview", "authentication.k8s.io/v1"),), []),
        ("delete --raw /api/v1/namespaces/there/pods/a", (), ["there"]),
    ],
)
def test_each_write_is_known_by_its_namespaces(line, documents, namespaces):
    assert touched(line, *documents) == namespaces


@pytest.mark.parametrize(
    ("line", "documents"),
    [
        ("delete node a", ()),
        ("delete NODES a", ()),
        ("delete pods,nodes --all", ()),
        ("delete namespaces --all", ()),
        ("label ns -l a=b c=d", ()),
        ("delete -- node a", ()),
        ("exec node/a -- ls", ()),
        ("delete namespace mine --all", ()),
        ("delete namespaces.example.com mine", ()),
        ("delete things a", ()),
        ("delete pods.example.com a", ()),
        ("delete some-category --all", ()),
        ("set subject clusterrolebinding admin --user=bob", ()),
        ("apply edit-last-applied node n1", ()),
        ("rollout restart node/a", ()),
        ("certificate approve a", ()),
        ("create clusterrole a --verb=get --resource=pods", ()),
        ("create pc a --value=1", ()),
        ("create ns mine", ()),
        ("apply --prune --all -f -", ()),
        ("delete pods --all -A", ()),
        ("drain a", ()),
        ("create namespace mine", ()),
        ("delete --raw /api/v1/nodes/a", ()),
        ("apply -f -", (manifest("Node", name="a"),)),
        ("apply -f -", ({"kind": "List", "items": [manifest("Node")]},)),
        ("apply -f -", ({"kind": "NodeList", "items": [{"metadata": {}}]},)),
        ("apply -f -", (manifest("Pod", "example.com/v1"),)),
        ("apply -f -", (manifest("Namespace", "example.com/v1"),)),
        ("apply -f -", ({"a": 1},)),
        ("create -f -", (manifest("Namespace", name="new"),)),
        ("apply -f -", (manifest("Namespace", name="new"),)),
        ("apply -f -", (manifest("Namespace", name="new", labels="x"),)),
        ("replace -f -", (manifest("Namespace", name="new", labels=HALF),)),
        ("create -f -", ({"apiVersion": "v1", "kind": "Namespace", "metadata": 1},)),
        ("auth reconcile -f -", (manifest("ClusterRole", name="a"),)),
    ],
)
def test_what_is_in_no_namespace_is_refused(line, documents):
    with pytest.raises(rules.Refused):
        touched(line, *documents)


def test_a_namespace_counts_as_ours_by_both_labels():
    """Of two learners on one cluster neither writes to what the other made."""
    rules.judge(RECORD, "right", ["mine", "gone"], {"mine": OURS})
    for labels in ({}, {rules.LABEL: rules.MANAGER}, THEIRS):
        with pytest.raises(rules.Refused, match="mine was not made by these"):
            rules.judge(RECORD, "right", ["mine"], {"mine": labels})


def test_what_is_not_known_may_be_asked_for_again():
    """And a node is not: that much is known."""
    with pytest.raises(rules.UnknownKind):
        touched("delete lessons a")
    with pytest.raises(rules.UnknownKind):
        touched("apply -f -", manifest("Lesson", "example.com/v1"))


def test_a_namespace_that_would_be_made_without_our_labels_is_refused():
    """As a PUT or a PATCH that applies could do; where it is there, labels count."""
    rules.judge(RECORD, "right", ["mine"], {"mine": OURS}, made=["mine"])
    with pytest.raises(rules.Refused, match="would be made"):
        rules.judge(RECORD, "right", ["new"], {}, made=["new"])


@pytest.mark.parametrize("name", ["", "a/b", "-A", "--all", "A", "a.b", "a b", "ä"])
def test_what_is_no_name_of_a_namespace_goes_nowhere(name):
    rules.require_names(["mine", "a-1"])
    with pytest.raises(rules.Refused, match="no name of a namespace"):
        rules.require_names([name])


def test_another_cluster_is_refused_also_with_our_namespace_in_it():
    with pytest.raises(rules.Refused, match="another cluster"):
        rules.judge(RECORD, "wrong", ["mine"], {"mine": OURS})


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("image: toolbox:1\n", "image: r.example/t:2\n"),
        ('{"image": "toolbox:1"}', '{"image": "r.example/t:2"}'),
        ("--image=toolbox:1", "--image=r.example/t:2"),
        ("image: toolbox:1.5", "image: toolbox:1.5"),
        ("image: other/toolbox:1", "image: other/toolbox:1"),
    ],
)
def test_the_image_of_lessons_is_the_one_that_was_named(text, expected):
    assert rules.with_image(text, "r.example/t:2") == expected
    assert rules.with_image(text, "toolbox:1") == text


def test_what_is_made_carries_the_mark_of_the_state_directory_and_the_user(tmp_path):
    """A namespace gets them, and a program that runs in a pod gets the image."""
    replace(RECORD, image="r.example/t:2").write(tmp_path)
    own = Own(tmp_path)
    marks = {"labels": rules.labels(RECORD), "annotations": {USER: RECORD.user}}
    assert own.namespace_marks() == marks
    assert own.with_image("image: toolbox:1") == "image: r.example/t:2"
