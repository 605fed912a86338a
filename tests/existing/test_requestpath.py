"""Which namespace the path of a request is in, where it is clear."""

import pytest

from cluster.existing.requestpath import is_of_kubernetes, read


@pytest.mark.parametrize(
    ("path", "namespace", "itself"),
    [
        ("/api/v1/namespaces/a/pods", "a", False),
        ("/apis/apps/v1/namespaces/a/deployments/b?dryRun=All", "a", False),
        ("https://host:1/api/v1/namespaces/a/pods/b/exec", "a", False),
        ("/k8s/clusters/c/api/v1/namespaces/a/pods", "a", False),
        ("/api/v1/namespaces/a", "a", True),
        ("/api/v1/namespaces/a/", "a", True),
        ("/api/v1/namespaces/a/finalize", "a", True),
        ("/api/v1/namespaces/a?x=/api/v1/namespaces/b", "a", True),
        ("/api/v1/namespaces", "", False),
        ("/api/v1/nodes/a", "", False),
        ("/api/v1/nodes/a/proxy/namespaces/ours/x", "", False),
        ("/api/v1/nodes/a/proxy/api/v1/namespaces/ours/x", "", False),
        ("/api/v1/nodes/a?x=/namespaces/ours/", "", False),
        ("/apis/rbac.authorization.k8s.io/v1/clusterroles/a", "", False),
        ("/api/v1/namespaces/%61/pods", "a", False),
    ],
)
def test_the_namespace_is_where_the_server_looks_for_it(path, namespace, itself):
    found = read(path)
    assert (found.namespace, found.itself) == (namespace, itself)
    assert is_of_kubernetes(path)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/namespaces/ours/../kube-system/pods",
        "/api/v1/namespaces/ours/%2e%2e/kube-system/pods",
        "/api/v1/namespaces/ours%2f..%2fkube-system/pods",
        "/api/v1//namespaces/ours/pods",
        "//api/v1/namespaces/ours/pods",
        "/api%2Fv1/namespaces/ours/pods",
        "/api/v1/namespaces/ours/./pods",
        "/api/v1/namespaces/ours\\x",
    ],
)
def test_what_a_server_may_read_in_another_way_is_not_clear(path):
    assert is_of_kubernetes(path) and read(path) is None


@pytest.mark.parametrize(
    "path", ["/", "/version", "/api", "/api/contents/a.ipynb", "/simple/pip/", "/apis"]
)
def test_other_paths_are_nobody_s_cluster(path):
    assert not is_of_kubernetes(path)


def test_what_stands_before_the_api_is_kept():
    assert read("/k8s/clusters/c/api/v1/nodes").prefix == "/k8s/clusters/c"
    assert read("/apis/apps/v1/x").version == "apps/v1"
