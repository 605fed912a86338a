"""What a check of paths and proxies says to a learner, right and wrong."""

import pytest

from helpers.checks import batch_api, kubectl_proxy
from helpers.discovery import api_resources
from helpers.errors import NotSolved
from helpers.proxy import KubectlProxy

EXEC = ["^/api/.*/pods/.*/exec", "^/api/.*/pods/.*/attach"]


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


@pytest.mark.parametrize(
    ("guards", "said"),
    [
        (["/secrets", *EXEC], ""),
        (["/secrets"], "exec passes"),
        (["/secrets", EXEC[0]], "attach passes"),
        (EXEC, "/api/v1/secrets passes"),
        (["^/api/v1"], "a pattern is too wide"),
    ],
)
def test_a_door_is_tried(cluster, guards, said):
    """It is knocked at, so every list of patterns that does the work is right."""
    with KubectlProxy(reject_paths=guards) as door:
        diagnosis = kubectl_proxy.door_is_guarded(door, "default")
    assert said in diagnosis if said else diagnosis == ""


NAMES = ["a", "b", "c", "d", "e"]


class Listing:
    """Answer every path with five names."""

    def read(self, path):
        return {"items": [{"metadata": {"name": name}} for name in NAMES]}


def first_page(path, limit):
    return NAMES[:limit]


def every_page(path, limit):
    return list(NAMES)


def a_page_twice(path, limit):
    return [*NAMES[:limit], *NAMES]


@pytest.mark.parametrize(
    ("names_of", "said"),
    [
        (every_page, ""),
        (first_page, "limit=1: 1 of 5 names"),
        (a_page_twice, "limit=1: 6 names of 5: a page came twice"),
        (lambda path, limit: None, "limit=1: 0 of 5 names"),
    ],
)
def test_a_reader_of_pages_is_tried_with_several_limits(names_of, said):
    """A full last page, a page more than full, and pages of one."""
    diagnosis = batch_api.names_are_complete(names_of, Listing(), "/any")
    assert said in diagnosis if said else diagnosis == ""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (set(), ""),
        ({"jobs"}, "jobs does not belong there: its verbs are create, delete,"),
        ({"nosuch"}, "There is no resource 'nosuch'."),
        ({"tokenreviews"}, "1 of "),
    ],
)
def test_names_of_what_is_only_created(server, change, said):
    """One too many, one that is not there, and one that is missing."""
    frame = api_resources(server).explode("VERBS").groupby("NAME")["VERBS"].agg(set)
    right = {n for n, v in frame.items() if "create" in v and not v & {"get", "list"}}
    diagnosis = batch_api.only_created(right ^ change, server)
    assert diagnosis.startswith(said) if said else diagnosis == ""
