"""Make the API objects of `bootstrap`, and wait for those that others make.

Each function asks or acts once and says how it stands; the waiting is the caller's.
"""

from collections.abc import Iterable

from cluster.local import bootstrap, layout
from cluster.local.components import Get
from cluster.local.probes import Prober

_NODE = f"/api/v1/nodes/{layout.NODE_NAME}"
_ENDPOINTS = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
_SERVICE = Get(f"https://{layout.API_SERVICE_IP}:{layout.API_PORT}/readyz")
#: what a first pod needs and the controller manager makes
_AWAITED = (
    "/api/v1/namespaces/default/serviceaccounts/default",
    "/api/v1/namespaces/default/configmaps/kube-root-ca.crt",
)


def make(api: Prober, posts: Iterable[bootstrap.Post]) -> str | None:
    """Make what is missing; return None when all is there, else what went wrong."""
    problems = (_exists(api, post) for post in posts)
    return next((problem for problem in problems if problem), None)


def _exists(api: Prober, post: bootstrap.Post) -> str | None:
    # Asked first: a second POST of a Service with a fixed address is answered with
    # 422 (address taken), not with 409.
    name = post.body["metadata"]["name"]
    if api.api("GET", f"{post.path}/{name}")[0] == 200:
        return None
    status, answer = api.api("POST", post.path, post.body)
    return None if status == 201 else answer.get("message", f"status {status}")


def disown_node(api: Prober) -> bool:
    """Say of a Node that was ready before the last stop that this is now unknown.

    A kubelet that finds its Node Ready leaves it for 10 s before it looks again, and
    nobody could tell old from new.
    """
    status, node = api.api("GET", _NODE)
    if status != 200 or not _ready(node):
        return status in (200, 404)
    change = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    status, _ = api.api(
        "PATCH",
        f"{_NODE}/status",
        {"status": change},
        "application/strategic-merge-patch+json",
    )
    return status == 200


def node_ready(api: Prober) -> bool:
    """Say whether a first pod could start: node, ServiceAccount, CA ConfigMap."""
    status, node = api.api("GET", _NODE)
    if status != 200:
        return False
    labels = bootstrap.node_labels()
    have = node["metadata"].get("labels", {})
    if any(have.get(key) != value for key, value in labels.items()):
        api.api(
            "PATCH",
            _NODE,
            {"metadata": {"labels": labels}},
            "application/merge-patch+json",
        )
    return _ready(node) and accounts_ready(api)


def accounts_ready(api: Prober) -> bool:
    """Say whether the controller manager has done its part for a first pod."""
    return all(api.api("GET", path)[0] == 200 for path in _AWAITED)


def service_answers(api: Prober) -> bool:
    """Say whether pods reach the API server under its Service's address.

    Ask when kube-proxy is ready: before that, the address answers without it.
    """
    status, found = api.api("GET", _ENDPOINTS)
    endpoints = found.get("endpoints") if status == 200 else None
    return bool(endpoints) and api.ready(_SERVICE)


def _ready(node: dict) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)
