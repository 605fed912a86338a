"""Name what a cluster consists of: the components that have a log, and a status. Pure.

It imports nothing, so that the command line can list them without any backend.
"""

#: of the local cluster, in the order in which they start
LOCAL = (
    "machine",
    "etcd",
    "kube-apiserver",
    "containerd",
    "kube-controller-manager",
    "kube-scheduler",
    "kubelet",
    "coredns",
    "relay",
    "kube-proxy",
    "image-import",
)
#: of a kind cluster: the container, its services, and what runs in further containers
KIND = (
    "node",
    "kubelet",
    "containerd",
    "etcd",
    "kube-apiserver",
    "kube-controller-manager",
    "kube-scheduler",
    "kube-proxy",
    "kindnet-cni",
    "coredns",
)
#: every key of a status, with its value for a cluster that does not run
STATUS = {
    "phase": "not running",
    "problem": None,
    "awaited": [],
    "failed": None,
    "began": None,
    "ready_at": None,
    "server": None,
    "kubeconfig": None,
    "ids": None,
    "seccomp": None,
    "service_proxy": None,
    "snapshotter": None,
    "absent": [],
    "components": {},
}
