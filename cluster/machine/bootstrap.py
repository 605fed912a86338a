"""Make the API objects that a cluster needs, and wait for those of controllers.

kubeadm makes the same ones, or the controller manager, which starts last. Each function
asks or acts once; the caller waits.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from cluster.errors import with_commands
from cluster.machine import layout as at
from cluster.machine.probes import Prober

_NODE = f"/api/v1/nodes/{at.NODE_NAME}"
_ENDPOINTS = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices/kubernetes"
_SERVICE = f"https://{at.API_SERVICE_IP}:{at.API_PORT}/readyz"
_DEFAULT = "/api/v1/namespaces/default"
#: objects that a first pod needs
_AWAITED = (
    f"{_DEFAULT}/serviceaccounts/default",
    f"{_DEFAULT}/configmaps/kube-root-ca.crt",
)
#: taint of a Node that has just registered
_TAINT = "node.kubernetes.io/not-ready"
#: Read while the package can still be seen: PID 1 leaves the host's files behind. JSON
#: has no comments, so the reasons are here:
#: - ServiceAccount `default` and ConfigMap `kube-root-ca.crt`: a first pod needs them;
#:   the controller manager, which starts last, would make them a second later
#: - `kubeadm:apiserver-kubelet-client`: exec and logs; the API server asks the kubelet
#:   under the name kube-apiserver-kubelet-client
#: - `kubeadm:cluster-admins`: the learner's group, which kubeadm binds since 1.29
#: - Service `kube-dns`: no selector, because CoreDNS is a process and not a pod; the
#:   label cluster-service makes `kubectl cluster-info` list it
_OBJECTS = Path(__file__).with_name("objects.json").read_text()


@dataclass(frozen=True)
class Post:
    """Create `body` by a POST to its collection, or remove it: not `wanted`."""

    body: dict
    wanted: bool = True

    @property
    def path(self) -> str:
        """Return the path of the collection."""
        group, kind = self.body["apiVersion"], self.body["kind"].lower()
        namespace = self.body["metadata"].get("namespace")
        return "/".join(
            (
                f"/apis/{group}" if "/" in group else f"/api/{group}",
                *(("namespaces", namespace) if namespace else ()),
                f"{kind[:-1]}ies" if kind.endswith("y") else f"{kind}s",
            )
        )


def make(api: Prober, posts: Iterable[Post]) -> str | None:
    """Make missing objects in order; return the first failure's reason, else None."""
    for post in posts:
        problem = _settle(api, post)
        if problem:
            return problem
    return None


def _settle(api: Prober, post: Post) -> str | None:
    # Asked first: a second POST of a Service with a fixed address is answered with
    # 422 (address taken), not with 409.
    path = f"{post.path}/{post.body['metadata']['name']}"
    if api.api("GET", path)[0] == (200 if post.wanted else 404):
        return None
    if post.wanted:
        status, answer = api.api("POST", post.path, post.body)
    else:
        status, answer = api.api("DELETE", path)
    return None if status in (200, 201) else answer.get("message", f"status {status}")


def mark_node_unknown(api: Prober) -> bool:
    """Mark a Node that was ready before the last stop; return whether that is done.

    A kubelet that finds its Node Ready leaves it for 10 s before it looks again, and
    nobody could tell old from new.
    """
    status, node = api.api("GET", _NODE)
    if status != 200 or not _is_ready(node):
        return status in (200, 404)
    change = {"conditions": [{"type": "Ready", "status": "Unknown"}]}
    status, _ = api.api(
        "PATCH",
        f"{_NODE}/status",
        {"status": change},
        "application/strategic-merge-patch+json",
    )
    return status == 200


def node_ready(api: Prober, machine_id: str | None = None) -> bool:
    """Return whether a first pod could start: node, ServiceAccount, CA ConfigMap.

    With `machine_id` a Node that another machine has left counts for nothing.
    """
    status, node = api.api("GET", _NODE)
    if status != 200:
        return False
    labels = node_labels()
    have = node["metadata"].get("labels", {})
    changes: dict = {}
    if any(have.get(key) != value for key, value in labels.items()):
        changes["metadata"] = {"labels": labels}
    ready = _is_ready(node) and machine_id in (
        None,
        node["status"]["nodeInfo"]["machineID"],
    )
    taints = node["spec"].get("taints", [])
    left = [taint for taint in taints if taint["key"] != _TAINT]
    if ready and left != taints:
        # As the controller manager will, once it is there.
        changes["spec"] = {"taints": left}
    if changes:
        # Nothing that another has changed in between.
        version = node["metadata"]["resourceVersion"]
        changes.setdefault("metadata", {})["resourceVersion"] = version
        status, _ = api.api("PATCH", _NODE, changes, "application/merge-patch+json")
        ready = ready and status == 200
    return ready and accounts_ready(api)


def set_storage(api: Prober, size: int) -> bool:
    """Say of the Node how many bytes its pods can store; return whether that is done.

    The kubelet says so only where it enforces limits on them, and leaves alone what
    others have said. A pod that requests `ephemeral-storage` would wait for ever.
    """
    bytes_of = {"ephemeral-storage": str(size)}
    change = {"status": {"capacity": bytes_of, "allocatable": bytes_of}}
    status, _ = api.api(
        "PATCH", f"{_NODE}/status", change, "application/merge-patch+json"
    )
    return status == 200


def accounts_ready(api: Prober) -> bool:
    """Return whether a first pod has its ServiceAccount and the CA's certificate."""
    return all(api.api("GET", path)[0] == 200 for path in _AWAITED)


def controllers_work(api: Prober) -> bool:
    """Return whether the controller manager has begun: accounts, aggregated roles."""
    path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/view"
    _, role = api.api("GET", path)
    account = "/api/v1/namespaces/kube-public/serviceaccounts/default"
    return bool(role.get("rules")) and api.api("GET", account)[0] == 200


def service_answers(api: Prober) -> bool:
    """Return whether pods reach the API server under its Service's address.

    Ask when kube-proxy is ready: before that, the address answers without it.
    """
    status, answer = api.api("GET", _ENDPOINTS)
    endpoints = answer.get("endpoints") if status == 200 else None
    return bool(endpoints) and api.ready(_SERVICE)


def _is_ready(node: dict) -> bool:
    conditions = node.get("status", {}).get("conditions", [])
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def posts(*, limits: bool, ca: str, single_id: bool = False) -> list[Post]:
    """Return the objects in the order in which they are made.

    `limits` says whether the node enforces them, `single_id` whether root's is all that
    it has, `ca` is the cluster's certificate.
    """
    objects = json.loads(
        Template(_OBJECTS).substitute(vars(at), CA=json.dumps(ca)[1:-1])
    )
    return (
        control_plane_posts()
        + [Post(body) for body in objects["node"]]
        # An earlier start may have had no cgroups, or more ids.
        + _refuse_resize(not limits)
        + _refuse_other_ids(single_id)
    )


def control_plane_posts() -> list[Post]:
    """Return the objects that a cluster without a node needs, too."""
    return [Post(body) for body in json.loads(_OBJECTS)["control plane"]]


def node_labels() -> dict[str, str]:
    """Return the labels that the kubelet may not give to its own Node."""
    return {
        "node-role.kubernetes.io/control-plane": "",
        "node.kubernetes.io/exclude-from-external-load-balancers": "",
    }


def _refuse_resize(needed: bool) -> list[Post]:
    """Refuse to resize a running pod, which would end a kubelet without cgroups.

    Where `cgroupsPerQOS` is false, kubelet 1.37 reads the pod's cgroup through a nil
    pointer, ends, and does so again at each start until the pod is deleted. The
    feature gate is locked since 1.35, so the request has to be turned away.
    """
    return _refusal(
        "no-resize-without-cgroups",
        {"UPDATE": "pods/resize"},
        "false",
        "this cluster could make no cgroups: its kubelet cannot resize a running pod; "
        "`.venv/bin/kapi doctor` says how to have them",
        needed,
    )


#: all requests of a pod and of its containers, as CEL
_ASKED = """
([dyn(object.spec)] + object.spec.containers
  + object.spec.?initContainers.orValue([])
  + object.spec.?ephemeralContainers.orValue([])
).map(each, each.?securityContext)
""".strip()


def _refuse_other_ids(needed: bool) -> list[Post]:
    """Refuse a pod that asks for another id, where the node has a single id.

    The kubelet would try to give it its token, again and again, and never start it; a
    group it would not get, without a word. For what a program does by itself,
    see `pretend`.
    """
    return _refusal(
        "no-other-id",
        {"CREATE": "pods", "UPDATE": "pods/ephemeralcontainers"},
        f"""{_ASKED}.all(asked, !asked.?runAsNonRoot.orValue(false)
  && ([asked.?runAsUser, asked.?runAsGroup, asked.?fsGroup].map(id, id.orValue(0))
    + asked.?supplementalGroups.orValue([])).all(id, id == 0))""",
        "this cluster has a single user id, root's: its pods cannot have runAsUser, "
        "runAsGroup, fsGroup or supplementalGroups other than 0, nor runAsNonRoot; "
        "`.venv/bin/kapi doctor` says how to have more",
        needed,
    )


def _refusal(
    name: str, requests: Mapping[str, str], unless: str, message: str, needed: bool
) -> list[Post]:
    """Return a policy that refuses `requests` (operation to resource), and its binding.

    `unless` is an expression in CEL, `message` tells why.
    """
    rules = [
        {
            "apiGroups": [""],
            "apiVersions": ["v1"],
            "operations": [operation],
            "resources": [resource],
        }
        for operation, resource in requests.items()
    ]
    refused = {
        "expression": unless,
        "reason": "Forbidden",
        "message": with_commands(message),
    }
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {"resourceRules": rules},
        "validations": [refused],
    }
    binding = {"policyName": name, "validationActions": ["Deny"]}
    specs = {"": policy, "Binding": binding}
    return [
        Post(
            {
                "apiVersion": "admissionregistration.k8s.io/v1",
                "kind": f"ValidatingAdmissionPolicy{suffix}",
                "metadata": {"name": name},
                "spec": spec,
            },
            needed,
        )
        for suffix, spec in specs.items()
    ]
