"""Which words name what is in namespaces, from what kubectl prints of a cluster."""

import pytest

from cluster.existing.kinds import is_namespaced, namespaced, of_document

TABLE = """\
configmaps    cm        v1                   true    ConfigMap   create,delete,get
namespaces    ns        v1                   false   Namespace   create,delete,get
nodes         no        v1                   false   Node        create,delete,get
pods          po        v1                   true    Pod         create,delete   all
bindings                v1                   true    Binding     create
deployments   deploy    apps/v1              true    Deployment  create,delete   all
tokenreviews            authentication.k8s.io/v1  false  TokenReview  create
pods                    metrics.k8s.io/v1beta1    true   PodMetrics   get,list
things        th,thg    one.example.com/v1   true    Thing       delete   team,all
things                  two.example.com/v1   false   Thing       delete
fleets        po        fleet.example.com/v1 false   Fleet       delete   team
"""
ALL_OUTSIDE = TABLE.replace("delete   team\n", "delete   all,team\n")
KNOWN = namespaced(TABLE)


@pytest.mark.parametrize(
    "word",
    "cm configmap ConfigMaps pods PODS pods.v1. deployments.apps deploy "
    "deployments.v1.apps pods.metrics.k8s.io thing.one.example.com th thg all".split(),
)
def test_a_word_for_what_is_in_namespaces_is_known(word):
    assert is_namespaced(word, KNOWN)


@pytest.mark.parametrize(
    "word",
    "node nodes no ns namespaces tokenreviews nodes.v1. fleets team "
    "things.two.example.com pods.apps unknown v1 . pods.v1.apps".split()
    + [""],
)
def test_all_else_is_not(word):
    assert not is_namespaced(word, KNOWN)


@pytest.mark.parametrize("word", ["things", "thing", "po"])
def test_what_may_also_mean_something_outside_is_not(word):
    """kubectl would take the one or the other, by an order of its own."""
    assert not is_namespaced(word, KNOWN)


def test_the_category_all_counts_only_while_it_is_all_in_namespaces():
    assert is_namespaced("all", KNOWN)
    assert not is_namespaced("all", namespaced(ALL_OUTSIDE))


def test_a_manifest_is_known_with_its_group():
    found = of_document({"apiVersion": "apps/v1", "kind": "Deployment"})
    assert found == "deployment.apps" and found in KNOWN
    assert of_document({"apiVersion": "v1", "kind": "Pod"}) in KNOWN
    assert of_document({"apiVersion": "apps/v1", "kind": "Pod"}) not in KNOWN
    assert of_document({"kind": ["Pod"], "apiVersion": 1}) not in KNOWN
