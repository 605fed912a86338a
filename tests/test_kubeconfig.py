"""What is wrong with a kubeconfig is told, and what a learner added is kept."""

import copy
import json

import pytest

from cluster import errors
from cluster.kubeconfig import holds, problem, read_kubeconfig, server_of

OURS = {
    "current-context": "lab",
    "contexts": [{"name": "lab", "context": {"cluster": "lab", "user": "admin"}}],
    "clusters": [{"name": "lab", "cluster": {"server": "https://a:1", "ca": "x"}}],
    "users": [{"name": "admin", "user": {"key": "k"}}],
}


def changed(change):
    document = copy.deepcopy(OURS)
    change(document)
    return document


def nameless(document):
    document["contexts"][0]["context"] = "lab"


@pytest.mark.parametrize(
    ("document", "fact"),
    [
        (OURS, ""),
        (None, "is empty."),
        ({}, "is empty."),
        ("text", "is not a kubeconfig."),
        (changed(lambda d: d.pop("current-context")), "has no current context."),
        (
            changed(lambda d: d.update({"current-context": "x"})),
            "has no context 'x', which it calls the current one.",
        ),
        (
            changed(lambda d: d.update(contexts={"lab": {}})),
            "has no context 'lab', which it calls the current one.",
        ),
        (changed(nameless), "has no context 'lab', which it calls the current one."),
        (
            changed(lambda d: d["contexts"][0]["context"].pop("user")),
            "has no user None, which its context names.",
        ),
        (
            changed(lambda d: d["clusters"][0]["cluster"].pop("server")),
            "has no server for the cluster 'lab'.",
        ),
    ],
)
def test_a_problem_is_named(document, fact):
    assert problem(document) == fact


@pytest.mark.parametrize(
    ("change", "kept"),
    [
        (lambda d: None, True),
        (lambda d: d["contexts"][0]["context"].update(namespace="mine"), True),
        (lambda d: d["users"].append({"name": "ann", "user": {}}), True),
        (lambda d: d["clusters"][0]["cluster"].update(server="https://a:2"), False),
        (lambda d: d["users"][0]["user"].update(key="old"), False),
        (lambda d: d["contexts"][0]["context"].update(user="ann"), False),
        (lambda d: d.pop("current-context"), False),
    ],
    ids=["same", "namespace", "user", "port", "key", "other user", "no context"],
)
def test_what_is_added_is_kept_and_what_is_wrong_is_not(change, kept):
    """A port or a key of an earlier start must be written anew."""
    assert holds(changed(change), OURS) is kept


def test_the_server_is_that_of_the_context():
    assert server_of(OURS, "lab") == "https://a:1"


@pytest.mark.parametrize(
    ("contexts", "known"),
    [
        ([{"name": "b"}, {"name": "a"}, {"context": {}}, {"name": 7}, "c"], ["a", "b"]),
        (None, []),
        ({"a": {}}, []),
    ],
)
def test_a_mistyped_context_is_answered_with_those_of_the_file(
    tmp_path, contexts, known
):
    """Not with those of the ambient kubeconfig, which may be another file."""
    path = tmp_path / "config"
    path.write_text(json.dumps({**OURS, "contexts": contexts}))
    with pytest.raises(errors.UnknownContext) as caught:
        read_kubeconfig(path, context="typo", way_out="")
    assert (caught.value.context, caught.value.known) == ("typo", known)
    assert (", ".join(known) or "none at all") in str(caught.value)
    assert str(caught.value).count("\n") == 1
