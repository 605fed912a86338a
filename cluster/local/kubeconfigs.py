"""Write the kubeconfigs of the local cluster, from the keys that `pki` has made.

It loads no library of cryptography: to attach to a running cluster needs this alone.
"""

import base64
import json
from collections.abc import Iterable
from pathlib import Path

from cluster.local import layout
from cluster.statedir import write_private

#: Not the Service's address: while the API server restarts that has no endpoint,
#: kube-proxy refuses for it, and could not learn of a new one through itself.
SERVER = f"https://{layout.NODE_IP}:{layout.API_PORT}"


def kubeconfig(
    directory: Path,
    stem: str,
    *,
    server: str,
    context: str = layout.CONTEXT,
    user: str | None = None,
) -> dict:
    """Return a kubeconfig with everything embedded, as a dict."""

    def b64(name: str) -> str:
        return base64.b64encode((directory / name).read_bytes()).decode()

    user = user or stem
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [
            {
                "name": context,
                "cluster": {
                    "server": server,
                    "certificate-authority-data": b64("ca.crt"),
                },
            }
        ],
        "users": [
            {
                "name": user,
                "user": {
                    "client-certificate-data": b64(f"{stem}.crt"),
                    "client-key-data": b64(f"{stem}.key"),
                },
            }
        ],
        "contexts": [{"name": context, "context": {"cluster": context, "user": user}}],
        "current-context": context,
    }


def write_component_kubeconfigs(
    directory: Path,
    server: str = SERVER,
    stems: Iterable[str] = layout.KUBECONFIG_STEMS,
) -> None:
    """Write the kubeconfig of each component beside its certificate."""
    for stem in stems:
        document = kubeconfig(directory, stem, server=server)
        # JSON is YAML: no YAML writer is needed for what only programs read.
        write_private(directory / f"{stem}.conf", json.dumps(document, indent=1))
