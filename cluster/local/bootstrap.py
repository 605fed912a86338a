"""List the API objects that the cluster needs before a learner meets it.

kubeadm writes the same ones, under the same names. Pure: documents only.
"""

from dataclasses import dataclass

from cluster.local import layout as at


@dataclass(frozen=True)
class Post:
    """Create `body` by a POST to the collection `path`."""

    path: str
    body: dict


_RBAC = "/apis/rbac.authorization.k8s.io/v1"
_ADMISSION = "/apis/admissionregistration.k8s.io/v1"


def posts() -> list[Post]:
    """Return the objects in the order in which they are made."""
    return (
        control_plane_posts()
        + [
            Post(f"{_RBAC}/clusterrolebindings", body)
            for body in (
                # exec and logs: the API server asks the kubelet under this name.
                _binding(
                    "kubeadm:apiserver-kubelet-client",
                    "system:kubelet-api-admin",
                    "User",
                    "kube-apiserver-kubelet-client",
                ),
                _binding("system:coredns", "system:coredns", "User", "system:coredns"),
            )
        ]
        + [
            Post(f"{_RBAC}/clusterroles", _coredns_role()),
            Post("/api/v1/namespaces/kube-system/services", _dns_service()),
            Post(
                "/apis/discovery.k8s.io/v1/namespaces/kube-system/endpointslices",
                _dns_endpoints(),
            ),
            Post(f"{_ADMISSION}/validatingadmissionpolicies", _no_resize()),
            Post(
                f"{_ADMISSION}/validatingadmissionpolicybindings", _no_resize_binding()
            ),
        ]
    )


def control_plane_posts() -> list[Post]:
    """Return those of them that a cluster without a node needs, too."""
    # The learner's group. kubeadm binds it since 1.29.
    name = "kubeadm:cluster-admins"
    binding = _binding(name, "cluster-admin", "Group", name)
    return [Post(f"{_RBAC}/clusterrolebindings", binding)]


def node_labels() -> dict[str, str]:
    """Return the labels that the kubelet may not give to its own Node."""
    return {
        "node-role.kubernetes.io/control-plane": "",
        "node.kubernetes.io/exclude-from-external-load-balancers": "",
    }


def _binding(name: str, role: str, kind: str, subject: str) -> dict:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": role,
        },
        "subjects": [
            {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": subject}
        ],
    }


def _coredns_role() -> dict:
    return {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "system:coredns"},
        "rules": [
            {
                "apiGroups": [""],
                "resources": ["endpoints", "services", "pods", "namespaces"],
                "verbs": ["list", "watch"],
            },
            {
                "apiGroups": ["discovery.k8s.io"],
                "resources": ["endpointslices"],
                "verbs": ["list", "watch"],
            },
        ],
    }


_DNS_PORTS = (("dns", "UDP"), ("dns-tcp", "TCP"))


def _dns_service() -> dict:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": "kube-dns",
            "labels": {
                "k8s-app": "kube-dns",
                # What makes `kubectl cluster-info` list it.
                "kubernetes.io/cluster-service": "true",
                "kubernetes.io/name": "CoreDNS",
            },
        },
        # No selector: CoreDNS is a process here and not a pod.
        "spec": {
            "clusterIP": at.DNS_SERVICE_IP,
            "ports": [
                {"name": name, "port": 53, "protocol": protocol}
                for name, protocol in _DNS_PORTS
            ],
        },
    }


def _dns_endpoints() -> dict:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "kube-dns",
            "labels": {"kubernetes.io/service-name": "kube-dns"},
        },
        "addressType": "IPv4",
        "endpoints": [{"addresses": [at.NODE_IP], "conditions": {"ready": True}}],
        "ports": [
            {"name": name, "port": 53, "protocol": protocol}
            for name, protocol in _DNS_PORTS
        ],
    }


_NO_RESIZE = "no-resize-without-cgroups"


def _no_resize() -> dict:
    """Refuse to resize a running pod, which here would end the kubelet.

    Where `cgroupsPerQOS` is false, kubelet 1.37 reads the pod's cgroup through a nil
    pointer, ends, and does so again at each start until the pod is deleted. The
    feature gate is locked since 1.35, so the request has to be turned away.
    """
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": _NO_RESIZE},
        "spec": {
            "failurePolicy": "Fail",
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["UPDATE"],
                        "resources": ["pods/resize"],
                    }
                ]
            },
            "validations": [
                {
                    "expression": "false",
                    "reason": "Forbidden",
                    "message": "the local cluster has no cgroups: its kubelet "
                    "cannot resize a running pod; a cluster with cgroups can",
                }
            ],
        },
    }


def _no_resize_binding() -> dict:
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": _NO_RESIZE},
        "spec": {"policyName": _NO_RESIZE, "validationActions": ["Deny"]},
    }
