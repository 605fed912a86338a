"""What a check of paths and proxies says to a learner, right and wrong."""

import pytest

from helpers.checks import kubectl_proxy
from helpers.errors import NotSolved
from helpers.proxy import KubectlProxy


@pytest.fixture(scope="module")
def server(cluster):
    """Yield a proxy to the real API server."""
    with KubectlProxy() as running:
        yield running


@pytest.mark.parametrize(
    ("api_version", "kind", "path"),
    [
        ("apps/v1", "Deployment", "/apis/apps/v1/namespaces/default/deployments"),
        ("v1", "Node", "/api/v1/nodes"),
    ],
)
def test_a_right_path_is_right(server, api_version, kind, path):
    """Core and named groups, with namespaces and without."""
    assert kubectl_proxy.wrong_path(api_version, kind, path, server, "default") == ""


@pytest.mark.parametrize(
    ("api_version", "kind", "path", "said"),
    [
        ("v1", "Pod", "/apis/v1/namespaces/default/pods", "is below `/api`"),
        ("apps/v1", "Deployment", "/api/apps/v1/deployments", "is below `/apis`"),
        ("v1", "Pod", "/api/v1/namespaces/default/Pod", "lower case and plural"),
        ("v1", "Pod", "/api/v1/pods", "lists every namespace"),
        ("v1", "Pod", "/api/v1/namespaces/NAME/pods", "lists another namespace"),
        ("v1", "Pod", "/api/v1/namespaces/{namespace}/pods", "put an `f`"),
        ("v1", "Pod", "/api/v1/namespaces/default/services", "with ServiceList"),
        ("v1", "Node", "/api/v1/namespaces/default/nodes", "has no namespace"),
    ],
)
def test_a_wrong_path_is_explained(server, api_version, kind, path, said):
    """The first mistake that there is, in words that say where to look."""
    wrong = kubectl_proxy.wrong_path(api_version, kind, path, server, "default")
    assert said in wrong


def test_a_prediction_that_is_missing_is_none(server):
    """An empty answer is no right one."""
    with pytest.raises(NotSolved, match="no path yet for Service of v1"):
        kubectl_proxy.predict_paths({}, server, "default")
    first = {("v1", "Service"): "/api/v1/services"}
    with pytest.raises(NotSolved, match="Service of v1: .*lists every namespace"):
        kubectl_proxy.predict_paths(first, server, "default")


PATH = "/apis/scheduling.k8s.io/v1/priorityclasses"


@pytest.mark.parametrize(
    ("path", "api_version", "said"),
    [
        ("", "", "no path yet"),
        (f"https://127.0.0.1:6443{PATH}", "", "is no path"),
        ("/apis/scheduling.k8s.io", "", "answers with APIGroup, not with"),
        ("/api/v1/priorityclasses", "", "answers with 404, not with"),
        (PATH, "v1", "'v1' is not the apiVersion"),
    ],
)
def test_what_was_not_heard(server, path, api_version, said):
    """No path, another one, and an apiVersion that is not in it."""
    with pytest.raises(NotSolved, match=said):
        kubectl_proxy.listen_to_kubectl(path, api_version, server)


def test_a_path_is_heard_with_its_question(server):
    """What follows the question mark may stay."""
    heard = f"{PATH}?limit=500"
    assert kubectl_proxy.listen_to_kubectl(heard, "scheduling.k8s.io/v1", server)
