"""Put many pods into an API server: through its REST API, as clients do.

Nobody runs them. Each has what pods in a real list have: labels, an owner, two
containers with resources, volumes, conditions, and the field managers of two writers.
"""

import concurrent.futures
import json
from pathlib import Path

import urllib3

from cluster.kubeconfig import user_access
from helpers.caller import tls_context

#: pods per namespace
PER_NAMESPACE = 500
#: requests at a time; the server has two cores, and each thread waits most of the time
THREADS = 8
_JSON = {"Content-Type": "application/json"}


class Writer:
    """Sends objects to an API server, over a connection per thread."""

    def __init__(self, kubeconfig: Path) -> None:
        """Write as the user of a kubeconfig."""
        access = user_access(kubeconfig)
        context = tls_context(access)
        self._server = access.server
        self._pool = urllib3.PoolManager(
            maxsize=THREADS, ssl_context=context, retries=urllib3.Retry(10)
        )

    def send(self, method: str, path: str, body: dict) -> None:
        """Send an object; end the program if the server does not take it."""
        reply = self._pool.request(
            method, self._server + path, body=json.dumps(body), headers=_JSON
        )
        if reply.status >= 300:
            raise SystemExit(f"{method} {path}: {reply.status} {reply.data.decode()}")

    def put_pods(self, first: int, last: int, *, started: bool) -> None:
        """Make the pods with the numbers from `first` up to `last`.

        They are in namespaces of PER_NAMESPACE each, which are made too. If they are
        to be `started`, each gets the status that a kubelet writes.
        """
        put = self._put_started if started else self._put_pod
        spaces = range(first // PER_NAMESPACE, -(-last // PER_NAMESPACE))
        for number in spaces:
            self._put_namespace(namespace(number * PER_NAMESPACE))
        with concurrent.futures.ThreadPoolExecutor(THREADS) as threads:
            for _ in threads.map(put, range(first, last)):
                pass

    def _put_namespace(self, name: str) -> None:
        metadata = {"metadata": {"name": name}}
        self.send("POST", "/api/v1/namespaces", metadata)
        # Nobody else makes it here, and no pod is admitted without it.
        account = {"metadata": {"name": "default"}}
        self.send("POST", f"/api/v1/namespaces/{name}/serviceaccounts", account)

    def _put_pod(self, number: int) -> dict:
        body = pod(number)
        path = f"/api/v1/namespaces/{namespace(number)}/pods"
        self.send("POST", f"{path}?fieldManager=kube-controller-manager", body)
        return body

    def _put_started(self, number: int) -> None:
        body = self._put_pod(number)
        body["status"] = status(number)
        path = f"/api/v1/namespaces/{namespace(number)}/pods/{body['metadata']['name']}"
        self.send("PUT", f"{path}/status?fieldManager=kubelet", body)


def namespace(number: int) -> str:
    """Return the namespace of a pod."""
    return f"team-{number // PER_NAMESPACE:03}"


def pod(number: int) -> dict:
    """Return the manifest of a pod: one of a Deployment's, bound to a node."""
    app = f"app-{number % 40:02}"
    owner = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "name": f"{app}-7d9c6b8f5",
        "uid": f"00000000-0000-4000-8000-{number % 40:012}",
        "controller": True,
        "blockOwnerDeletion": True,
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": f"{app}-7d9c6b8f5-{number:06}",
            "labels": {
                "app.kubernetes.io/name": app,
                "app.kubernetes.io/version": f"1.{number % 7}.0",
                "tier": ("front", "back", "data")[number % 3],
                "pod-template-hash": "7d9c6b8f5",
            },
            "annotations": {"example.com/checksum": f"{number * 2654435761:064x}"},
            "ownerReferences": [owner],
        },
        "spec": {
            "nodeName": f"node-{number % 100:03}",
            "containers": [
                container("main", number, [{"containerPort": 8080, "name": "http"}]),
                container("proxy", number // 3, []),
            ],
            "volumes": [
                {"name": "settings", "configMap": {"name": app}},
                {"name": "scratch", "emptyDir": {"sizeLimit": "64Mi"}},
            ],
            "tolerations": [{"key": "spot", "operator": "Exists"}],
        },
    }


def container(name: str, number: int, ports: list[dict]) -> dict:
    """Return one of a pod's containers; sizes differ, and some have no limits."""
    requests = {"cpu": f"{50 + number % 5 * 50}m", "memory": f"{64 << number % 4}Mi"}
    limits = {"memory": "1Gi"} if number % 4 else {}
    probe = {"httpGet": {"path": "/healthz", "port": 8080}, "periodSeconds": 10}
    return {
        "name": name,
        "image": f"registry.example.com/team/{name}:1.{number % 7}.{number % 11}",
        "ports": ports,
        "env": [
            {"name": "POD_NAME", "valueFrom": field("metadata.name")},
            {"name": "POD_IP", "valueFrom": field("status.podIP")},
            {"name": "LEVEL", "value": "info"},
        ],
        "resources": {"requests": requests, "limits": limits},
        "readinessProbe": probe,
        "volumeMounts": [
            {"name": "settings", "mountPath": "/etc/settings"},
            {"name": "scratch", "mountPath": "/tmp"},
        ],
    }


def field(path: str) -> dict:
    """Return the source of a variable that names one of the pod's own fields."""
    return {"fieldRef": {"fieldPath": path}}


def status(number: int) -> dict:
    """Return the status that a kubelet would write; every twentieth pod is not up."""
    if number % 20 == 7:
        return {"phase": "Pending", "qosClass": "Burstable"}
    since = f"2026-11-{1 + number % 28:02}T{number % 24:02}:{number % 60:02}:30Z"
    address = f"10.{200 + number // 65536}.{number // 256 % 256}.{number % 256}"
    kinds = ("PodReadyToStartContainers", "Initialized", "Ready", "PodScheduled")
    return {
        "phase": "Running",
        "qosClass": "Burstable",
        "hostIP": f"192.168.0.{1 + number % 100}",
        "podIP": address,
        "podIPs": [{"ip": address}],
        "startTime": since,
        "conditions": [
            {"type": kind, "status": "True", "lastTransitionTime": since}
            for kind in (*kinds, "ContainersReady")
        ],
        "containerStatuses": [
            {
                "name": name,
                "image": f"registry.example.com/team/{name}:1.{number % 7}.0",
                "imageID": f"sha256:{number * 40503 + place:064x}",
                "containerID": f"containerd://{number * 65537 + place:064x}",
                "ready": True,
                "started": True,
                "restartCount": number % 13 if place == 0 else 0,
                "state": {"running": {"startedAt": since}},
            }
            for place, name in enumerate(("main", "proxy"))
        ],
    }
