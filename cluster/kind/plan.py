"""Describe a cluster made by kind: its names, configuration, commands, and its record.

behaviour         a plain `kind create cluster`     here
name              kind                              lab-, and the hash of the directory
kubeconfig        ~/.kube/config, its context set   a file of our own, always named
node image        the default of this kind          the same, or LAB_KIND_NODE_IMAGE
API server        127.0.0.1, any free port          the same, or the port asked for
images            pulled by the node                the same, and `toolbox` loaded
stop, start       by hand                           of the container, by our verbs
audit log         none                              in the node, see `machine.audit`
"""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster import statedir
from cluster.language import mark
from cluster.machine import audit
from cluster.statedir import write_private

#: seconds until a new node and its DNS are ready; the image is there by then
START_TIMEOUT = 300.0
#: directories of the node: the audit log, and the policy that it follows
AUDIT, POLICY = "/var/log/kubernetes/audit", "/etc/kubernetes/audit"
#: since Kubernetes 1.35 a kubelet refuses an engine with cgroup v1 unless told so
KUBELET = {
    "apiVersion": "kubelet.config.k8s.io/v1beta1",
    "kind": "KubeletConfiguration",
    "failCgroupV1": False,
}
#: the file that marks a state directory as kind's
RECORD = "kind.json"


def name_for(state: Path) -> str:
    """Return the name of a new cluster: two directories, two clusters."""
    digest = hashlib.sha256(str(state.absolute()).encode()).hexdigest()
    return f"lab-{digest[:8]}"


@dataclass(frozen=True)
class KindPlan:
    """The cluster with the name `cluster`, whose state is in the directory `state`."""

    state: Path
    cluster: str

    @property
    def node(self) -> str:
        """Return the name of the node, which is that of its container."""
        return f"{self.cluster}-control-plane"

    @property
    def context(self) -> str:
        """Return the name that kind gives to the context."""
        return f"kind-{self.cluster}"

    @property
    def kubeconfig(self) -> Path:
        """Return our own kubeconfig."""
        return self.state / "kubeconfig"

    def configuration(self, image: str, port: int | None) -> str:
        """Return kind's configuration: JSON, which is YAML as well."""
        networking: dict[str, object] = {"apiServerAddress": "127.0.0.1"}
        if port:
            networking["apiServerPort"] = port
        return json.dumps(
            {
                "kind": "Cluster",
                "apiVersion": "kind.x-k8s.io/v1alpha4",
                "networking": networking,
                "nodes": [self._node(image)],
            }
        )

    @property
    def audit_policy(self) -> Path:
        """Return the file with the audit policy, which the node mounts."""
        return self.state / "audit.yaml"

    def _node(self, image: str) -> dict:
        policy = f"{POLICY}/policy.yaml"
        options = audit.options(policy, AUDIT)
        volumes = (("audit-policy", POLICY, True), ("audit-log", AUDIT, False))
        api_server = {
            "apiVersion": "kubeadm.k8s.io/v1beta4",
            "kind": "ClusterConfiguration",
            "apiServer": {
                "extraArgs": [
                    {"name": name, "value": value} for name, value in options.items()
                ],
                # The API server is a pod: what it reads and writes has to be mounted.
                "extraVolumes": [
                    {
                        "name": name,
                        "hostPath": path,
                        "mountPath": path,
                        "readOnly": read_only,
                        "pathType": "DirectoryOrCreate",
                    }
                    for name, path, read_only in volumes
                ],
            },
        }
        return {
            "role": "control-plane",
            "image": image,
            "kubeadmConfigPatches": [json.dumps(api_server), json.dumps(KUBELET)],
            "extraMounts": [
                {
                    "hostPath": str(self.audit_policy.absolute()),
                    "containerPath": policy,
                    "readOnly": True,
                }
            ],
        }

    def create(self, configuration: Path) -> list[str]:
        """Return the arguments that create the cluster, all of it or nothing."""
        # Not `--wait`: kind warns and goes on when the time is over.
        return ["create", "cluster", f"--config={configuration}", *self._options()]

    def delete(self) -> list[str]:
        """Return the arguments that remove the cluster, if there is one."""
        return ["delete", "cluster", *self._options()]

    def export_kubeconfig(self) -> list[str]:
        """Return the arguments that write the kubeconfig again."""
        return ["export", "kubeconfig", *self._options()]

    def load(self, archive: Path) -> list[str]:
        """Return the arguments that import an archive into the node."""
        return ["load", "image-archive", str(archive), f"--name={self.cluster}"]

    def _options(self) -> list[str]:
        return [f"--name={self.cluster}", f"--kubeconfig={self.kubeconfig}"]

    def conditions(self) -> dict[str, list[str]]:
        """Return the conditions of a ready cluster, each with kubectl's arguments."""
        return {
            mark("the node"): ["wait", "nodes", "--all", "--for=condition=Ready"],
            mark("the default ServiceAccount"): [
                "wait",
                "serviceaccount/default",
                "--for=create",
                "-n=default",
            ],
            "DNS": ["rollout", "status", "deployment/coredns", "-n=kube-system"],
        }


@dataclass(frozen=True)
class Record:
    """The content of `kind.json`.

    `made` is False from before the first container until the cluster was ready once.
    `endpoint` is where the engine was then, "" if unknown.
    """

    cluster: str
    engine: str
    made: bool
    endpoint: str = ""

    @classmethod
    def read(cls, state: Path) -> "Record | None":
        """Return the record of a state directory, or None if there is none."""
        try:
            return cls(**json.loads((state / RECORD).read_text()))
        except (OSError, ValueError, TypeError):
            # Our records are written whole or not at all; any other file is not ours.
            return None

    def write(self, state: Path) -> None:
        """Write the record; raise StateError."""
        with statedir.state_errors(state):
            write_private(state / RECORD, json.dumps(asdict(self)))
