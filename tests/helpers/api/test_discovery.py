"""Discovery becomes frames, and they say what `kubectl api-resources` says."""

import pytest

from helpers.api import discovery
from helpers.api.proxy import KubectlProxy
from helpers.command import kubectl

READ = ["get", "list"]
CORE = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {},
            "versions": [
                {
                    "version": "v1",
                    "resources": [
                        {
                            "resource": "nodes",
                            "responseKind": {"kind": "Node"},
                            "scope": "Cluster",
                            "shortNames": ["no"],
                            "verbs": ["list", "get"],
                            "subresources": [
                                {"subresource": "proxy", "verbs": ["get"]},
                                {
                                    "subresource": "status",
                                    "responseKind": {"kind": "Node"},
                                    "verbs": ["get"],
                                },
                            ],
                        }
                    ],
                }
            ],
        }
    ],
}
NAMED = {
    "kind": "APIGroupDiscoveryList",
    "items": [
        {
            "metadata": {"name": "autoscaling"},
            "versions": [
                {
                    "version": version,
                    "resources": [
                        {
                            "resource": "horizontalpodautoscalers",
                            "responseKind": {"kind": "HorizontalPodAutoscaler"},
                            "scope": "Namespaced",
                            "verbs": READ,
                            "categories": ["all"],
                        }
                    ],
                }
                for version in ("v2", "v1")
            ],
        }
    ],
}
HPA = "horizontalpodautoscalers"


class Told:
    """Serves these documents."""

    def __init__(self, *documents):
        self._rest = [*documents]

    def read(self, path, *, accept):
        return self._rest.pop(0)


def rows(frame):
    return [tuple(row) for row in frame.itertuples(index=False)]


def test_resources():
    """Each resource of each version has a row; a missing value is empty."""
    frame = discovery.api_resources(Told(CORE, NAMED))
    assert list(frame.columns) == discovery.COLUMNS
    hpa = (True, "HorizontalPodAutoscaler", READ, ["all"])
    assert rows(frame) == [
        ("nodes", ["no"], "v1", False, "Node", READ, []),
        (HPA, [], "autoscaling/v2", *hpa),
        (HPA, [], "autoscaling/v1", *hpa),
    ]


@pytest.fixture(scope="module")
def server(cluster):
    """Yield a proxy to the real API server."""
    with KubectlProxy() as running:
        yield running


def test_it_lists_what_kubectl_lists(server):
    """Names, versions, kinds and scopes are those of `kubectl api-resources`."""
    ours = discovery.api_resources(server)
    theirs = kubectl("api-resources", "--no-headers", "-o", "wide").stdout
    expected = {line.split()[0] for line in theirs.splitlines()}
    assert expected == set(ours["NAME"])
    jobs = ours.set_index(["APIVERSION", "NAME"]).loc[("batch/v1", "jobs")]
    assert {"create", "delete", "list", "watch"} <= set(jobs["VERBS"])
    assert (jobs["KIND"], bool(jobs["NAMESPACED"])) == ("Job", True)
    assert jobs["CATEGORIES"] == ["all"]
