"""Find the cluster that a context leads to, and the user there. Only reads."""

import copy
from dataclasses import dataclass
from pathlib import Path

from cluster import programs
from cluster.existing.kubectl import KubectlClient
from cluster.kubeconfig import entry_of, read_kubeconfig, server_of
from cluster.language import say
from cluster.progress import Progress


@dataclass(frozen=True)
class Target:
    """A cluster as it was found: where it is, what it is, and the client for it."""

    client: KubectlClient
    document: dict
    uid: str
    user: str
    version: str
    client_version: str


def find(kubeconfig: Path, context: str, progress: Progress) -> Target:
    """Return the cluster that a context of a kubeconfig leads to; raise LabError."""
    path = kubeconfig.absolute()
    hint = "Name another file, or fix this one."
    whole = read_kubeconfig(path, context=context, hint=hint)
    document = take(whole, context, path.parent)
    server = server_of(document, context)
    programs.ensure_kubectl(progress)
    progress.update(say("asking {server}", server=server))
    client = KubectlClient(path, context, server)
    answer = client.json("version")
    user = client.json("auth", "whoami")["status"]["userInfo"]["username"]
    version = answer.get("serverVersion", {}).get("gitVersion", "")
    kubectl_version = answer["clientVersion"]["gitVersion"]
    return Target(client, document, client.uid(), user, version, kubectl_version)


def take(document: dict, context: str, folder: Path) -> dict:
    """Return a kubeconfig of one context of `document`, without its namespace; pure.

    Relative names of files count from `folder`, and come out absolute.
    """
    chosen = copy.deepcopy(entry_of(document, "context", context) or {})
    chosen.pop("namespace", None)
    parts = {}
    for kind, names in _FILES.items():
        entry = parts[kind] = copy.deepcopy(
            entry_of(document, kind, chosen[kind]) or {}
        )
        for name in names:
            if name in entry:
                entry[name] = str(folder / entry[name])
    plugin = parts["user"].get("exec", {})
    # As kubectl does it: a bare name is looked for in PATH, a path is relative.
    if "/" in plugin.get("command", ""):
        plugin["command"] = str(folder / plugin["command"])
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": context,
        "contexts": [{"name": context, "context": chosen}],
        **{f"{k}s": [{"name": chosen[k], k: parts[k]}] for k in _FILES},
    }


#: the fields that name a file, in the entries of a cluster and of a user
_FILES = {
    "cluster": ("certificate-authority",),
    "user": ("client-certificate", "client-key", "tokenFile"),
}
