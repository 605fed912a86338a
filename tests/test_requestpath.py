"""A path is read as the API server reads it before it asks an authorizer."""

import pytest

from helpers.rbac import Attempt
from helpers.requestpath import reading

USER = "system:serviceaccount:blue:app"
GROUP = "rbac.authorization.k8s.io"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/", Attempt(USER, "get", path="/")),
        ("/version?x=1", Attempt(USER, "get", path="/version")),
        ("/api", Attempt(USER, "get", path="/api")),
        ("/api/v1", Attempt(USER, "get", path="/api/v1")),
        ("/apis/batch/v1", Attempt(USER, "get", path="/apis/batch/v1")),
        ("/api/v1/nodes", Attempt(USER, "list", "nodes")),
        ("/api/v1/pods?limit=5", Attempt(USER, "list", "pods")),
        ("/api/v1/nodes/one", Attempt(USER, "get", "nodes", name="one")),
        (
            "/api/v1/namespaces/blue/pods",
            Attempt(USER, "list", "pods", namespace="blue"),
        ),
        (
            "/api/v1/namespaces/blue/pods?watch=1",
            Attempt(USER, "watch", "pods", namespace="blue"),
        ),
        (
            "/api/v1/namespaces/blue/pods?watch=false",
            Attempt(USER, "list", "pods", namespace="blue"),
        ),
        (
            "/api/v1/namespaces/blue/pods/%ED%8C%8C/log",
            Attempt(USER, "get", "pods", "", "log", "파", "blue"),
        ),
        (
            f"/apis/{GROUP}/v1/namespaces/blue/roles/app",
            Attempt(USER, "get", "roles", GROUP, "", "app", "blue"),
        ),
        ("/api/v1/namespaces", Attempt(USER, "list", "namespaces")),
        (
            "/api/v1/namespaces/blue",
            Attempt(USER, "get", "namespaces", name="blue", namespace="blue"),
        ),
        (
            "/api/v1/namespaces/blue/status",
            Attempt(USER, "get", "namespaces", "", "status", "blue", "blue"),
        ),
    ],
)
def test_a_path_tells_what_is_attempted(path, expected):
    """Verb, resource, name and namespace stand in the path; other paths stay whole."""
    assert reading(path, USER) == expected
