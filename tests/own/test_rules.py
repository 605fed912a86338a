"""What may be written to a learner's own cluster: pure decisions on whole values."""

import pytest

from helpers.own import commandline, rules
from helpers.own.record import Record

RECORD = Record(
    uid="right",
    server="https://127.0.0.1:1",
    authority="",
    context="mine",
    version="v1.37.2",
    user="me",
    kubectl="/usr/bin/kubectl",
    state="abcd",
    cluster_scoped=("node", "nodes", "Node", "crd", "namespace", "Namespace"),
)
OURS = rules.labels(RECORD)
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
        ("delete namespace mine", (), ["mine"]),
        ("label namespace mine a=b c-", (), ["mine"]),
        ("create -f -", (manifest("Namespace", name="new", labels=OURS),), []),
        ("apply -f -", (manifest("Namespace", name="new", labels=OURS),), ["new"]),
        ("create -f -", (manifest("Namespace", name="new"),), ["new"]),
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
        ("delete --new-option x node a", ()),
        ("delete pods --all -A", ()),
        ("drain a", ()),
        ("create namespace mine", ()),
        ("delete --raw /api/v1/nodes/a", ()),
        ("apply -f -", (manifest("Node", name="a"),)),
        ("apply -f -", ({"kind": "List", "items": [manifest("Node")]},)),
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
