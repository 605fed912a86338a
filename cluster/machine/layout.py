"""Name the addresses, ports and paths of the local cluster, once.

Paths are those *inside* the machine, so that an AF_UNIX path fits into its 108 bytes.
"""

from cluster.processes import SYSTEM_PATH

#: kubeconfig context and cluster name; also what the prompt of a person shows.
CONTEXT = "lab"
NODE_NAME = "lab-control-plane"

#: The node's own address lives on `lo`: the kubelet refuses one in 127/8.
NODE_IP = "172.30.0.1"
SERVICE_CIDR = "10.96.0.0/16"
API_SERVICE_IP = "10.96.0.1"
DNS_SERVICE_IP = "10.96.0.10"
POD_CIDR = "10.244.0.0/24"
CLUSTER_DOMAIN = "cluster.local"

#: 443, so that the Service `kubernetes` works even where kube-proxy cannot run.
API_PORT = 443
#: Not the Service's address: while the API server restarts that has no endpoint,
#: kube-proxy refuses for it, and could not learn of a new one through itself.
API_SERVER = f"https://{NODE_IP}:{API_PORT}"

#: on the node's loopback device
REGISTRY_PORT = 10261

ROOT = "/run/lab"
BIN = f"{ROOT}/bin"
#: PATH of all processes: programs of the distribution, whatever the learner's has
PATH = f"{BIN}:{SYSTEM_PATH}"
ARCHIVE = f"{ROOT}/image.tar"
#: the directory with the store of images, under the store's own name
IMAGES = f"{ROOT}/images"
STATE = f"{ROOT}/state"
PKI = f"{STATE}/pki"
ETC = f"{STATE}/etc"
RUN = f"{STATE}/run"
LOGS = f"{STATE}/logs"
AUDIT = f"{STATE}/audit"
ETCD = f"{STATE}/etcd"
ETCD_DATA = f"{ETCD}/data"
CONTAINERD_SOCKET = f"{RUN}/containerd.sock"

#: Parts of the state directory, and where the machine has them; "pki" only to read.
#: Pods can write to the others: the host reads them as hostile.
SHARED = {
    "pki": PKI,
    "etcd": ETCD,
    "audit": AUDIT,
    "etc": ETC,
    "run": RUN,
    "logs": LOGS,
    "logs/pods": "/var/log/pods",
    "node/containerd": "/var/lib/containerd",
    "node/kubelet": "/var/lib/kubelet",
}

KUBECONFIG_STEMS = (
    "super-admin",
    "controller-manager",
    "scheduler",
    "proxy",
    "coredns",
    "kubelet",
)
