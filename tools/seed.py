"""Write the objects with which an API server of this version fills an empty etcd.

They are what `cluster.local.seed` puts there. Write them anew for another version of
Kubernetes: `python -m tools.seed`. A test compares them with what the API server makes.
"""

import json
from collections.abc import Iterator
from pathlib import Path

from cluster.controlplane.apiserver import ApiServer
from cluster.local import seed
from cluster.machine.lifecycle import START_TIMEOUT
from cluster.machine.ports import port_of
from cluster.machine.probes import Prober
from cluster.waiting import poll

OBJECTS = Path(seed.__file__).with_name("seed.jsonl")
_RBAC = "/apis/rbac.authorization.k8s.io/v1"
COLLECTIONS = (
    *(f"{_RBAC}/{name}" for name in ("clusterroles", "clusterrolebindings")),
    *(f"{_RBAC}/{name}" for name in ("roles", "rolebindings")),
    "/apis/scheduling.k8s.io/v1/priorityclasses",
)
#: metadata that differs in each cluster
_OWN = ("uid", "resourceVersion", "creationTimestamp", "managedFields")


def seed_lines() -> Iterator[str]:
    """Give them as lines of JSON, asked from an API server that has just made them."""
    with ApiServer({"--authorization-mode": "RBAC"}) as server:
        api = Prober(str(server.directory / "pki"), port_of(server.directory))
        whole = f"{server.url}/readyz"
        if not poll(lambda: api.ready(whole), START_TIMEOUT):
            raise SystemExit("the API server did not become ready")
        for path in COLLECTIONS:
            _, listing = api.api("GET", path)
            kind = {
                "apiVersion": listing["apiVersion"],
                "kind": listing["kind"].removesuffix("List"),
            }
            for item in listing["items"]:
                metadata = {k: v for k, v in item["metadata"].items() if k not in _OWN}
                yield json.dumps(kind | item | {"metadata": metadata}, sort_keys=True)


if __name__ == "__main__":
    OBJECTS.write_text("".join(f"{line}\n" for line in seed_lines()))
