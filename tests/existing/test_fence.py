"""The policy around the rights: what a user may not write, though RBAC lets it.

The API server is genuine, and allows everything to everybody: what is refused here,
the policy refuses.
"""

import json

import pytest

from cluster.existing.rbac import USER, manifest
from cluster.existing.rules import LABEL, MANAGER
from cluster.waiting import until

ANNA, BOB = "anna", "system:serviceaccount:school:bob"
REFUSED = "this user writes to its own namespaces of lessons alone"
#: seconds until a new policy must count; it takes about one
TIMEOUT = 30.0


def namespace(name, labels, annotations):
    metadata = {"name": name, "labels": labels, "annotations": annotations}
    return json.dumps({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata})


def made_by(user, name):
    return namespace(name, {LABEL: MANAGER}, {USER: user})


def stray(server, user):
    """Try to write where nobody may, without leaving anything behind."""
    words = ("create", "configmap", "a", "--namespace=default", "--dry-run=server")
    return server.kubectl(*words, f"--as={user}")


@pytest.fixture(scope="module")
def fenced(mine):
    """Give two users their rights and a namespace each, and wait for the policies."""
    for user, name in ((ANNA, "annas"), (BOB, "bobs")):
        done = mine.apply(manifest(user))
        assert done.returncode == 0, done.stderr
        assert until(lambda user=user: REFUSED in stray(mine, user).stderr, TIMEOUT)
        done = mine.kubectl(
            "create", "-f", "-", f"--as={user}", input=made_by(user, name)
        )
        assert done.returncode == 0, done.stderr
    yield mine
    for user in (ANNA, BOB):
        mine.kubectl("delete", "-f", "-", "--ignore-not-found", input=manifest(user))
    mine.forget()


OURS, ANNAS = {LABEL: MANAGER}, {USER: ANNA}
BINDING = f"create rolebinding a --clusterrole={MANAGER}-lesson --user={ANNA}"


@pytest.mark.parametrize(
    ("line", "text"),
    [
        ("create namespace plain", ""),
        ("create -f -", namespace("bare", {}, {})),
        ("create -f -", namespace("unlabelled", {}, ANNAS)),
        ("create -f -", namespace("nobodys", OURS, {})),
        ("create -f -", namespace("given", OURS, {USER: BOB})),
        ("create -f -", namespace("another", {LABEL: "Helm"}, ANNAS)),
        # The server itself keeps `default`; this one anybody could have deleted.
        ("delete namespace kube-node-lease", ""),
        ("delete namespace bobs", ""),
        ("label namespace kube-system a=b", ""),
        (f"label namespace default {LABEL}={MANAGER}", ""),
        (f"annotate namespace bobs --overwrite {USER}={ANNA}", ""),
        (f"annotate namespace annas --overwrite {USER}={BOB}", ""),
        (f"label namespace annas {LABEL}-", ""),
        (f"{BINDING} --namespace=bobs", ""),
        (f"{BINDING} --namespace=kube-system", ""),
        (f"create clusterrolebinding a --clusterrole=view --user={ANNA}", ""),
        ("create configmap a --namespace=bobs", ""),
        ("get --raw /api/v1/namespaces/bobs/pods/a/proxy", ""),
    ],
)
def test_what_is_not_this_users_is_not_written(fenced, line, text):
    """A `get` of a proxy path is a connection, and counts as a write."""
    done = fenced.kubectl(*line.split(), f"--as={ANNA}", input=text)
    assert done.returncode == 1 and REFUSED in done.stderr, done
    with fenced.client() as core:
        found = {each.metadata.name: each for each in core.list_namespace().items}
    assert {"default", "kube-system", "annas", "bobs"} <= found.keys()
    assert not found.keys() & {"plain", "bare", "unlabelled", "nobodys", "given"}
    assert found["annas"].metadata.annotations == ANNAS
    assert found["bobs"].metadata.annotations == {USER: BOB}


def test_what_is_this_users_own_is_written(fenced):
    """From the first write to the last, and with the questions that lessons ask."""
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenReview"}
    for line, text in (
        ("create -f -", made_by(ANNA, "hers")),
        ("label namespace hers a=b", ""),
        (f"{BINDING} --namespace=hers", ""),
        ("create configmap a --namespace=hers", ""),
        ("label configmap a b=c --namespace=hers", ""),
        ("delete configmap a --namespace=hers", ""),
        ("create -f -", json.dumps({**review, "spec": {"token": "none"}})),
        ("delete namespace hers --wait=false", ""),
    ):
        done = fenced.kubectl(*line.split(), f"--as={ANNA}", input=text)
        assert done.returncode == 0, done.stderr


def test_others_are_not_fenced_in(fenced):
    """The policy is about the users that it names, whatever else they are."""
    for user in ("carla", "annas", "anna2"):
        assert stray(fenced, user).returncode == 0
