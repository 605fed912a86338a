"""A path is read as the API server reads it before it asks an authorizer."""

import pytest

from helpers.rbac.objects import Attributes
from helpers.rbac.requestpath import attributes_of_get

USER = "system:serviceaccount:blue:app"
GROUP = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", Attributes(USER, "get", path="/")),
        ("/version?x=1", Attributes(USER, "get", path="/version")),
        ("/api", Attributes(USER, "get", path="/api")),
        ("/api/v1", Attributes(USER, "get", path="/api/v1")),
        ("/apis/batch/v1", Attributes(USER, "get", path="/apis/batch/v1")),
        ("/api/v1/nodes", Attributes(USER, "list", "nodes")),
        ("/api/v1/pods?limit=5", Attributes(USER, "list", "pods")),
        ("/api/v1/nodes/one", Attributes(USER, "get", "nodes", name="one")),
        (
            "/api/v1/namespaces/blue/pods",
            Attributes(USER, "list", "pods", namespace="blue"),
        ),
        (
            "/api/v1/namespaces/blue/pods?watch=1",
            Attributes(USER, "watch", "pods", namespace="blue"),
        ),
        (
            "/api/v1/namespaces/blue/pods?watch=false",
            Attributes(USER, "list", "pods", namespace="blue"),
        ),
        (
            "/api/v1/namespaces/blue/pods?watch=0&watch=1",
            Attributes(USER, "list", "pods", namespace="blue"),
        ),
        (
            "/api/v1/namespaces/blue/pods/%ED%8C%8C/log",
            Attributes(USER, "get", "pods", "", "log", "파", "blue"),
        ),
        (
            f"/apis/{GROUP}/v1/namespaces/blue/roles/app",
            Attributes(USER, "get", "roles", GROUP, "", "app", "blue"),
        ),
        ("/api/v1/namespaces", Attributes(USER, "list", "namespaces")),
        (
            "/api/v1/namespaces/blue",
            Attributes(USER, "get", "namespaces", name="blue", namespace="blue"),
        ),
        (
            "/api/v1/namespaces/blue/status",
            Attributes(USER, "get", "namespaces", "", "status", "blue", "blue"),
        ),
        (
            "/api/v1/namespaces/blue/finalize",
            Attributes(USER, "get", "namespaces", "", "finalize", "blue", "blue"),
        ),
    ],
)
def test_a_path_tells_what_is_attempted(path, expected):
    """Verb, resource, name and namespace stand in the path; other paths stay whole."""
    assert attributes_of_get(path, USER) == expected
